"""Sheets of translations: the same images of a split each time, there and back again."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from cvgen_course.cyclegan import CycleGAN
from cvgen_course.data.pair_set import UnpairedAnimals
from cvgen_course.experiments.cyclegan.domains import Domains, images_of

COLUMNS = 8
"""Images in a row of a sheet."""


def draw_sheet(model: nn.Module, items: Domains) -> Tensor:
    """Return rows: images of a, their translations, what comes back; likewise of b.

    Where the true translations of a are known, they are a row after what comes back.

    Returns:
        float (6 or 7, columns, C, H, W) in [-1, 1]; eight columns, fewer where there are fewer
        images.
    """
    gan = cast(CycleGAN, model)
    device = next(gan.parameters()).device
    columns = range(min(COLUMNS, *items.sizes))
    a, b = (images_of(items, domain, columns).to(device) for domain in "ab")
    fake_a, fake_b = gan.to_a(b), gan.to_b(a)
    rows = [a, fake_b, gan.to_a(fake_b), b, fake_a, gan.to_b(fake_a)]
    if isinstance(items, UnpairedAnimals):
        rows.insert(3, items.truths[: len(columns)].to(device))
    return torch.stack(rows)
