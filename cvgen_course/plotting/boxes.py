"""Boxes over images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from cvgen_course.plotting.images import show_image
from cvgen_course.plotting.palette import class_colours
from cvgen_course.require import require


def draw_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: Tensor | None = None,
    classes: Sequence[str] = (),
    *,
    scores: Tensor | None = None,
    title: str = "",
    axes: Axes | None = None,
) -> Axes:
    """Show an image with boxes, in the colours of their classes.

    Args:
        image: (3, H, W) or (1, H, W) in [-1, 1].
        boxes: (K, 4), x1, y1, x2, y2 in pixels; x2 and y2 exclusive, so a box's line runs around
            its pixels, not through them.
        labels: whole numbers (K,); all boxes in one colour where it is None.
        classes: the classes' names, written at the boxes; numbers where there are none.
        scores: (K,), written behind the names.
        title: above the image.
        axes: where to draw; a new figure where it is None.

    Returns:
        The axes.

    Raises:
        ValueError: boxes of another shape, or another number of labels or scores.
    """
    require(boxes=(boxes, "K 4"))
    for name, values in (("labels", labels), ("scores", scores)):
        if values is not None and len(values) != len(boxes):
            raise ValueError(
                f"{name}: expected one for each of {len(boxes)} boxes, got {len(values)}"
            )
    if axes is None:
        axes = plt.subplots(figsize=(4.2, 4.4), layout="constrained")[1]
    show_image(image, title, axes=axes)
    numbers = [1] * len(boxes) if labels is None else [int(label) for label in labels]
    colours = class_colours(max([len(classes), *(number + 1 for number in numbers)]))
    for index, (box, number) in enumerate(zip(boxes.tolist(), numbers, strict=True)):
        words = [] if labels is None else [classes[number] if classes else str(number)]
        if scores is not None:
            words.append(f"{float(scores[index]):.2f}")
        _draw_box(axes, box, colours[number], " ".join(words))
    return axes


def _draw_box(axes: Axes, box: list[float], colour: object, text: str) -> None:
    x1, y1, x2, y2 = box
    corner = (x1 - 0.5, y1 - 0.5)  # imshow puts the middle of a pixel on whole numbers
    for width, edge in ((3.0, "black"), (1.6, colour)):  # a dark rim, readable on any ground
        axes.add_patch(Rectangle(corner, x2 - x1, y2 - y1, fill=False, ec=edge, lw=width))
    if text:
        at_top = y1 < 0.06 * abs(axes.get_ylim()[0])  # no room above: write inside the box
        axes.text(
            *corner,
            text,
            fontsize=7,
            color="black",
            va="top" if at_top else "bottom",
            clip_on=True,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.0, "alpha": 0.9},
        )
