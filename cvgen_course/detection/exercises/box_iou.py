"""Exercise: the intersection over union of boxes with boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision import ops

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.detection.boxes import (
    box_area,
    box_iou,
    generalized_box_iou,
    intersection_and_union,
)

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: boxes in all positions, tiny and empty ones, and none at all."""

    def boxes(n: int, spread: float = 12.0, size: float = 16.0) -> Tensor:
        corner = spread * torch.rand(n, 2, generator=rng, dtype=torch.float64)
        sides = size * (0.25 + torch.rand(n, 2, generator=rng, dtype=torch.float64))
        return torch.cat([corner, corner + sides], dim=1)

    def case(title: str, weight: float, hint: str, boxes1: Tensor, boxes2: Tensor) -> Case:
        return Case(title, {"boxes1": boxes1, "boxes2": boxes2}, weight, hint)

    one = boxes(1)
    x1, y1, x2, y2 = one[0]
    around = torch.stack(  # inside, to the right, below, diagonally beyond, and the same box
        [
            torch.stack([x1, y1, (x1 + x2) / 2, y2]),
            torch.stack([x2, y1, x2 + 5, y2]),
            torch.stack([x1, y2, x2, y2 + 3]),
            torch.stack([x2 + 4, y2 + 6, x2 + 9, y2 + 8]),
            torch.stack([x1, y1, x2, y2]),
        ]
    )
    sides = torch.tensor([[dx, dy] for dx in (-20, 0, 20) for dy in (-20, 0, 20) if dx or dy])
    apart = boxes(11, spread=2, size=4) + torch.tensor([-6, -6, 6, 6])  # 3 boxes, 8 around them
    apart[3:] += sides.repeat(1, 2)
    pixels = torch.randint(20, (3, 2), generator=rng)
    pixels[:, 1] = pixels[0, 1]
    pixels = torch.cat([pixels, pixels + 1], dim=1).float()
    flat = boxes(2)
    flat = torch.stack([flat[0].clone(), flat[0].clone(), flat[1], torch.zeros(4)])
    flat[0, 2], flat[1, 3] = flat[0, 0], flat[1, 1]  # no width; no height
    turned = boxes(3)
    turned = torch.stack(
        [turned[0, [2, 1, 0, 3]], turned[1, [0, 3, 2, 1]], turned[2, [2, 3, 0, 1]]]
    )
    num_boxes = 5 + int(torch.randint(30, (), generator=rng))
    return [
        case(
            "three boxes with five others",
            2,
            "Shared area / (both areas − shared area); entry [i, j] is of boxes1[i] and boxes2[j]: "
            "boxes1[:, None], boxes2[None].",
            boxes(3, spread=4).float(),
            boxes(5, spread=4).float(),
        ),
        case(
            "boxes that lie apart",
            4.5,
            "Where boxes lie apart, width or height of the overlap is negative: clamp each at 0.",
            apart[:3].float(),
            apart[3:].float(),
        ),
        case(
            "a box, a part of it, its neighbours and itself",
            2,
            "A box that only touches shares no area; the IoU with itself is 1.",
            one.float(),
            around.float(),
        ),
        case(
            "one box with one box",
            1,
            "The result has two dimensions, even where both are 1: no squeeze.",
            boxes(1, spread=4).float(),
            boxes(1, spread=4).float(),
        ),
        case(
            "boxes of a single pixel",
            1,
            "x2 and y2 are exclusive: a pixel's box has width x2 − x1 = 1.",
            pixels,
            pixels[[1, 1, 0]] + torch.tensor([0.0, 0.0, 1.0, 2.0]),
        ),
        case(
            "float64",
            2.5,
            "The result is as precise as the boxes: no small number added, nothing in float32.",
            boxes(4, spread=0.4, size=2),
            boxes(4, spread=0.4, size=2),
        ),
        case(
            "boxes with sides of a hundredth",
            4,
            "A small number in the denominator is not small here; ask where the union is 0.",
            boxes(4, spread=0.01, size=0.02),
            boxes(3, spread=0.01, size=0.02),
        ),
        case(
            "boxes without width or height, among others",
            6.5,
            "An empty box has IoU 0 with every box, with itself, too: beware of 0/0.",
            flat.float(),
            torch.cat([flat[[3, 0]], boxes(2), flat[[1]]]).float(),
        ),
        case(
            "boxes with x2 < x1 or y2 < y1, among others",
            1.5,
            "A box with x2 < x1 is empty: its IoU is 0. Don't exchange its corners.",
            torch.cat([boxes(2), turned]).float(),
            boxes(4).float(),
        ),
        case(
            "no boxes at all",
            1,
            "Of 0 boxes and M others the result has the shape (0, M).",
            torch.zeros(0, 4),
            boxes(num_boxes).float(),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the matrix that an implementation computes."""
    return as_tensor(implementation(inputs["boxes1"], inputs["boxes2"]), "the IoU")


def _sides(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    low = torch.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = torch.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    return high - low


def _overlap(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    return _sides(boxes1, boxes2).clamp(min=0).prod(dim=-1)


def _one_empty(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    return (_areas(boxes1) == 0)[:, None] | (_areas(boxes2) == 0)


def _both(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    return _areas(boxes1)[:, None] + _areas(boxes2)[None]


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=-1)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole == 0, 0.0, part / whole)


@mistakes.when(
    "the overlap's width and height are not clamped at 0: "
    "the product of two negative numbers is an area."
)
def _not_clamped(boxes1, boxes2):
    overlap = _sides(boxes1, boxes2).prod(dim=-1)
    overlap[_one_empty(boxes1, boxes2)] = 0
    return _share(overlap, _both(boxes1, boxes2) - overlap)


@mistakes.when(
    "width times height of the overlap is clamped at 0 instead of each of them: "
    "the product of two negative numbers is positive."
)
def _product_clamped(boxes1, boxes2):
    overlap = _sides(boxes1, boxes2).prod(dim=-1).clamp(min=0)
    overlap[_one_empty(boxes1, boxes2)] = 0
    return _share(overlap, _both(boxes1, boxes2) - overlap)


@mistakes.when("a width is x2 − x1 + 1: here x2 and y2 lie behind the last pixel.")
def _last_pixel_included(boxes1, boxes2):
    one_more = torch.tensor([0, 0, 1, 1])
    boxes1, boxes2 = boxes1 + one_more, boxes2 + one_more
    overlap = _overlap(boxes1, boxes2)
    return _share(overlap, _both(boxes1, boxes2) - overlap)


@mistakes.when("the union is the sum of both areas, in which the overlap is counted twice.")
def _overlap_twice(boxes1, boxes2):
    return _share(_overlap(boxes1, boxes2), _both(boxes1, boxes2))


@mistakes.when("the overlap is divided by the smaller box's area instead of the union.")
def _over_the_smaller(boxes1, boxes2):
    smaller = torch.minimum(_areas(boxes1)[:, None], _areas(boxes2)[None])
    return _share(_overlap(boxes1, boxes2), smaller)


@mistakes.when("the overlap is divided by the box around both: their union is |A| + |B| − |A ∩ B|.")
def _over_the_hull(boxes1, boxes2):
    low = torch.minimum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = torch.maximum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    return _share(_overlap(boxes1, boxes2), (high - low).clamp(min=0).prod(dim=-1))


@mistakes.when("rows and columns are exchanged: rows belong to boxes1, columns to boxes2.")
def _transposed(boxes1, boxes2):
    overlap = _overlap(boxes2, boxes1)
    return _share(overlap, _both(boxes2, boxes1) - overlap)


@mistakes.when("1e-6 is added to the union: for tiny boxes, and in float64, that is not small.")
def _small_number(boxes1, boxes2):
    overlap = _overlap(boxes1, boxes2)
    return overlap / (_both(boxes1, boxes2) - overlap + 1e-6)


@mistakes.when("1e-7 is added to the union: for tiny boxes, and in float64, that is not small.")
def _smaller_number(boxes1, boxes2):
    overlap = _overlap(boxes1, boxes2)
    return overlap / (_both(boxes1, boxes2) - overlap + 1e-7)


@mistakes.when("0 is divided by 0 where the union is empty: the IoU is 0 there, not NaN.")
def _zero_by_zero(boxes1, boxes2):
    overlap = _overlap(boxes1, boxes2)
    return overlap / (_both(boxes1, boxes2) - overlap)


@mistakes.when("each box is compared only with the one in the same row instead of with all.")
def _one_by_one(boxes1, boxes2):
    low = torch.maximum(boxes1[:, :2], boxes2[:, :2])
    overlap = (torch.minimum(boxes1[:, 2:], boxes2[:, 2:]) - low).clamp(min=0).prod(dim=-1)
    return _share(overlap, _areas(boxes1) + _areas(boxes2) - overlap)


EXERCISE = Exercise(
    name="box_iou",
    title="Intersection over union of boxes",
    points=2,
    reference=box_iou,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(
        box_area,
        generalized_box_iou,
        intersection_and_union,
        ops.box_area,
        ops.box_iou,
        ops.boxes._box_inter_union,
        ops.generalized_box_iou,
        ops.complete_box_iou,
        ops.distance_box_iou,
    ),
    read="Boxes, and how much two of them overlap",
)
