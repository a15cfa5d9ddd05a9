"""Ancestral sampling: pixel after pixel, each drawn given those that are there already."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from cvgen_course.pixelcnn.inputs import LevelInput, require_labels
from cvgen_course.pixelcnn.temperature import at_temperature
from cvgen_course.require import require


class Autoregressive(Protocol):
    """A network that says of each pixel how likely its levels are, given the pixels before it."""

    inputs: LevelInput
    num_classes: int | None
    training: bool

    def __call__(self, levels: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits, (N, K, C, H, W)."""
        ...

    def train(self, mode: bool = True) -> object:
        """Go to training mode, or to evaluation mode."""
        ...


LogitsAt = Callable[[Tensor, int, int], Tensor]
"""``logits_at(levels, i, j)`` → the logits of a pixel, (N, K, C), given the pixels before it and
the channels of its own that are there already."""


def sample(
    model: Autoregressive,
    shape: tuple[int, int, int, int],
    labels: Tensor | None = None,
    temperature: float = 1.0,
    rng: torch.Generator | None = None,
    logits_at: LogitsAt | None = None,
) -> Tensor:
    """Draw images from a network's distribution, from the first pixel to the last.

    Args:
        model: e.g. a `PixelCNN`.
        shape: of the images, (N, C, H, W).
        labels: the class of each image, int64 (N,), where the network was made for classes.
        temperature: as for ``at_temperature``.
        rng: where the draws come from, a CPU generator; torch's global one where it is None.
        logits_at: a quicker way to the same logits, as `Cached`; None asks the network for those of
            whole images, and takes one pixel of them.

    Returns:
        int64 (N, C, H, W).

    Raises:
        TypeError, ValueError: as for ``complete``.
    """
    levels = torch.zeros(shape, dtype=torch.int64, device=_device(model))
    known = torch.zeros(shape[2:], dtype=torch.bool)
    return complete(model, levels, known, labels, temperature, rng, logits_at)


@torch.no_grad()
def complete(
    model: Autoregressive,
    levels: Tensor,
    known: Tensor,
    labels: Tensor | None = None,
    temperature: float = 1.0,
    rng: torch.Generator | None = None,
    logits_at: LogitsAt | None = None,
) -> Tensor:
    """Draw what is missing in images, in their order, and keep what is known.

    What is drawn follows from what comes before it only. So where all known pixels come first, as
    the upper half of an image, the rest is drawn from its distribution given these; elsewhere the
    network doesn't look ahead at what it will have to fit.

    Args:
        model: e.g. a `PixelCNN`; is asked in evaluation mode, and left in the mode that it had.
        levels: the images, int64 (N, C, H, W); those that are not known don't count, but they have
            to be in [0, K), e.g. 0.
        known: which pixels are kept, bool (H, W), the same in all images and channels.
        labels: the class of each image, int64 (N,), where the network was made for classes.
        temperature: as for ``at_temperature``.
        rng: where the draws come from, a CPU generator; torch's global one where it is None.
        logits_at: as for ``sample``.

    Returns:
        int64 (N, C, H, W), a new tensor.

    Raises:
        TypeError: ``levels`` or ``labels`` is no int64 tensor, or ``known`` no bool tensor.
        ValueError: the shapes do not go together, a level or label is out of range, or the
            temperature is negative.
    """
    model.inputs.require(levels)
    require_labels(labels, model.num_classes, len(levels))
    H, W = levels.shape[2:]
    require(known=(known, "H W", "bool"), H=H, W=W)
    levels = levels.clone()
    levels[:, :, ~known.to(levels.device)] = 0  # so that nobody can look ahead
    was_training = model.training
    model.train(False)
    logits_at = logits_at or _Naive(model, labels)
    rows = tqdm(range(H), desc="sampling", unit="row", delay=2, leave=False, file=sys.stdout)
    try:
        for i in rows:
            for j in range(W):
                if known[i, j]:
                    continue
                for c in range(levels.shape[1]):  # each channel sees those before it
                    logits = logits_at(levels, i, j)[:, :, c]  # (N, K)
                    levels[:, c, i, j] = _draw(at_temperature(logits, temperature), rng)
    finally:
        model.train(was_training)
    return levels


class _Naive:
    """The logits of a pixel, by asking for those of all pixels."""

    def __init__(self, model: Autoregressive, labels: Tensor | None) -> None:
        self.model, self.labels = model, labels

    def __call__(self, levels: Tensor, i: int, j: int) -> Tensor:
        return self.model(levels, self.labels)[..., i, j]


def _draw(probs: Tensor, rng: torch.Generator | None) -> Tensor:
    """Return a level for each row of probabilities, int64 (N,)."""
    if not len(probs):
        return probs.new_empty(0, dtype=torch.int64)
    return torch.multinomial(probs.cpu(), 1, generator=rng)[:, 0].to(probs.device)


def _device(model: Autoregressive) -> torch.device:
    parameters = getattr(model, "parameters", tuple)
    return next((parameter.device for parameter in parameters()), torch.device("cpu"))
