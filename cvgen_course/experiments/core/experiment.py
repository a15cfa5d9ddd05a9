"""What a full-size experiment consists of. Where and how it is trained is the business of `run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cvgen_course.training.phase import Phase


class Each(Protocol):
    """A ``map`` over items that divides them among the devices, and stops at Ctrl-C."""

    def __call__(self, function: Callable[[Any], Any], items: Any) -> Sequence[Any]:
        """Return ``function(item)`` for each item, in their order, the same on every device.

        Args:
            function: item → an answer, on the CPU.
            items: with a length and an index: a data set, or ``range(num_batches)`` of samples.
        """


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
        phases: what is minimised, and which part of the model does it; in each step they take turns
            with one batch. Most models have one.
        evaluate: ``evaluate(model, split, each)`` → metrics by name, the first is the one that
            counts. ``split`` is ``"val"``, measured now and then during the training, or
            ``"test"``, once at the end. The model is in evaluation mode, no gradients are kept.
            Work that takes long is done by ``each``, as by ``map``; what is done outside of it,
            every device does.
        steps: number of batches.
        batch_size: items in a batch, on all devices together.
        lr: the highest learning rate.
        weight_decay: of AdamW.
        every: how many steps there are between two evaluations on ``"val"``; the last step is
            followed by one, too.
        ema: the decay of a running mean of the weights, which is what is measured and kept; None
            for the weights themselves.
        draw_sheet: ``draw_sheet(model)`` → images in rows, float (rows, columns, C, H, W) in
            [-1, 1], the same noise each time: they become a picture in the run's folder after each
            evaluation on ``"val"``, with the model as that has left it. None for no pictures.
    """

    chapter: str
    data: str
    model_name: str
    seed: int
    model: nn.Module
    train_set: Dataset[Any]
    draw: Callable[[Any, torch.Generator], Any]
    collate: Callable[[list[Any]], Any]
    phases: tuple[Phase, ...]
    evaluate: Callable[[nn.Module, str, Each], dict[str, float]]
    steps: int
    batch_size: int
    lr: float
    weight_decay: float = 1e-2
    every: int = 500
    ema: float | None = None
    draw_sheet: Callable[[nn.Module], Tensor] | None = None

    def settings(self) -> dict[str, str | int | float]:
        """Return what the result follows from, apart from the machine and the code."""
        names = ("chapter", "data", "steps", "batch_size", "lr", "weight_decay", "seed")
        return {"model": self.model_name} | {name: getattr(self, name) for name in names}
