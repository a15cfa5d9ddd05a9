"""What a full-size experiment consists of. Where and how it is trained is the business of `run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cvgen_course.errors import CourseError


@dataclass(frozen=True)
class Experiment:
    """A model, what it learns from, and how it is measured.

    Everything random follows from ``seed``; so the same experiment gives the same result.

    Attributes:
        chapter: the chapter's name, e.g. ``"detection"``.
        data: the data set's name.
        model_name: the model's name on the command line.
        seed: the model's first weights were drawn with it; so will be everything else.
        model: is trained in place.
        train_set: items to learn from.
        draw: ``draw(item, rng)`` → an example, the item cut and turned as ``rng`` will have it.
            Runs in processes of its own, so it can be pickled: no lambda.
        collate: examples → a batch, of tensors.
        loss: ``loss(model, batch)`` → 0-dimensional: what is minimised.
        val_set: items on which the model is measured now and then during the training.
        test_set: items on which it is measured once, at the end.
        predict: ``predict(model, item)`` → the model's answer, on the CPU. The model is in
            evaluation mode, and no gradients are kept.
        measure: ``measure(answers, items)`` → metrics by name; the first is the one that counts.
        steps: number of batches.
        batch_size: images in a batch, on all devices together.
        lr: the highest learning rate.
        weight_decay: of AdamW.
        every: how many steps there are between two evaluations on ``val_set``; the last step is
            followed by one, too.
    """

    chapter: str
    data: str
    model_name: str
    seed: int
    model: nn.Module
    train_set: Dataset[Any]
    draw: Callable[[Any, torch.Generator], Any]
    collate: Callable[[list[Any]], Any]
    loss: Callable[[nn.Module, Any], Tensor]
    val_set: Dataset[Any]
    test_set: Dataset[Any]
    predict: Callable[[nn.Module, Any], Any]
    measure: Callable[[Sequence[Any], Dataset[Any]], dict[str, float]]
    steps: int
    batch_size: int
    lr: float
    weight_decay: float = 1e-2
    every: int = 500

    def settings(self) -> dict[str, str | int | float]:
        """Return what the result follows from, apart from the machine."""
        names = ("chapter", "data", "steps", "batch_size", "lr", "weight_decay", "seed")
        return {"model": self.model_name} | {name: getattr(self, name) for name in names}


class Chapter(NamedTuple):
    """What can be trained in a chapter.

    Attributes:
        models: for each data set the names of the models that it can train; the first is the one
            that is trained where nobody names one.
        build: ``build(data, model, seed)`` → the experiment. The global generators are seeded.
    """

    models: dict[str, tuple[str, ...]]
    build: Callable[[str, str, int], Experiment]


def find(
    chapters: dict[str, Chapter], chapter: str, data: str, model: str | None
) -> tuple[Chapter, str]:
    """Look a chapter up, and the model that is meant.

    Raises:
        CourseError: there is no such chapter, or no such data set or model in it.
    """
    if chapter not in chapters:
        raise CourseError(
            f"chapter: expected one of {', '.join(chapters)}, got {chapter!r}; "
            "the other chapters have no full-size experiments yet"
        )
    found = chapters[chapter]
    if data not in found.models:
        raise CourseError(
            f"--data: expected one of {', '.join(found.models)} for chapter {chapter}, got {data!r}"
        )
    models = found.models[data]
    if model is not None and model not in models:
        raise CourseError(
            f"--model: expected one of {', '.join(models)} for {chapter} on {data}, got {model!r}"
        )
    return found, models[0] if model is None else model
