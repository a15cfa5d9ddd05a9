"""Variations of images and their objects that leave their meaning as it is."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from cvgen_course.data.symmetries import apply_symmetries, draw_symmetries, move_boxes
from cvgen_course.detection.targets import Targets
from cvgen_course.require import require


def flip_and_turn_objects(
    batch: tuple[Tensor, Targets], rng: torch.Generator, *, turns: bool = True
) -> tuple[Tensor, Targets]:
    """Flip and turn every image and its objects by a random one of the square's eight symmetries.

    Where height and width differ, quarter turns are left out: four symmetries remain.

    Args:
        batch: images (N, C, H, W), and the objects of these N images.
        rng: a generator on the CPU, where the choice comes from.
        turns: whether an image upside down is an image; else it is only mirrored, left and right.

    Returns:
        New images (N, C, H, W) and their objects.

    Raises:
        TypeError: images are no tensor.
        ValueError: there are objects of another number of images.
    """
    images, targets = batch
    require(images=(images, "N C H W"))
    if len(targets.boxes) != len(images):
        raise ValueError(
            f"targets: expected those of {len(images)} images, got those of {len(targets.boxes)}"
        )
    symmetries = draw_symmetries(images, rng, turns)
    move = partial(move_boxes, height=images.shape[-2], width=images.shape[-1])
    boxes = apply_symmetries(targets.boxes, symmetries, move)
    masks = None if targets.masks is None else apply_symmetries(targets.masks, symmetries)
    there = (targets.labels > 0)[..., None]  # the batch's padding stays all zeros
    moved = targets._replace(boxes=boxes * there, masks=masks)
    return apply_symmetries(images, symmetries), moved
