"""Variations of a batch that leave its meaning as it is."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.detection.targets import Targets
from cvgen_course.require import require


def flip_and_turn(
    images: Tensor, masks: Tensor, rng: torch.Generator, *, turns: bool = True
) -> tuple[Tensor, Tensor]:
    """Flip and turn every image and its mask by a random one of the square's eight symmetries.

    Where height and width differ, quarter turns are left out: four symmetries remain.

    Args:
        images: (N, C, H, W).
        masks: (N, H, W).
        rng: a generator on the CPU, where the choice comes from.
        turns: whether an image upside down is an image; else it is only mirrored, left and right.

    Returns:
        New images (N, C, H, W) and masks (N, H, W).

    Raises:
        TypeError: ``images`` or ``masks`` is no tensor.
        ValueError: the shapes do not belong together.
    """
    require(images=(images, "N C H W"), masks=(masks, "N H W"))
    symmetry = _symmetries(images, rng, turns)
    new_images, new_masks = torch.empty_like(images), torch.empty_like(masks)
    for which in symmetry.unique().tolist():
        chosen = (symmetry == which).to(images.device)
        new_images[chosen] = _move(images[chosen], which)
        new_masks[chosen] = _move(masks[chosen], which)
    return new_images, new_masks


def flip_and_turn_objects(
    images: Tensor, targets: Targets, rng: torch.Generator, *, turns: bool = True
) -> tuple[Tensor, Targets]:
    """Flip and turn every image and its objects by a random one of the square's eight symmetries.

    Where height and width differ, quarter turns are left out: four symmetries remain.

    Args:
        images: (N, C, H, W).
        targets: the objects of these N images.
        rng: a generator on the CPU, where the choice comes from.
        turns: whether an image upside down is an image; else it is only mirrored, left and right.

    Returns:
        New images (N, C, H, W) and their objects.

    Raises:
        TypeError: ``images`` is no tensor.
        ValueError: there are objects of another number of images.
    """
    require(images=(images, "N C H W"))
    if len(targets.boxes) != len(images):
        raise ValueError(
            f"targets: expected those of {len(images)} images, got those of {len(targets.boxes)}"
        )
    symmetry = _symmetries(images, rng, turns)
    new_images, boxes = torch.empty_like(images), torch.empty_like(targets.boxes)
    masks = None if targets.masks is None else torch.empty_like(targets.masks)
    for which in symmetry.unique().tolist():
        chosen = (symmetry == which).to(images.device)
        new_images[chosen] = _move(images[chosen], which)
        boxes[chosen] = _move_boxes(targets.boxes[chosen], which, images.shape[-2:])
        if masks is not None and targets.masks is not None:
            masks[chosen] = _move(targets.masks[chosen], which)
    there = (targets.labels > 0)[..., None]  # the batch's padding stays all zeros
    return new_images, targets._replace(boxes=boxes * there, masks=masks)


def _symmetries(images: Tensor, rng: torch.Generator, turns: bool) -> Tensor:
    """Draw a symmetry for each image, int64 (N,): three bits, as ``_move`` reads them."""
    N, _, H, W = images.shape
    num_symmetries = 2 if not turns else 8 if H == W else 4
    return torch.randint(num_symmetries, (N,), generator=rng)


def _move_boxes(boxes: Tensor, symmetry: int, image_size: torch.Size) -> Tensor:
    """Apply to boxes (…, 4) what ``_move`` does to images of this size."""
    H, W = image_size
    x1, y1, x2, y2 = boxes.unbind(-1)
    if symmetry & 1:
        x1, x2 = W - x2, W - x1
    if symmetry & 2:
        y1, y2 = H - y2, H - y1
    order = (y1, x1, y2, x2) if symmetry & 4 else (x1, y1, x2, y2)
    return torch.stack(order, dim=-1)


def _move(x: Tensor, symmetry: int) -> Tensor:
    """Apply a symmetry of the square to the last two dimensions: two flips and a transposition."""
    if symmetry & 1:
        x = x.flip(-1)
    if symmetry & 2:
        x = x.flip(-2)
    return x.transpose(-1, -2) if symmetry & 4 else x
