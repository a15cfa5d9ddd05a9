"""Recognise known mistakes in what an answer made of the cases.

A mistake is its whole pattern of results; where that is the student's, the diagnosis is certain.
An answer may carry more than one mistake, though, or stumble over an edge case besides. So one is
named as well where it explains at least half of the wrong values, exactly, and nothing speaks
against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from cvgen_course.checks.compare import compare, same
from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.mistakes import Mistake
from cvgen_course.checks.outcome import Outcome
from cvgen_course.checks.run import IN_LINE, alike, run

TELLING = 20
"""How telling a single case must be (see `_telling`) where it is the only evidence."""

_GENERIC = 10


@dataclass(frozen=True)
class Answered:
    """A case, what the student's answer made of it, and what is right."""

    case: Case
    outcome: Outcome
    expected: Outcome
    passed: bool

    @property
    def has_wrong_value(self) -> bool:
        """Whether there is a wrong value to explain; an exception says nothing about others."""
        return not self.passed and self.outcome.kind == "value"


@dataclass(frozen=True)
class Diagnosis:
    """Which known mistakes an answer carries.

    Attributes:
        text: what to tell the student; empty where nothing is recognised.
        mistakes: the diagnoses of the mistakes that it names.
        explained: titles of the cases whose failure is one mistake, and no other.
    """

    text: str = ""
    mistakes: tuple[str, ...] = ()
    explained: frozenset[str] = frozenset()


def diagnose(exercise: Exercise, answered: list[Answered]) -> Diagnosis:
    """Recognise the known mistakes that an answer carries."""
    if not any(one.outcome.kind in ("value", "raised", "wrong") for one in answered):
        return Diagnosis()
    failed_first = sorted(answered, key=lambda one: one.passed)
    suspects = [_Suspect(exercise, mistake, failed_first) for mistake in exercise.mistakes]
    if certain := [suspect for suspect in suspects if suspect.fits_everywhere]:
        titles = {one.case.title for one in answered if len(certain) == 1}
        return Diagnosis(_in_words("This is", certain), _diagnoses(certain), frozenset(titles))
    wrong = frozenset(i for i, one in enumerate(failed_first) if one.has_wrong_value)
    failed = sum(not one.passed for one in failed_first)
    sentences: list[str] = []
    mistakes: tuple[str, ...] = ()
    titles = set()
    for _ in range(2):  # two mistakes at once; three are nobody's first try
        found = _explains_most(suspects, wrong, failed_first)
        if not found:
            break
        explained = found[0].evidence & wrong
        where = f"In {len(explained)} of {failed} failed cases" if not sentences else "In others"
        sentences.append(_in_words(f"{where}, this is", found))
        mistakes += _diagnoses(found)
        if len(found) == 1:
            titles |= {failed_first[i].case.title for i in explained}
        wrong -= explained
    return Diagnosis(" ".join(sentences), mistakes, frozenset(titles))


def _explains_most(
    suspects: list[_Suspect], wrong: frozenset[int], answered: list[Answered]
) -> list[_Suspect]:
    """Return the mistake that explains most of the wrong values, with others that explain the same.

    None explains enough: fewer than half of them, or only one that says little, or the answer is
    right where the mistake is wrong.
    """
    explained = {id(suspect): suspect.evidence & wrong for suspect in suspects}
    most = max(map(len, explained.values()), default=0)
    found = [s for s in suspects if len(explained[id(s)]) == most and not s.is_refuted]
    if not most or 2 * most < len(wrong) or not found:
        return []
    cases = explained[id(found[0])]
    telling = most > 1 or any(_telling(answered[i]) >= TELLING for i in cases)
    return [s for s in found if explained[id(s)] == cases] if telling else []


@dataclass(eq=False)
class _Suspect:
    """A known mistake beside the student's answer."""

    exercise: Exercise
    mistake: Mistake
    answered: list[Answered]

    def results(self) -> Iterator[tuple[Answered, Outcome]]:
        """Yield each case with what the mistake makes of it."""
        for i, one in enumerate(self.answered):
            if i not in self._known:
                cases = [one.case]
                (result,) = run(
                    self.exercise, self.mistake.implementation, cases, watch=False, twice=False
                )
                self._known[i] = result
            yield one, self._known[i]

    @cached_property
    def _known(self) -> dict[int, Outcome]:
        return {}

    @cached_property
    def fits_everywhere(self) -> bool:
        """Whether the answer's whole pattern of results is the mistake's."""
        return all(
            alike(one.outcome, result)
            and _same_complaint(one.outcome, result)
            and _near(one.outcome, one.expected) == _near(result, one.expected)
            for one, result in self.results()
        )

    @cached_property
    def evidence(self) -> frozenset[int]:
        """The cases whose wrong value is exactly the mistake's."""
        return frozenset(
            i
            for i, (one, result) in enumerate(self.results())
            if one.has_wrong_value
            and alike(one.outcome, result)
            and not _right(result, one.expected)
            and not _near(one.outcome, one.expected)
        )

    @cached_property
    def is_refuted(self) -> bool:
        """Whether the answer is right in a case in which the mistake is wrong."""
        return any(
            one.passed and not _right(result, one.expected) for one, result in self.results()
        )


def _right(outcome: Outcome, expected: Outcome) -> bool:
    return outcome.kind == "value" and compare(outcome.value, expected.value) is None


def _near(outcome: Outcome, expected: Outcome) -> bool:
    """Return whether a value is right as far as its own precision goes."""
    return outcome.kind == "value" and same(outcome.value, expected.value)


def _same_complaint(one: Outcome, other: Outcome) -> bool:
    """Return whether two outcomes say the same where they are no values; lines of code aside."""
    texts = [outcome.text.partition(IN_LINE)[0] for outcome in (one, other)]
    return one.kind == "value" or texts[0] == texts[1]


def _telling(one: Answered) -> int:
    """Return how little a wrong value can be a coincidence: a 0 is soon met, 0.7316 never is."""
    total = 0
    for got, expected in zip(
        _numbers(one.outcome.value), _numbers(one.expected.value), strict=False
    ):
        alone = got.shape != expected.shape
        wrong = got if alone else got[~torch.isclose(got, expected, rtol=1e-4, atol=1e-5)]
        wrong = wrong[wrong.isfinite()]
        generic = wrong[8 * wrong != (8 * wrong).round()].float().unique()
        total += _GENERIC * len(generic) + (len(wrong) if len(got.unique()) > 1 else 1)
    return total


def _numbers(plain: Any) -> list[torch.Tensor]:
    """Return all numbers of plain data: a flat tensor for each of its parts."""
    if isinstance(plain, dict):
        return [part for item in plain.values() for part in _numbers(item)]
    if isinstance(plain, list | tuple):
        return [part for item in plain for part in _numbers(item)]
    if isinstance(plain, torch.Tensor | bool | int | float):
        return [torch.as_tensor(plain, dtype=torch.float64).flatten()]
    return []


def _diagnoses(suspects: list[_Suspect]) -> tuple[str, ...]:
    return tuple(suspect.mistake.diagnosis.rstrip(".") for suspect in suspects)


def _in_words(begin: str, suspects: list[_Suspect]) -> str:
    """Return a sentence that names one mistake, or several that can't be told apart."""
    fitting = _diagnoses(suspects)
    if len(fitting) == 1:
        return f"{begin} what one gets when {fitting[0]}."
    return f"{begin} consistent with several mistakes: " + "; or ".join(fitting) + "."
