"""What an exercise is: data plus two small functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cvgen_course.checks.mistakes import Mistake

if TYPE_CHECKING:
    import torch

Plain = Any
"""Tensors, numbers, strings, booleans, None, and lists, tuples and string-keyed dicts of them."""


@dataclass(frozen=True)
class Case:
    """One question put to an implementation.

    Attributes:
        title: what is tried, in plain words, e.g. ``"a class that never occurs"``.
        inputs: plain data that ``probe`` reads; keys are the names that the probe uses.
        weight: how much the case counts, relative to the exercise's other cases.
        hint: what to look at when the case fails; one sentence.
    """

    title: str
    inputs: dict[str, Plain]
    weight: float = 1.0
    hint: str = ""


@dataclass(frozen=True)
class Exercise:
    """A graded exercise. It is used in the notebook, the autograder, the oracle and the tests.

    A probe hands the case's tensors to the implementation and returns plain data. Some rules:

    - Before it computes with what came back, it calls ``as_tensor(value, "the loss")``
      (``needs_grad=True`` where it will differentiate), which tells the student what is wrong.
    - It returns a dictionary with readable keys, since the table names the wrong part by them.
      Tensors in it need no gradient (``.detach()``), and hold no NaN where the answer is right: NaN
      is equal to nothing, so return ``isnan()`` and ``nan_to_num()`` where it is expected.
    - Inputs come contiguous and without gradient, a fresh copy for each call. It calls
      ``inputs["x"].requires_grad_()``, ``.permute(...)`` or ``.expand(...)`` itself.
    - It calls neither the reference nor anything forbidden: the watcher can't tell who called. That
      includes functions of its own module whose names begin with ``_``, as those of all but
      ``cases`` and ``probe`` do.

    Attributes:
        name: the name of the student's object, the reference's name too.
        title: what is asked, a few words.
        points: full points, the same number as in the grade cell's metadata.
        reference: the right implementation, from the chapter's library.
        cases: ``cases(rng)`` returns the questions; everything random follows from ``rng``.
        probe: ``probe(implementation, inputs)`` runs an implementation on one case's inputs; what
            is expected is ``probe(reference, inputs)``, possibly computed in another process.
        mistakes: wrong implementations that are recognised and explained; each is declared at its
            code, under ``@mistakes.when("…")``, and here they are ``tuple(mistakes)``.
        forbidden: what the student must not use here; the reference is always forbidden. Functions
            in Python or C, classes (their ``forward``, ``__call__`` or constructor), or names of
            torch operators with a name of their own (``"torchvision::nms"``). A C function of
            torch forbids the tensor's method of that name, too. The mistakes, and the
            functions of the probe's module whose names begin with ``_``, need not be named.
        read: where to read again, e.g. a section of the lecture.
    """

    name: str
    title: str
    points: float
    reference: Callable[..., Any]
    cases: Callable[[torch.Generator], list[Case]]
    probe: Callable[[Callable[..., Any], dict[str, Plain]], Plain]
    mistakes: tuple[Mistake, ...] = ()
    forbidden: tuple[Any, ...] = field(default=())
    read: str = ""
