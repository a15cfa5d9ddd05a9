"""The square's eight symmetries: two flips and a transposition, of images, masks and boxes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def draw_symmetries(images: Tensor, rng: torch.Generator, turns: bool) -> Tensor:
    """Draw a symmetry for each image, as `apply_symmetry` reads it.

    Args:
        images: (N, …, H, W). Where H and W differ, quarter turns are left out: four remain.
        rng: a generator on the CPU, where the choice comes from.
        turns: whether an image upside down is an image; else it is only mirrored, left and right.

    Returns:
        int64 (N,), three bits each.
    """
    H, W = images.shape[-2:]
    num_symmetries = 2 if not turns else 8 if H == W else 4
    return torch.randint(num_symmetries, (len(images),), generator=rng)


def apply_symmetry(x: Tensor, symmetry: int) -> Tensor:
    """Flip and transpose the last two dimensions."""
    if symmetry & 1:
        x = x.flip(-1)
    if symmetry & 2:
        x = x.flip(-2)
    return x.transpose(-1, -2) if symmetry & 4 else x


def apply_symmetries(
    x: Tensor, symmetries: Tensor, move: Callable[[Tensor, int], Tensor] = apply_symmetry
) -> Tensor:
    """Move each of N things by its own symmetry.

    Args:
        x: (N, …, H, W), or what else ``move`` takes.
        symmetries: int64 (N,), from `draw_symmetries`.
        move: moves some of them, (n, …), by one symmetry.

    Returns:
        A new tensor of the same shape.
    """
    moved = torch.empty_like(x)
    for symmetry in symmetries.unique().tolist():
        chosen = (symmetries == symmetry).to(x.device)
        moved[chosen] = move(x[chosen], symmetry)
    return moved


def move_boxes(boxes: Tensor, symmetry: int, height: int, width: int) -> Tensor:
    """Apply to boxes (…, 4) what `apply_symmetry` does to images of this height and width."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    if symmetry & 1:
        x1, x2 = width - x2, width - x1
    if symmetry & 2:
        y1, y2 = height - y2, height - y1
    order = (y1, x1, y2, x2) if symmetry & 4 else (x1, y1, x2, y2)
    return torch.stack(order, dim=-1)
