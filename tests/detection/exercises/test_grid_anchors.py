import itertools
import math

import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.exercises.grid_anchors import EXERCISE


def loops(height, width, stride, sizes, ratios):
    anchors = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for size in sizes:
                for ratio in ratios:
                    w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    anchors.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(anchors)


def meshgrid(height, width, stride, sizes, ratios):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = torch.stack([x, y], dim=-1).reshape(-1, 1, 2) * stride + stride / 2
    half = torch.tensor([[s / r**0.5, s * r**0.5] for s in sizes for r in ratios]) / 2
    return torch.cat([centres - half, centres + half], dim=-1).flatten(0, 1)


def numpy_in_float64(height, width, stride, sizes, ratios):
    size, ratio = np.array(sizes)[:, None], np.array(ratios)[None]
    h = np.sqrt(size**2 * ratio)
    w = size**2 / h
    w, h = w.ravel(), h.ravel()
    cells = np.indices((height, width)).reshape(2, -1).T[:, ::-1]  # (j, i)
    centre = (cells + 0.5) * stride
    boxes = np.stack([-w, -h, w, h], axis=1)[None] / 2 + np.tile(centre, 2)[:, None]
    return torch.from_numpy(boxes.reshape(-1, 4))


def product(height, width, stride, sizes, ratios):
    every = itertools.product(range(height), range(width), sizes, ratios)
    i, j, size, ratio = torch.tensor([*map(list, every)]).T
    area = size.square()
    w = (area / ratio).sqrt()
    h = w * ratio
    x, y = (j + 0.5) * stride, (i + 0.5) * stride
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)


def cell_number(height, width, stride, sizes, ratios):
    cell = torch.arange(height * width).repeat_interleave(len(sizes) * len(ratios))
    i, j = cell // width, cell % width
    size = torch.tensor(sizes).repeat_interleave(len(ratios)).repeat(height * width)
    ratio = torch.tensor(ratios).repeat(height * width * len(sizes))
    w, h = size * ratio**-0.5, size * ratio**0.5
    centre = torch.stack([j, i], 1) * stride + 0.5 * stride
    size = torch.stack([w, h], 1)
    return torch.cat([centre - 0.5 * size, centre + 0.5 * size], 1)


def rounded(height, width, stride, sizes, ratios):
    corner = loops(1, 1, 0, sizes, ratios).round()
    centres = loops(height, width, stride, [1e-6], [1.0])
    return (centres[:, None] + corner).reshape(-1, 4)


def whole_half_strides(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios) - stride / 2 + stride // 2


def whole_strides(height, width, stride, sizes, ratios):
    return loops(height, width, int(stride), sizes, ratios)


def area_is_ratio_times_size(height, width, stride, sizes, ratios):
    sides = [math.sqrt(size) for size in sizes]
    return loops(height, width, stride, sides, ratios)


def half_a_pixel(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios) - 0.5


def exclusive_corner(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios) - torch.tensor([0, 0, 1, 1])


def clipped(height, width, stride, sizes, ratios):
    anchors = loops(height, width, stride, sizes, ratios)
    return torch.stack(
        [
            anchors[:, 0].clamp(0, width * stride),
            anchors[:, 1].clamp(0, height * stride),
            anchors[:, 2].clamp(0, width * stride),
            anchors[:, 3].clamp(0, height * stride),
        ],
        dim=1,
    )


def axes_exchanged(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios)[:, [1, 0, 3, 2]]


def rows_and_columns_exchanged(height, width, stride, sizes, ratios):
    return loops(width, height, stride, sizes, ratios)


def grouped(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios).reshape(height * width, -1, 4)


def a_list(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios).tolist()


def int64(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, ratios).long()


def only_the_first_size(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes[:1], ratios)


def pairs_of_size_and_ratio(height, width, stride, sizes, ratios):
    pairs = zip(sizes, ratios, strict=False)
    levels = [loops(height, width, stride, [size], [ratio]) for size, ratio in pairs]
    return torch.stack(levels, 1).reshape(-1, 4)


def square_of_the_ratio(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, [ratio**2 for ratio in ratios])


def sorted_sizes(height, width, stride, sizes, ratios):
    return loops(height, width, stride, sizes, sorted(ratios, reverse=True))


def relative(height, width, stride, sizes, ratios):
    image = torch.tensor([width, height, width, height]) * stride
    return loops(height, width, stride, sizes, ratios) / image


RIGHT = [loops, meshgrid, numpy_in_float64, product, cell_number]
WRONG = [
    *(rounded, whole_half_strides, whole_strides, area_is_ratio_times_size, half_a_pixel),
    *(exclusive_corner, clipped, axes_exchanged, rows_and_columns_exchanged, grouped, a_list),
    *(int64, only_the_first_size, pairs_of_size_and_ratio, square_of_the_ratio, sorted_sizes),
    relative,
]
_PRECISE = "float32 is precise enough for float32"
EQUIVALENT = {
    "grid_anchors: torch.tensor(sizes, dtype=torch.float64) -> torch.tensor(sizes)": _PRECISE,
    "grid_anchors: torch.tensor(ratios, dtype=torch.float64) -> torch.tensor(ratios)": _PRECISE,
    "grid_anchors: torch.meshgrid(y, x, indexing='ij') -> torch.meshgrid(y, x)": "the default yet",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_grid_anchors_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_grid_anchors_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_grid_anchors_must_not_come_from_a_pyramid_of_one_level():
    def answer(height, width, stride, sizes, ratios):
        return pyramid_anchors([(height, width)], [stride], [sizes], ratios)

    assert graded(EXERCISE, answer).points == 0.0


def test_grid_anchors_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
