"""Exercise: boxes as four numbers relative to their anchors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import _utils

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.detection.box_coding import encode_boxes

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: shift and size one by one, then together, then with weights.

    Boxes of float32 lie on quarters of a pixel: so their centres are exact, whatever the formula.
    """

    def boxes(n: int, smallest: float = 8, largest: float = 40) -> Tensor:
        corner = 60 * torch.rand(n, 2, generator=rng, dtype=torch.float64)
        sides = smallest + (largest - smallest) * torch.rand(n, 2, generator=rng)
        quarters = torch.cat([(4 * corner).round(), (4 * sides).round()], dim=1) / 4
        return torch.cat([quarters[:, :2], quarters[:, :2] + quarters[:, 2:]], dim=1).float()

    def shifted(anchors: Tensor) -> Tensor:
        steps = torch.randint(1, 30, (len(anchors), 2), generator=rng) / 4
        return anchors + steps.repeat(1, 2)

    def resized(anchors: Tensor) -> Tensor:
        steps = torch.randint(1, 30, (len(anchors), 2), generator=rng) / 4
        return anchors + torch.cat([-steps, steps], dim=1)

    def case(
        title: str, weight: float, hint: str, boxes: Tensor, anchors: Tensor, **more: Any
    ) -> Case:
        return Case(title, {"boxes": boxes, "anchors": anchors, **more}, weight, hint)

    some, others, precise = boxes(3), boxes(4), 40 + boxes(3).double() / 7
    return [
        case(
            "boxes as large as their anchors, but shifted",
            1,
            "A row for each box: dx, dy, dw, dh. dx = (x − x_a) / w_a with the centres x and x_a, "
            "and dw = log(w / w_a) = 0 here.",
            shifted(some),
            some,
        ),
        case(
            "boxes around the centres of their anchors, but larger",
            1,
            "dw = log(w / w_a): 0 for the same width; the natural logarithm.",
            resized(others),
            others,
        ),
        case(
            "any boxes, any anchors",
            2,
            "dx is divided by the anchor's width, dy by the anchor's height, not by the box's.",
            boxes(6),
            boxes(6),
        ),
        case(
            "large and small boxes",
            1,
            "Wide and high boxes have positive dw and dh, small ones negative ones.",
            torch.cat([boxes(3, 2, 6), boxes(3, 50, 60)]),
            boxes(6, 20, 30),
        ),
        case(
            "one box",
            1,
            "The result has the shape (1, 4) here.",
            boxes(1),
            boxes(1),
        ),
        case(
            "float64",
            1,
            "The result is as precise as the boxes.",
            precise,
            boxes(3).double() / 3,
        ),
        case(
            "weights 10, 10, 5, 5",
            1.5,
            "At the end, each number is multiplied by its own weight: dx by weights[0], dh by [3].",
            boxes(5),
            boxes(5),
            weights=(10.0, 10.0, 5.0, 5.0),
        ),
        case(
            "four different weights",
            2,
            "The weights belong to dx, dy, dw, dh, in this order.",
            boxes(4),
            boxes(4),
            weights=tuple((1 + torch.randperm(8, generator=rng)[:4] / 2).tolist()),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the deltas that an implementation computes."""
    options = {"weights": inputs["weights"]} if "weights" in inputs else {}
    return as_tensor(implementation(inputs["boxes"], inputs["anchors"], **options), "the deltas")


def _centre_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _weighted(shift: Tensor, scale: Tensor, weights: Any) -> Tensor:
    return torch.cat([shift, scale], dim=1) * torch.tensor(weights)


@mistakes.when("the shift is that of the upper left corners: it is that of the centres.")
def _corner(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (_, size), (_, size_a) = _centre_size(boxes), _centre_size(anchors)
    shift = (boxes[:, :2] - anchors[:, :2]) / size_a
    return _weighted(shift, (size / size_a).log(), weights)


@mistakes.when("the shift is divided by the box's width and height instead of the anchor's.")
def _over_the_box(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted((centre - centre_a) / size, (size / size_a).log(), weights)


@mistakes.when("the shift stays in pixels: it is divided by the anchor's width and height.")
def _in_pixels(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted(centre - centre_a, (size / size_a).log(), weights)


@mistakes.when("dy is divided by the anchor's width instead of its height.")
def _all_over_the_width(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted((centre - centre_a) / size_a[:, :1], (size / size_a).log(), weights)


@mistakes.when("dw and dh lack the logarithm.")
def _no_logarithm(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted((centre - centre_a) / size_a, size / size_a, weights)


@mistakes.when("dw and dh are log(w_a / w) and log(h_a / h): it is divided by the anchor's.")
def _logarithm_of_the_inverse(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted((centre - centre_a) / size_a, (size_a / size).log(), weights)


@mistakes.when("the logarithm has the base 2: it is the natural one, `torch.log`.")
def _base_two(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted((centre - centre_a) / size_a, (size / size_a).log2(), weights)


@mistakes.when("the anchor's width and height are exchanged: its width is x2 − x1.")
def _sides_exchanged(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    size_a = size_a.flip(1)
    return _weighted((centre - centre_a) / size_a, (size / size_a).log(), weights)


@mistakes.when("box and anchor are exchanged: asked is where the box lies, seen from the anchor.")
def _anchor_from_the_box(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return _weighted((centre_a - centre) / size, (size_a / size).log(), weights)


@mistakes.when("the boxes are read as centre and size: they are corners, x1, y1, x2, y2.")
def _taken_for_centre_and_size(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    shift = (boxes[:, :2] - anchors[:, :2]) / anchors[:, 2:]
    return _weighted(shift, (boxes[:, 2:] / anchors[:, 2:]).log(), weights)


@mistakes.when("the numbers stand in the order dx, dw, dy, dh: it is dx, dy, dw, dh.")
def _other_order(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    return _without_weights(boxes, anchors).mul(torch.tensor(weights))[:, [0, 2, 1, 3]]


@mistakes.when("each number is a row, the shape is (4, A): stack with dim=1.")
def _as_rows(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    return (_without_weights(boxes, anchors) * torch.tensor(weights)).T


@mistakes.when("`weights` is not looked at.")
def _without_weights(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size), (centre_a, size_a) = _centre_size(boxes), _centre_size(anchors)
    return torch.cat([(centre - centre_a) / size_a, (size / size_a).log()], dim=1)


@mistakes.when("the numbers are divided by the weights: that is decoding, encoding multiplies.")
def _divided_by_weights(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    return _without_weights(boxes, anchors) / torch.tensor(weights)


EXERCISE = Exercise(
    name="encode_boxes",
    title="From a box to four numbers",
    points=1,
    reference=encode_boxes,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(_utils.encode_boxes, _utils.BoxCoder.encode, _utils.BoxCoder.encode_single),
    read="What a network says about a box",
)
