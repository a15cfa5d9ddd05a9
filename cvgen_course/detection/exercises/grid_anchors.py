"""Exercise: the anchors of one feature map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import anchor_utils

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.detection.anchors import grid_anchors, pyramid_anchors

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: one thing at a time, then all of it together."""

    def numbers(n: int, low: float, high: float) -> list[float]:
        """Return numbers with two digits behind the point, none of them twice."""
        span = int(100 * (high - low))
        return [low + i / 100 for i in torch.randperm(span, generator=rng)[:n].tolist()]

    def case(title: str, weight: float, hint: str, *arguments: Any) -> Case:
        names = ("height", "width", "stride", "sizes", "ratios")
        return Case(title, dict(zip(names, arguments, strict=True)), weight, hint)

    return [
        case(
            "a single cell, a single square",
            1,
            "The centre of cell (0, 0) is (stride / 2, stride / 2); half a side lies each way; "
            "nothing is rounded or cut off.",
            *(1, 1, 8, numbers(1, 10, 60), [1.0]),
        ),
        case(
            "three rows, five columns",
            2,
            "Rows, then columns; x follows from the column j, y from the row i.",
            *(3, 5, 16, numbers(1, 10, 60), [1.0]),
        ),
        case(
            "a stride of 5",
            2.5,
            "The centre lies half a stride in the cell: at 2.5, 7.5, 12.5, … here.",
            *(2, 4, 5, numbers(1, 10, 60), [1.0]),
        ),
        case(
            "two ratios",
            2,
            "height / width is the ratio, width · height is size²; each size with each ratio.",
            *(2, 3, 8, numbers(1, 10, 60), numbers(2, 1.5, 4)),
        ),
        case(
            "a ratio below 1",
            2,
            "A ratio below 1 makes an anchor wider than high.",
            *(2, 3, 8, numbers(1, 10, 60), numbers(1, 0.2, 0.7)),
        ),
        case(
            "three sizes",
            1,
            "All anchors of a cell follow each other, then comes the next cell.",
            *(3, 2, 8, numbers(3, 10, 60), [1.0]),
        ),
        case(
            "two sizes and three ratios",
            3,
            "In a cell, the first size has all its ratios, then comes the second size.",
            *(2, 3, 16, numbers(2, 16, 80), [*numbers(1, 0.2, 0.8), 1.0, *numbers(1, 1.5, 4)]),
        ),
        case(
            "three sizes and two ratios, one row",
            1.5,
            "The number of rows may be 1, and there may be more sizes than ratios.",
            *(1, 6, 4, numbers(3, 4, 30), numbers(2, 0.2, 3)),
        ),
        case(
            "one column, a fraction as stride",
            2,
            "Nothing here has to be a whole number: don't round, and don't divide with //.",
            *(4, 1, 2.5, numbers(2, 1, 9), numbers(2, 0.2, 3)),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the anchors that an implementation makes."""
    names = ("height", "width", "stride", "sizes", "ratios")
    return as_tensor(implementation(*(inputs[name] for name in names)), "the anchors")


def _sides(sizes: list[float], ratios: list[float]) -> list[tuple[float, float]]:
    return [(size / ratio**0.5, size * ratio**0.5) for size in sizes for ratio in ratios]


def _centres(height: int, width: int, stride: float) -> list[tuple[float, float]]:
    return [((j + 0.5) * stride, (i + 0.5) * stride) for i in range(height) for j in range(width)]


def _corners(x: float, y: float, w: float, h: float) -> list[float]:
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def _put(centres: list[tuple[float, float]], sides: list[tuple[float, float]]) -> Tensor:
    return torch.tensor([_corners(x, y, w, h) for x, y in centres for w, h in sides])


@mistakes.when(
    "the anchors lie around the cell's upper left corner: its centre is half a stride on."
)
def _no_half_cell(height, width, stride, sizes, ratios):
    centres = [(j * stride, i * stride) for i in range(height) for j in range(width)]
    return _put(centres, _sides(sizes, ratios))


@mistakes.when("half a stride is `stride // 2`: it may be a fraction.")
def _half_rounded(height, width, stride, sizes, ratios):
    steps = [(j * stride, i * stride) for i in range(height) for j in range(width)]
    return _put([(x + stride // 2, y + stride // 2) for x, y in steps], _sides(sizes, ratios))


@mistakes.when("x follows from the row and y from the column: it is the other way round.")
def _x_from_the_row(height, width, stride, sizes, ratios):
    centres = [(y, x) for x, y in _centres(height, width, stride)]
    return _put(centres, _sides(sizes, ratios))


@mistakes.when("width and height are exchanged: ratio = height / width.")
def _upside_down(height, width, stride, sizes, ratios):
    sides = [(h, w) for w, h in _sides(sizes, ratios)]
    return _put(_centres(height, width, stride), sides)


@mistakes.when("width = size and height = size · ratio: then the area is not size².")
def _no_square_root(height, width, stride, sizes, ratios):
    sides = [(size, size * ratio) for size in sizes for ratio in ratios]
    return _put(_centres(height, width, stride), sides)


@mistakes.when("the ratio lacks its square root: height / width would be the ratio's square.")
def _ratio_twice(height, width, stride, sizes, ratios):
    sides = [(size / ratio, size * ratio) for size in sizes for ratio in ratios]
    return _put(_centres(height, width, stride), sides)


@mistakes.when("a size has one ratio only (`zip`): each size goes with each ratio.")
def _zipped(height, width, stride, sizes, ratios):
    pairs = zip(sizes, ratios, strict=False)
    sides = [(size / ratio**0.5, size * ratio**0.5) for size, ratio in pairs]
    return _put(_centres(height, width, stride), sides)


@mistakes.when(
    'the cells come column by column instead of row by row; `torch.meshgrid` wants indexing="ij".'
)
def _columns_first(height, width, stride, sizes, ratios):
    centres = [
        ((j + 0.5) * stride, (i + 0.5) * stride) for j in range(width) for i in range(height)
    ]
    return _put(centres, _sides(sizes, ratios))


@mistakes.when("a cell's anchors come ratio by ratio: the sizes are the outer loop.")
def _ratios_first(height, width, stride, sizes, ratios):
    sides = [(size / ratio**0.5, size * ratio**0.5) for ratio in ratios for size in sizes]
    return _put(_centres(height, width, stride), sides)


@mistakes.when(
    "each shape goes through all cells before the next: a cell's anchors belong together."
)
def _shapes_first(height, width, stride, sizes, ratios):
    centres = _centres(height, width, stride)
    return torch.cat([_put(centres, [sides]) for sides in _sides(sizes, ratios)])


@mistakes.when("the whole width lies on both sides of the centre instead of half of it.")
def _twice_as_large(height, width, stride, sizes, ratios):
    sides = [(2 * w, 2 * h) for w, h in _sides(sizes, ratios)]
    return _put(_centres(height, width, stride), sides)


@mistakes.when("the anchors are cut off at the image's border: they may reach beyond it.")
def _cut_off(height, width, stride, sizes, ratios):
    border = torch.tensor([width, height, width, height]) * stride
    boxes = _put(_centres(height, width, stride), _sides(sizes, ratios))
    return boxes.clamp(min=0).minimum(border)


@mistakes.when("centre and size are returned: asked are the corners x1, y1, x2, y2.")
def _centre_and_size(height, width, stride, sizes, ratios):
    sides = _sides(sizes, ratios)
    return torch.tensor(
        [[x, y, w, h] for x, y in _centres(height, width, stride) for w, h in sides]
    )


EXERCISE = Exercise(
    name="grid_anchors",
    title="Anchors on a grid",
    points=2,
    reference=grid_anchors,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(
        pyramid_anchors,
        anchor_utils.AnchorGenerator,
        anchor_utils.AnchorGenerator.generate_anchors,
        anchor_utils.AnchorGenerator.grid_anchors,
        anchor_utils.DefaultBoxGenerator,
    ),
    read="Anchors: one question for every place",
)
