"""Exercise: from a network's four numbers back to a box."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import _utils

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.detection.box_coding import decode_boxes

LARGEST = 1000 / 16
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: shift and size one by one, weights, and numbers that overflow.

    Anchors lie well away from 0, so that float32 is precise enough for each coordinate.
    """

    def anchors(n: int) -> Tensor:
        corner = 100 + 100 * torch.rand(n, 2, generator=rng)
        return torch.cat([corner, corner + 8 + 32 * torch.rand(n, 2, generator=rng)], dim=1)

    def deltas(n: int, shift: float = 1.0, size: float = 1.0, sign: float = 0.0) -> Tensor:
        """Return numbers up to ``shift`` and ``size``; with a sign at least half as large."""
        numbers = 2 * torch.rand(n, 4, generator=rng) - 1
        if sign:
            numbers = sign * (0.5 + numbers.abs() / 2)
        return numbers * torch.tensor([shift, shift, size, size])

    def case(
        title: str, weight: float, hint: str, deltas: Tensor, anchors: Tensor, **more: Any
    ) -> Case:
        return Case(title, {"deltas": deltas, "anchors": anchors, **more}, weight, hint)

    precise = deltas(3).double() / 3
    huge = deltas(4)
    huge[:3, 2:] = 20 * torch.rand(3, 2, generator=rng) + 5
    huge[3, 2] = 200.0
    weighted = deltas(4)
    weighted[:2, 2:] = 6 + 4 * torch.rand(2, 2, generator=rng)  # below the limit: divided by 5
    weighted[2:, 2:] = 25 + 20 * torch.rand(2, 2, generator=rng)  # over it
    num_boxes = 2 + int(torch.randint(5, (), generator=rng))
    return [
        case(
            "the anchors themselves",
            0.5,
            "Four zeros mean the anchor; x1 = x − w / 2, x2 = x + w / 2.",
            torch.zeros(num_boxes, 4),
            anchors(num_boxes),
        ),
        case(
            "shifted anchors",
            1,
            "The centre is x_a + dx · w_a: dx counts in widths of the anchor.",
            deltas(3, size=0),
            anchors(3),
        ),
        case(
            "larger and smaller anchors",
            1,
            "The width is w_a · exp(dw).",
            deltas(4, shift=0),
            anchors(4),
        ),
        case(
            "shift and size",
            2,
            "The centre moves by the anchor's width and height, not by the new ones.",
            deltas(6),
            anchors(6),
        ),
        case(
            "boxes much smaller than their anchors",
            1,
            "dw is limited above only: a box may be as small as it likes.",
            deltas(3, size=8, sign=-1),
            anchors(3),
        ),
        case(
            "boxes far away from their anchors",
            1,
            "Only dw and dh are limited: dx and dy may be as large as they like.",
            deltas(3, shift=40, size=0.5, sign=1),
            anchors(3),
        ),
        case(
            "float64",
            1,
            "The result is as precise as the numbers.",
            precise,
            anchors(3).double(),
        ),
        case(
            "dw and dh of 5 and more",
            3,
            "exp(200) overflows: width and height each become at most 1000 / 16 = 62.5 times the "
            "anchor's: min(exp(dw), 62.5).",
            huge,
            anchors(4),
        ),
        case(
            "weights 10, 10, 5, 5",
            2,
            "Divide by the weights first: encoding has multiplied with them.",
            10 * deltas(5, size=0.08),  # small enough that no limit matters, whatever one does
            anchors(5),
            weights=(10.0, 10.0, 5.0, 5.0),
        ),
        case(
            "four different weights, size limited",
            4,
            "First divide by the weights, then limit dw and dh, then take exp.",
            weighted,
            anchors(4),
            weights=(*(1 + torch.randperm(8, generator=rng)[:2] / 2).tolist(), 5.0, 5.5),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the boxes that an implementation makes."""
    options = {"weights": inputs["weights"]} if "weights" in inputs else {}
    return as_tensor(implementation(inputs["deltas"], inputs["anchors"], **options), "the boxes")


def _centre_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _parts(deltas: Tensor, weights: Any) -> tuple[Tensor, Tensor]:
    deltas = deltas / torch.tensor(weights)
    return deltas[:, :2], deltas[:, 2:].exp().clamp(max=LARGEST)


def _box(centre: Tensor, size: Tensor) -> Tensor:
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)


@mistakes.when("the anchor's upper left corner is shifted: dx and dy shift its centre.")
def _from_the_corner(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (_, size_a), (shift, scale) = _centre_size(anchors), _parts(deltas, weights)
    corner = anchors[:, :2] + shift * size_a
    return torch.cat([corner, corner + scale * size_a], dim=1)


@mistakes.when("the shift is multiplied by the new width and height instead of the anchor's.")
def _by_the_new_size(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size_a), (shift, scale) = _centre_size(anchors), _parts(deltas, weights)
    size = scale * size_a
    return _box(centre + shift * size, size)


@mistakes.when("the shift is taken for pixels: it counts in widths and heights of the anchor.")
def _shifted_in_pixels(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size_a), (shift, scale) = _centre_size(anchors), _parts(deltas, weights)
    return _box(centre + shift, scale * size_a)


@mistakes.when("dw and dh are not limited: their exponential overflows.")
def _no_limit(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    centre, size_a = _centre_size(anchors)
    deltas = deltas / torch.tensor(weights)
    return _box(centre + deltas[:, :2] * size_a, deltas[:, 2:].exp() * size_a)


@mistakes.when("dw and dh are limited to 62.5 themselves: their exponentials are.")
def _exponent_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    centre, size_a = _centre_size(anchors)
    deltas = deltas / torch.tensor(weights)
    return _box(centre + deltas[:, :2] * size_a, deltas[:, 2:].clamp(max=LARGEST).exp() * size_a)


@mistakes.when("width and height are limited to 62.5 pixels: it is 62.5 times the anchor's.")
def _limited_in_pixels(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    centre, size_a = _centre_size(anchors)
    deltas = deltas / torch.tensor(weights)
    size = (deltas[:, 2:].exp() * size_a).clamp(max=LARGEST)
    return _box(centre + deltas[:, :2] * size_a, size)


@mistakes.when("only the width is limited: the height is limited in the same way.")
def _only_width_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    centre, size_a = _centre_size(anchors)
    deltas = deltas / torch.tensor(weights)
    limits = torch.tensor([LARGEST, math.inf])
    size = deltas[:, 2:].exp().minimum(limits) * size_a
    return _box(centre + deltas[:, :2] * size_a, size)


@mistakes.when(
    "dw and dh are limited before they are divided by the weights: it is the other order."
)
def _limited_too_early(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    limit = torch.tensor(LARGEST).log()
    limited = torch.cat([deltas[:, :2], torch.minimum(deltas[:, 2:], limit)], dim=1)
    return _no_limit(limited, anchors, weights)


@mistakes.when("the numbers are multiplied by the weights: that was encoding, decoding divides.")
def _multiplied_by_weights(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size_a) = _centre_size(anchors)
    shift, scale = _parts(deltas, [1 / w for w in weights])
    return _box(centre + shift * size_a, scale * size_a)


@mistakes.when("`weights` is not looked at.")
def _without_weights(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size_a), (shift, scale) = _centre_size(anchors), _parts(deltas, [1.0] * 4)
    return _box(centre + shift * size_a, scale * size_a)


@mistakes.when("the whole width lies on both sides of the centre instead of half of it.")
def _whole_sides(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size_a), (shift, scale) = _centre_size(anchors), _parts(deltas, weights)
    return _box(centre + shift * size_a, 2 * scale * size_a)


@mistakes.when("centre and size are returned: asked are the corners x1, y1, x2, y2.")
def _centre_and_size(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    (centre, size_a), (shift, scale) = _centre_size(anchors), _parts(deltas, weights)
    return torch.cat([centre + shift * size_a, scale * size_a], dim=1)


EXERCISE = Exercise(
    name="decode_boxes",
    title="From four numbers to a box",
    points=1,
    reference=decode_boxes,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(_utils.BoxCoder.decode, _utils.BoxCoder.decode_single),
    read="What a network says about a box",
)
