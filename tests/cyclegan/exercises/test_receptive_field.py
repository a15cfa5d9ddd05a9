import math

import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch.nn import functional as F

from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["receptive_field"]


def as_in_the_lecture(kernels, strides):
    seen, step = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        seen += (kernel - 1) * step
        step *= stride
    return seen


def from_the_back(kernels, strides):
    """How many numbers of each layer's input are needed for so many of its output."""
    needed = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        needed = (needed - 1) * stride + kernel
    return needed


def with_products(kernels, strides):
    return 1 + sum((k - 1) * math.prod(strides[:i]) for i, k in enumerate(kernels))


def called_again(kernels, strides):
    if not kernels:
        return 1
    return kernels[0] + strides[0] * (called_again(kernels[1:], strides[1:]) - 1)


def in_numpy(kernels, strides):
    steps = np.cumprod(np.array([1, *strides[:-1]], dtype=np.int64))[: len(kernels)]
    return 1 + ((np.array(kernels, dtype=np.int64) - 1) * steps).sum()


def in_numpy_of_32_bits(kernels, strides):
    return np.int32(as_in_the_lecture(kernels, strides))


def in_torch(kernels, strides):
    kernels, strides = torch.tensor(kernels).long(), torch.tensor(strides).long()
    steps = torch.cat([torch.ones(1, dtype=torch.int64), strides.cumprod(0)])[:-1]
    return 1 + ((kernels - 1) * steps[: len(kernels)]).sum()


def in_torch_of_32_bits(kernels, strides):
    return in_torch(kernels, strides).int()


def places_seen(kernels, strides):
    """All places are written down; strides are no larger than kernels, so there are no holes."""
    places = {0}
    for kernel, stride in list(zip(kernels, strides, strict=True))[::-1]:
        places = {place * stride + k for place in places for k in range(kernel)}
    return len(places)


def by_looking(kernels, strides):
    """In one dimension, with kernels of ones, in float64: a gradient that is not 0 is seen."""
    x = torch.zeros(1, 1, 4000, dtype=torch.float64, requires_grad=True)
    y = x * 1
    for kernel, stride in zip(kernels, strides, strict=True):
        y = F.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    y[0, 0, 0].backward()
    return (x.grad != 0).sum()


def first_and_last_place(kernels, strides):
    first, last = 0, 0
    for i in range(len(kernels) - 1, -1, -1):
        first, last = first * strides[i], last * strides[i] + kernels[i] - 1
    return last - first + 1


def changed(start=1, step=1, add=lambda k: k - 1, grow=lambda step, s: step * s):
    def answer(kernels, strides):
        seen, apart = start, step
        for kernel, stride in zip(kernels, strides, strict=True):
            seen += add(kernel) * apart
            apart = grow(apart, stride)
        return seen

    return answer


def begins_with_the_first_kernel(kernels, strides):
    seen, step = kernels[0], strides[0]
    for kernel, stride in zip(kernels[1:], strides[1:], strict=True):
        seen += (kernel - 1) * step
        step *= stride
    return seen


def way_back_with_whole_kernels(kernels, strides):
    needed = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        needed = needed * stride + kernel - 1
    return needed


def way_back_without_1(kernels, strides):
    needed = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        needed = needed * stride + kernel
    return needed


def takes_from_the_lists(kernels, strides):
    seen, step = 1, 1
    while kernels:
        seen += (kernels.pop(0) - 1) * step
        step *= strides.pop(0)
    return seen


def kernels_reversed_alone(kernels, strides):
    return as_in_the_lecture(kernels[::-1], strides)


def strides_reversed_alone(kernels, strides):
    return as_in_the_lecture(kernels, strides[::-1])


def without_the_first(kernels, strides):
    return as_in_the_lecture(kernels[1:], strides[1:])


RIGHT = [
    *(as_in_the_lecture, from_the_back, with_products, called_again, in_numpy, in_torch),
    *(in_numpy_of_32_bits, in_torch_of_32_bits, places_seen, by_looking, first_and_last_place),
    changed(),
]
WRONG = {
    "0 to begin with": changed(start=0),
    "2 to begin with": changed(start=2),
    "neighbours 2 apart": changed(step=2),
    "half of the kernel": changed(add=lambda k: k // 2),
    "twice half of the kernel": changed(add=lambda k: 2 * (k // 2)),
    "two less": changed(add=lambda k: max(k - 2, 0)),
    "1×1 counts as 2": changed(add=lambda k: max(k - 1, 1)),
    "strides added to 1": changed(grow=lambda step, s: step + s),
    "powers of 2": changed(grow=lambda step, s: step * (1 if s == 1 else 2)),
    "largest stride": changed(grow=max),
    "squared strides": changed(grow=lambda step, s: step * s * s),
    "a float": lambda *args: float(as_in_the_lecture(*args)),
    "a text": lambda *args: str(as_in_the_lecture(*args)),
    "a list": lambda *args: [as_in_the_lecture(*args)],
    "a row of one": lambda *args: torch.tensor([as_in_the_lecture(*args)]),
    "both sides": lambda *args: (as_in_the_lecture(*args),) * 2,
    **{
        answer.__name__: answer
        for answer in (
            *(begins_with_the_first_kernel, way_back_with_whole_kernels, way_back_without_1),
            *(takes_from_the_lists, kernels_reversed_alone, strides_reversed_alone),
            without_the_first,
        )
    },
}
EQUIVALENT = {
    "receptive_field: zip(kernels, strides, strict=True) -> zip(kernels, strides)": "as many",
    "receptive_field: True -> False": "strict; there are as many strides as kernels",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_receptive_field_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(20))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_receptive_field_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer, (*SEEDS, *map(str, range(20))))


def test_receptive_field_that_forgets_the_empty_list_loses_little():
    assert 0.9 < graded(EXERCISE, begins_with_the_first_kernel).points / EXERCISE.points < 1


def test_receptive_field_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
