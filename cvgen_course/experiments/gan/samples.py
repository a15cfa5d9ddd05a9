"""Samples of a GAN whose generator knows classes, or knows none."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from cvgen_course import seeding
from cvgen_course.gan import GAN, standing_statistics

AT_ONCE = 250
"""Samples in a batch, where they are measured."""
COLUMNS = 8
"""Samples in a row of a sheet."""


def num_classes(gan: GAN) -> int | None:
    """Return how many classes the generator knows; None where it knows none."""
    return cast("int | None", getattr(gan.generator, "num_classes", None))


def condition(gan: GAN, labels: Tensor) -> tuple[Tensor, ...]:
    """Return what both networks are told beside noise and images: labels, or nothing."""
    return () if num_classes(gan) is None else (labels,)


def draw_noise(gan: GAN, num: int, rng: torch.Generator) -> Tensor:
    """Return standard normal noise for so many samples, float (num, J), on the CPU."""
    return torch.randn(num, cast(int, gan.generator.z_size), generator=rng)


def inputs(gan: GAN, z: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """Return the generator's arguments, where it is: noise, and labels if it knows classes."""
    device = next(gan.parameters()).device
    return tuple(x.to(device) for x in (z, *condition(gan, labels)))


def settle(gan: GAN) -> None:
    """Give the generator the statistics that belong to its weights; always from the same noise.

    Its weights are a running mean, and batch norm's statistics those of the last weights. They are
    measured anew before anything is drawn, and are kept with the weights. As they follow from the
    weights alone, it makes no difference how often that is done, or where.
    """
    rng = seeding.generator("standing statistics")
    labels = torch.arange(AT_ONCE) % (num_classes(gan) or 1)
    standing_statistics(gan.generator, lambda: inputs(gan, draw_noise(gan, AT_ONCE, rng), labels))


def draw_sheet(model: nn.Module) -> Tensor:
    """Return samples in rows: a row for each class, with the same noise in all; or eight rows.

    Returns:
        float (rows, 8, C, H, W) in [-1, 1].
    """
    gan, rng = cast(GAN, model), seeding.generator("sheet")
    classes = num_classes(gan)
    if classes is None:
        z = draw_noise(gan, COLUMNS * COLUMNS, rng)
        labels = torch.zeros(len(z), dtype=torch.int64)
    else:
        z = draw_noise(gan, COLUMNS, rng).repeat(classes, 1)
        labels = torch.arange(classes).repeat_interleave(COLUMNS)
    return cast(Tensor, gan.generator(*inputs(gan, z, labels)).unflatten(0, (-1, COLUMNS)))
