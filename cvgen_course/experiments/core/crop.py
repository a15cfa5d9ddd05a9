"""Windows on images of any size: cut out where an image is larger, filled up where smaller."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def random_corner(
    image_size: tuple[int, int], window: tuple[int, int], rng: torch.Generator
) -> tuple[int, int]:
    """Return where a window's upper left corner is: 0 along an axis that the window covers."""
    rooms = [max(0, length - part) for length, part in zip(image_size, window, strict=True)]
    top, left = (int(torch.randint(room + 1, (), generator=rng)) for room in rooms)
    return top, left


def cut(x: Tensor, corner: tuple[int, int], window: tuple[int, int], fill: float = 0.0) -> Tensor:
    """Cut a window out, and fill it up at the right and at the bottom.

    Args:
        x: (…, H, W).
        corner: its first row and column.
        window: its height h and width w.
        fill: what stands beyond the edge.

    Returns:
        (…, h, w).
    """
    (top, left), (height, width) = corner, window
    x = x[..., top : top + height, left : left + width]
    return F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]), value=fill)


def padded(image: Tensor, multiple: int) -> Tensor:
    """Fill images (…, H, W) up with zeros until both sides are multiples of a number."""
    H, W = image.shape[-2:]
    return F.pad(image, (0, -W % multiple, 0, -H % multiple))
