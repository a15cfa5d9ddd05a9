"""Maps that know where their cells are, and convolutions that say it for each anchor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def coordinate_maps(size: tuple[int, int], strides: Sequence[int], channels: int) -> list[Tensor]:
    """Return a map (1, channels, H, W) for each stride: x and y of its cells' centres, zeros."""
    maps = []
    for stride in strides:
        x = torch.zeros(1, channels, size[0] // stride, size[1] // stride)
        x[:, 0] = (torch.arange(x.shape[3]) + 0.5) * stride
        x[:, 1] = ((torch.arange(x.shape[2]) + 0.5) * stride)[:, None]
        maps.append(x)
    return maps


@torch.no_grad()
def tell_coordinates(conv: nn.Conv2d) -> None:
    """Set weights so that a convolution's four numbers for each anchor are x, y, 0, 0."""
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    middle = conv.kernel_size[0] // 2
    for axis in (0, 1):
        conv.weight[axis::4, axis, middle, middle] = 1


def centres(boxes: Tensor) -> Tensor:
    """Return x and y of the centres of boxes (..., 4)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2
