"""Anchors: the boxes of fixed size and shape that a detector starts from, at every place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def grid_anchors(
    height: int, width: int, stride: float, sizes: Sequence[float], ratios: Sequence[float]
) -> Tensor:
    """Return the anchors of one feature map: in each cell, one for each size and ratio.

    Cell (i, j) has its anchors' centre at ((j + 0.5) · stride, (i + 0.5) · stride), in the middle
    of the pixels that it stands for. An anchor has the area size², and ratio = height / width.

    Args:
        height: of the feature map, in cells.
        width: of the feature map, in cells.
        stride: how many pixels of the image a cell is wide and high.
        sizes: square roots of the areas, in pixels.
        ratios: height / width, a positive number each.

    Returns:
        float32 (height · width · len(sizes) · len(ratios), 4), x1, y1, x2, y2 in pixels: row by
        row, in a row column by column, in a cell size by size, for a size ratio by ratio. Anchors
        may reach out of the image.

    Raises:
        ValueError: ``height`` or ``width`` is negative, or another number is not positive.

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, section 3.1.1.
    """
    if height < 0 or width < 0:
        raise ValueError(f"height, width: expected 0 or more cells, got {height} and {width}")
    _require_positive(stride=(stride,), sizes=sizes, ratios=ratios)
    size = torch.tensor(sizes, dtype=torch.float64)[:, None]
    ratio = torch.tensor(ratios, dtype=torch.float64)
    w, h = (size / ratio.sqrt()).flatten(), (size * ratio.sqrt()).flatten()  # (K,)
    corners = torch.stack([-w, -h, w, h], dim=1) / 2  # (K, 4), around (0, 0)

    x = (torch.arange(width, dtype=torch.float64) + 0.5) * stride
    y = (torch.arange(height, dtype=torch.float64) + 0.5) * stride
    y, x = torch.meshgrid(y, x, indexing="ij")  # (height, width)
    centres = torch.stack([x, y, x, y], dim=-1)[:, :, None]  # (height, width, 1, 4)
    return (centres + corners).reshape(-1, 4).float()


def pyramid_anchors(
    shapes: Sequence[tuple[int, int]],
    strides: Sequence[float],
    sizes: Sequence[Sequence[float]],
    ratios: Sequence[float],
) -> Tensor:
    """Return the anchors of several feature maps, level after level.

    Args:
        shapes: height and width of each level's feature map, in cells.
        strides: how many pixels of the image a cell is wide and high, for each level.
        sizes: each level's sizes, in pixels.
        ratios: height / width, the same for all levels.

    Returns:
        float32 (A, 4), x1, y1, x2, y2 in pixels; within a level as in `grid_anchors`.

    Raises:
        ValueError: the levels are not as many in all arguments, or `grid_anchors` raises it.

    Source:
        Lin et al., "Feature Pyramid Networks", CVPR 2017, arXiv:1612.03144, section 4.1.
    """
    if not len(shapes) == len(strides) == len(sizes):
        raise ValueError(
            "shapes, strides, sizes: expected one entry for each level, "
            f"got {len(shapes)}, {len(strides)} and {len(sizes)}"
        )
    levels = [
        grid_anchors(height, width, stride, level_sizes, ratios)
        for (height, width), stride, level_sizes in zip(shapes, strides, sizes, strict=True)
    ]
    return torch.cat([torch.empty(0, 4), *levels])


def _require_positive(**arguments: Sequence[float]) -> None:
    for name, values in arguments.items():
        if not all(value > 0 for value in values):
            raise ValueError(f"{name}: expected positive numbers, got {tuple(values)}")
