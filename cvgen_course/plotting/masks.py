"""Class masks in colour, alone or over their image."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from torch import Tensor

from cvgen_course.data import IGNORE
from cvgen_course.plotting.images import to_image
from cvgen_course.plotting.palette import IGNORED, class_colours
from cvgen_course.require import require


def colour_mask(mask: Tensor, background: bool = True) -> Tensor:
    """Paint a mask in the classes' colours, so that it can be shown beside images.

    Args:
        mask: whole numbers (H, W), classes from 0; ``IGNORE`` becomes white.
        background: whether class 0 is background, which is dark grey.

    Returns:
        float32 (3, H, W) in [-1, 1].

    Raises:
        ValueError: another number of dimensions, or numbers outside [0, 255].
    """
    require(mask=(mask, "H W"))
    mask = mask.detach().cpu().long()
    if mask.numel() and not 0 <= int(mask.min()) <= int(mask.max()) <= IGNORE:
        raise ValueError(
            f"mask: expected classes in [0, {IGNORE}], got {int(mask.min())} to {int(mask.max())}"
        )
    table = class_colours(IGNORE + 1, background)
    table[IGNORE] = to_rgb(IGNORED)
    return torch.from_numpy(2 * table - 1).float()[mask].permute(2, 0, 1)  # (H, W, 3) → (3, H, W)


def show_mask(
    mask: Tensor,
    classes: Sequence[str] = (),
    *,
    title: str = "",
    axes: Axes | None = None,
    legend: bool = True,
) -> Axes:
    """Show a mask in the classes' colours, with a legend of the classes that occur.

    Args:
        mask: whole numbers (H, W), classes from 0 or ``IGNORE``.
        classes: the classes' names. Where the first is ``"background"``, or none are given, class 0
            is dark grey.
        title: above the mask.
        axes: where to draw; a new figure where it is None.
        legend: whether to name the colours, beside the mask.

    Returns:
        The axes.
    """
    axes = _axes(axes, legend and bool(classes))
    pixels = to_image(colour_mask(mask, _has_background(classes)))
    axes.imshow(pixels, interpolation="nearest")
    return _finish(axes, mask, classes if legend else (), title)


def overlay_mask(
    image: Tensor,
    mask: Tensor,
    classes: Sequence[str] = (),
    *,
    opacity: float = 0.55,
    title: str = "",
    axes: Axes | None = None,
    legend: bool = True,
) -> Axes:
    """Show an image with its mask over it; background and ``IGNORE`` stay clear.

    Args:
        image: (3, H, W) or (1, H, W) in [-1, 1].
        mask: whole numbers (H, W).
        classes: as for ``show_mask``.
        opacity: of the colours, 0 to 1.
        title: above the image.
        axes: where to draw; a new figure where it is None.
        legend: whether to name the colours, beside the image.

    Returns:
        The axes.

    Raises:
        ValueError: image and mask differ in height or width.
    """
    if image.shape[-2:] != mask.shape[-2:]:
        raise ValueError(
            f"mask: expected the image's size {tuple(image.shape[-2:])}, got {tuple(mask.shape)}"
        )
    axes = _axes(axes, legend and bool(classes))
    background = _has_background(classes)
    colours = to_image(colour_mask(mask, background))
    clear = (mask == IGNORE) | ((mask == 0) & background)
    alpha = np.where(clear.cpu().numpy(), 0.0, opacity)
    axes.imshow(to_image(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.imshow(np.dstack([colours, alpha]), interpolation="nearest")
    return _finish(axes, mask, classes if legend else (), title)


def _has_background(classes: Sequence[str]) -> bool:
    return not classes or classes[0] == "background"


def _axes(axes: Axes | None, wide: bool) -> Axes:
    if axes is not None:
        return axes
    return plt.subplots(figsize=(4.6 if wide else 3.2, 3.4), layout="constrained")[1]


def _finish(axes: Axes, mask: Tensor, classes: Sequence[str], title: str) -> Axes:
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=10)
    colours = class_colours(len(classes), _has_background(classes))
    found = set(mask.unique().tolist())
    patches = [
        Patch(facecolor=colour, edgecolor="black", linewidth=0.5, label=name)
        for index, (name, colour) in enumerate(zip(classes, colours, strict=True))
        if index in found
    ]
    if patches and IGNORE in found:
        patches.append(Patch(facecolor=IGNORED, edgecolor="black", linewidth=0.5, label="ignored"))
    if patches:
        axes.legend(
            handles=patches,
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            frameon=False,
            fontsize=9,
        )
    return axes
