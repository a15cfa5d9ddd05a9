"""Images of the course ([-1, 1], channels first) on paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from cvgen_course.require import require


def to_image(image: Tensor) -> np.ndarray:
    """Turn an image into what ``imshow`` takes.

    Args:
        image: (3, H, W) or (1, H, W), in [-1, 1]; any device and float type. Values outside are
            clipped, as a generator's samples may need it.

    Returns:
        float32 (H, W, 3), or (H, W) for one channel, in [0, 1].

    Raises:
        ValueError: another number of dimensions or of channels.
    """
    require(image=(image, "C H W"))
    if image.shape[0] not in (1, 3):
        raise ValueError(f"image: expected 1 or 3 channels first, got shape {tuple(image.shape)}")
    pixels = ((image.detach().float().cpu() + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy()
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def show_image(image: Tensor, title: str = "", *, axes: Axes | None = None) -> Axes:
    """Show one image, (3, H, W) or (1, H, W) in [-1, 1], without ticks.

    Args:
        image: as for ``to_image``.
        title: above the image.
        axes: where to draw; a new figure where it is None.

    Returns:
        The axes.
    """
    if axes is None:
        axes = plt.subplots(figsize=(3.2, 3.4), layout="constrained")[1]
    axes.imshow(to_image(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=10)
    return axes


def show_images(
    images: Tensor | Iterable[Tensor],
    titles: Sequence[str] = (),
    *,
    columns: int = 8,
    title: str = "",
    width: float = 1.5,
) -> Figure:
    """Show images in a grid. In a notebook, end the line with a semicolon, lest it appears twice.

    Args:
        images: (N, C, H, W), or a list of (C, H, W) whose sizes may differ, in [-1, 1]. Masks go
            beside images after ``colour_mask``.
        titles: one for each of the first images, row by row.
        columns: at most so many in a row.
        title: above the whole figure.
        width: of one image, in inches.

    Returns:
        The figure.

    Raises:
        ValueError: no image at all, or one of another shape.
    """
    images = list(images)
    if not images:
        raise ValueError("images: expected at least one image, got none")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    height = width * max(image.shape[-2] / image.shape[-1] for image in images)
    size = (columns * width, rows * (height + (0.25 if titles else 0.0)) + (0.4 if title else 0.0))
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
    for index, (axes, image) in enumerate(zip(grid.flat, images, strict=False)):
        show_image(image, titles[index] if index < len(titles) else "", axes=axes)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
