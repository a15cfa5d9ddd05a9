"""Variations of images and their masks that leave their meaning as it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cvgen_course.data.items import SegmentationItem
from cvgen_course.data.symmetries import apply_symmetries, draw_symmetries
from cvgen_course.require import require


def flip_and_turn(
    batch: Sequence[Tensor], rng: torch.Generator, *, turns: bool = True
) -> SegmentationItem:
    """Flip and turn every image and its mask by a random one of the square's eight symmetries.

    Where height and width differ, quarter turns are left out: four symmetries remain.

    Args:
        batch: images (N, C, H, W) and their masks (N, H, W).
        rng: a generator on the CPU, where the choice comes from.
        turns: whether an image upside down is an image; else it is only mirrored, left and right.

    Returns:
        New images (N, C, H, W) and masks (N, H, W).

    Raises:
        TypeError: images or masks are no tensor.
        ValueError: the shapes do not belong together.
    """
    images, masks = batch
    require(images=(images, "N C H W"), masks=(masks, "N H W"))
    symmetries = draw_symmetries(images, rng, turns)
    return SegmentationItem(
        apply_symmetries(images, symmetries), apply_symmetries(masks, symmetries)
    )
