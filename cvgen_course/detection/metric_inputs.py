"""What metrics take: the detections or the objects of many images in one row, known to be sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from cvgen_course.detection.boxes import box_area
from cvgen_course.detection.detections import Detections
from cvgen_course.detection.masks import mask_area
from cvgen_course.detection.targets import Target
from cvgen_course.require import Argument, require

Kind = Literal["boxes", "masks"]


class Flat(NamedTuple):
    """The n detections, or the n objects, of one image after another, on the CPU.

    Attributes:
        image: int64 (n,), from 0.
        number: which one of its image, int64 (n,), from 0.
        labels: int64 (n,), from 1.
        boxes: float64 (n, 4).
        areas: float64 (n,), of the boxes or of the masks, in square pixels.
        scores: float (n,); zeros where there are objects.
        crowd: which objects are a whole group, bool (n,); False where there are detections.
        sought: which objects are to be found, bool (n,); True where there are detections.
    """

    image: Tensor
    number: Tensor
    labels: Tensor
    boxes: Tensor
    areas: Tensor
    scores: Tensor
    crowd: Tensor
    sought: Tensor

    def at(self, index: Tensor) -> Flat:
        """Return some of them; ``index`` is int64 (m,)."""
        return Flat(*(part[index] for part in self))

    def groups(self, num_classes: int) -> Tensor:
        """Return one number for each pair of image and class, int64 (n,)."""
        return self.image * num_classes + self.labels


def flatten_detections(detections: Sequence[Detections], num_classes: int, kind: Kind) -> Flat:
    """Put the detections of all images in one row.

    Args:
        detections: of at least one image.
        num_classes: C, the background included.
        kind: whether boxes or masks are to be compared.

    Returns:
        The row.

    Raises:
        TypeError: a tensor has the wrong type.
        ValueError: shapes do not belong together, a label is outside [1, C), a box is not finite, a
            score is NaN, or masks are missing.
    """
    for number, item in enumerate(detections):
        _require_item(f"detections[{number}]", item, kind, scores=(item.scores, "n", "float"))
    scores = torch.cat([item.scores.detach().cpu() for item in detections])
    flat = _flatten(detections, kind)._replace(scores=scores)
    _require_values("detections", flat, num_classes)
    if scores.isnan().any():
        image = int(flat.image[scores.isnan()][0])
        raise ValueError(
            f"detections[{image}].scores: expected numbers, got NaN; has the training diverged?"
        )
    return flat


def flatten_targets(targets: Sequence[Target], num_classes: int, kind: Kind) -> Flat:
    """Put the objects of all images in one row.

    Args:
        targets: of at least one image.
        num_classes: C, the background included.
        kind: whether boxes or masks are to be compared.

    Returns:
        The row.

    Raises:
        TypeError: a tensor has the wrong type.
        ValueError: shapes do not belong together, a label is outside [1, C), a box is not finite or
            has x2 < x1 or y2 < y1, or masks are missing.
    """
    for number, item in enumerate(targets):
        marks = {"crowd": item.crowd, "difficult": item.difficult}
        given = {name: (mark, "n", "bool") for name, mark in marks.items() if mark is not None}
        _require_item(f"targets[{number}]", item, kind, **given)
    flat = _flatten(targets, kind)._replace(
        crowd=torch.cat([_crowd(item).cpu() for item in targets]),
        sought=torch.cat([item.sought().cpu() for item in targets]),
    )
    _require_values("targets", flat, num_classes)
    reversed_ = (flat.boxes[:, 2:] < flat.boxes[:, :2]).any(dim=1)
    if reversed_.any():
        raise ValueError(
            f"{_place('targets', flat, reversed_)}; expected x1 <= x2 and y1 <= y2: are the boxes "
            "given as x, y, width, height?"
        )
    return flat


def _flatten(items: Sequence[Detections] | Sequence[Target], kind: Kind) -> Flat:
    """Return the row without scores and marks."""
    labels = torch.cat([item.labels.cpu() for item in items])
    boxes = torch.cat([item.boxes.detach().cpu().double() for item in items])
    lengths = torch.tensor([len(item.labels) for item in items])
    if kind == "boxes":
        areas = box_area(boxes)
    else:
        masks = [item.masks for item in items if item.masks is not None]
        areas = torch.cat([mask_area(each).cpu() for each in masks])
    image = torch.arange(len(items)).repeat_interleave(lengths)
    first = lengths.cumsum(dim=0) - lengths
    return Flat(
        image=image,
        number=torch.arange(len(image)) - first[image],
        labels=labels,
        boxes=boxes,
        areas=areas,
        scores=torch.zeros(len(labels)),
        crowd=torch.zeros(len(labels), dtype=torch.bool),
        sought=torch.ones(len(labels), dtype=torch.bool),
    )


def _crowd(target: Target) -> Tensor:
    nobody = torch.zeros(len(target.labels), dtype=torch.bool)
    return nobody if target.crowd is None else target.crowd


def _require_item(name: str, item: Detections | Target, kind: Kind, **parts: Argument) -> None:
    """Raise unless all parts of an image are as many, and of the right types."""
    boxes, labels = (item.boxes, "n 4", "float"), (item.labels, "n", "int64")
    parts = {"boxes": boxes, "labels": labels, **parts}
    if kind == "masks":
        if item.masks is None:
            raise ValueError(f'{name}.masks: expected bool (n, H, W), got None; use kind="boxes"')
        parts["masks"] = (item.masks, "n H W", "bool")
    require(**{f"{name}.{part}": argument for part, argument in parts.items()})


def _require_values(name: str, flat: Flat, num_classes: int) -> None:
    infinite = ~flat.boxes.isfinite().all(dim=1)
    if infinite.any():
        raise ValueError(f"{_place(name, flat, infinite)}; expected finite numbers")
    wrong = (flat.labels < 1) | (flat.labels >= num_classes)
    if wrong.any():
        image, label = int(flat.image[wrong][0]), int(flat.labels[wrong][0])
        raise ValueError(
            f"{name}[{image}].labels: expected values in [1, {num_classes}), got {label}; class 0, "
            "the background, is no object"
        )


def _place(name: str, flat: Flat, bad: Tensor) -> str:
    """Say where the first bad box stands and what it is."""
    index = int(bad.nonzero()[0])
    image, number = int(flat.image[index]), int(flat.number[index])
    return f"{name}[{image}].boxes: got {flat.boxes[index].tolist()} as box {number}"
