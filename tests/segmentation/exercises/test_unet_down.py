import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)
from torch import nn

from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["unet_down"]


def functional(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2)


def module(x, conv):
    features = conv(x)
    return features, nn.MaxPool2d(kernel_size=2, stride=2)(features)


def a_list(x, conv):
    skip = conv(x)
    return [skip, torch.max_pool2d(skip, (2, 2))]


def four_slices(x, conv):
    skip = conv(x)
    H, W = skip.shape[2] // 2 * 2, skip.shape[3] // 2 * 2
    even = skip[:, :, :H, :W]
    rows = torch.maximum(even[:, :, 0::2], even[:, :, 1::2])
    return skip, torch.maximum(rows[..., 0::2], rows[..., 1::2])


def unfold(x, conv):
    skip = conv(x)
    return skip, skip.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))


def loops(x, conv):
    skip = conv(x)
    N, C, H, W = skip.shape
    pooled = torch.empty(N, C, H // 2, W // 2, dtype=skip.dtype)
    for i in range(H // 2):
        for j in range(W // 2):
            block = skip[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            pooled[:, :, i, j] = block.reshape(N, C, -1).max(-1).values
    return skip, pooled


def with_indices(x, conv):
    skip = conv(x)
    pooled, _ = F.max_pool2d(skip, 2, return_indices=True)
    return skip, pooled


def takes_every_second(x, conv):
    skip = conv(x)
    return skip, skip[:, :, ::2, ::2]


def stride_one(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2, stride=1)


def three_by_three(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 3, stride=2, padding=1)


def relu_before_pooling(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip.relu(), 2)


def pooled_only(x, conv):
    return F.max_pool2d(conv(x), 2)


def skip_only(x, conv):
    return conv(x), None


def convolves_again(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2), skip


def pools_rows_only(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, (2, 1))


def interpolates(x, conv):
    skip = conv(x)
    return skip, F.interpolate(skip, scale_factor=0.5)


def a_stack(x, conv):
    skip = conv(x)
    return torch.stack([skip, skip])


def pooled_is_cut_off(x, conv):
    skip, pooled = functional(x, conv)
    return skip, pooled.detach()


def skip_is_cut_off(x, conv):
    skip, pooled = functional(x, conv)
    return skip.detach(), pooled


def again_for_odd_sizes(x, conv):
    skip = conv(x)
    if x.shape[2] % 2:
        return skip, F.max_pool2d(conv(x)[:, :, :-1], 2)
    return skip, F.max_pool2d(skip, 2)


RIGHT = [functional, module, a_list, four_slices, unfold, loops, with_indices]
WRONG = [
    *(takes_every_second, stride_one, three_by_three, relu_before_pooling, pooled_only),
    *(skip_only, convolves_again, pools_rows_only, interpolates, a_stack),
    *(pooled_is_cut_off, skip_is_cut_off, again_for_odd_sizes),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_unet_down_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_unet_down_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_unet_down_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
