"""Many small images as one picture: sheets of tiles, and named sheets below each other."""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor
from torchvision.utils import make_grid

from cvgen_course.plotting.images import show_image
from cvgen_course.require import require


def show_sheet(images: Tensor, columns: int, name: str = "", *, axes: Axes | None = None) -> Axes:
    """Show images of one size as tiles of one picture, row by row, with nothing between them.

    Args:
        images: (N, C, H, W) with 1 or 3 channels, in [-1, 1].
        columns: tiles in a row. Where the last row is short, the rest of it is white.
        name: to the left of the sheet.
        axes: where to draw; a new figure where it is None.

    Returns:
        The axes.

    Raises:
        ValueError: no image, or images of another layout; fewer than one column.
    """
    _require_tiles(images, columns)
    tiles = make_grid(images.detach().float().cpu(), columns, padding=0, pad_value=1.0)
    axes = show_image(tiles, axes=axes)
    left = (-4, tiles.shape[1] / 2)  # in pixels
    axes.text(*left, name, ha="right", va="center", fontsize=9)
    return axes


def show_sheets(named: Mapping[str, Tensor], columns: int, *, width: float = 8.0) -> list[Axes]:
    """Show a sheet for each name, below each other, with the name to its left.

    Args:
        named: images (N, C, H, W) under their names; the sizes of images may differ from name to
            name.
        columns: tiles in a row, of every sheet.
        width: of the figure, in inches.

    Returns:
        The axes, from above.

    Raises:
        ValueError: nothing to show, or as for ``show_sheet``.
    """
    if not named:
        raise ValueError("named: expected at least one name with its images, got none")
    for images in named.values():
        _require_tiles(images, columns)
    rows = [math.ceil(len(images) / columns) for images in named.values()]
    _, grid = plt.subplots(
        len(rows),
        1,
        figsize=(width, 0.85 * width / columns * sum(rows)),
        squeeze=False,
        height_ratios=rows,
    )
    for axes, (name, images) in zip(grid.flat, named.items(), strict=True):
        show_sheet(images, columns, name, axes=axes)
    return list(grid.flat)


def _require_tiles(images: Tensor, columns: int) -> None:
    require(images=(images, "N C H W"))
    if len(images) == 0:
        raise ValueError("images: expected at least one image, got none")
    if columns < 1:
        raise ValueError(f"columns: expected at least 1, got {columns}")
