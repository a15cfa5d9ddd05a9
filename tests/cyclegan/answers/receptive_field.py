"""Answers to `receptive_field` as students give them, written from the lecture's text alone."""

import itertools
import math
import operator

import numpy as np
import torch


def with_a_jump(kernels, strides):
    r, jump = 1, 1
    for k, s in zip(kernels, strides):
        r += (k - 1) * jump
        jump *= s
    return r


def two_loops(kernels, strides):
    r = 1
    for l in range(len(kernels)):  # noqa: E741 (as in the formula)
        product = 1
        for m in range(l):
            product *= strides[m]
        r += (kernels[l] - 1) * product
    return r


def by_prod(kernels, strides):
    return 1 + sum((k - 1) * math.prod(strides[:i]) for i, k in enumerate(kernels))


def backwards(kernels, strides):
    r = 1
    for k, s in reversed(list(zip(kernels, strides))):
        r = (r - 1) * s + k
    return r


def by_numpy(kernels, strides):
    jumps = np.cumprod([1, *strides])[:-1]
    return int(1 + np.sum((np.array(kernels, dtype=np.int64) - 1) * jumps))


def accumulated(kernels, strides):
    jumps = itertools.accumulate(strides, operator.mul, initial=1)
    return 1 + sum(jump * (k - 1) for k, jump in zip(kernels, jumps))


def recursive(kernels, strides):
    if not kernels:
        return 1
    return (recursive(kernels[1:], strides[1:]) - 1) * strides[0] + kernels[0]


def by_torch(kernels, strides):
    k = torch.tensor(kernels, dtype=torch.long)
    s = torch.tensor([1] + list(strides)[:-1], dtype=torch.long)[: len(k)]
    return (1 + ((k - 1) * torch.cumprod(s, 0)).sum()).item()


def first_and_last(kernels, strides):
    left, right = 0, 0  # of the input, seen by number 0 of the output
    for k, s in zip(kernels[::-1], strides[::-1]):
        left, right = left * s, right * s + k - 1
    return right - left + 1


def concatenated(kernels, strides):
    k, s = np.array(kernels), np.array(strides)
    before = np.concatenate([[1], np.cumprod(s)[:-1]])
    return int(1 + ((k - 1) * before).sum())


# -- wrong ones


def by_prod_of_numpy(kernels, strides):
    # 1.0 where there is no stride before
    return 1 + sum((k - 1) * np.prod(strides[:i]) for i, k in enumerate(kernels))


def strides_forgotten(kernels, strides):
    return 1 + sum(k - 1 for k in kernels)


def own_stride_too(kernels, strides):
    r, jump = 1, 1
    for k, s in zip(kernels, strides):
        jump *= s
        r += (k - 1) * jump
    return r


def own_stride_alone(kernels, strides):
    return 1 + sum((k - 1) * s for k, s in zip(kernels, strides))


def product_up_to_and_with(kernels, strides):
    return 1 + sum((k - 1) * math.prod(strides[: i + 1]) for i, k in enumerate(kernels))


def one_stride_only(kernels, strides):
    r = 1
    for i, k in enumerate(kernels):
        r += (k - 1) * (strides[i - 1] if i > 0 else 1)
    return r


def kernels_whole(kernels, strides):
    r, jump = 1, 1
    for k, s in zip(kernels, strides):
        r += k * jump
        jump *= s
    return r


def starts_at_zero(kernels, strides):
    r, jump = 0, 1
    for k, s in zip(kernels, strides):
        r += (k - 1) * jump
        jump *= s
    return r


def starts_at_the_first_kernel(kernels, strides):
    r, jump = kernels[0], strides[0]
    for k, s in zip(kernels[1:], strides[1:]):
        r += (k - 1) * jump
        jump *= s
    return r


def sum_of_strides(kernels, strides):
    return 1 + sum((k - 1) * sum(strides[:i]) for i, k in enumerate(kernels))


def jump_added(kernels, strides):
    r, jump = 1, 1
    for k, s in zip(kernels, strides):
        r += (k - 1) * jump
        jump += s
    return r


def wrong_way_round(kernels, strides):
    r, jump = 1, 1
    for k, s in zip(kernels[::-1], strides[::-1]):
        r += (k - 1) * jump
        jump *= s
    return r


def backwards_without_minus(kernels, strides):
    r = 1
    for k, s in zip(reversed(kernels), reversed(strides)):
        r = r * s + k
    return r


def backwards_in_forward_order(kernels, strides):
    r = 1
    for k, s in zip(kernels, strides):
        r = (r - 1) * s + k
    return r


def area(kernels, strides):
    return with_a_jump(kernels, strides) ** 2


def a_float(kernels, strides):
    return float(with_a_jump(kernels, strides))


def a_tensor(kernels, strides):
    r = torch.tensor(1.0)
    for i, k in enumerate(kernels):
        r = r + (k - 1) * torch.prod(torch.tensor(strides[:i], dtype=torch.float))
    return r


def empties_the_lists(kernels, strides):
    r = 1
    while kernels:
        k, s = kernels.pop(), strides.pop()
        r = (r - 1) * s + k
    return r


def always_two(kernels, strides):
    return 1 + sum((k - 1) * 2**i for i, k in enumerate(kernels))


def first_stride_to_a_power(kernels, strides):
    return 1 + sum((k - 1) * strides[0] ** i for i, k in enumerate(kernels))


def returns_too_early(kernels, strides):
    r, jump = 1, 1
    for k, s in zip(kernels, strides):
        r += (k - 1) * jump
        jump *= s
        return r
    return r


def all_fields(kernels, strides):
    fields, jump = [1], 1
    for k, s in zip(kernels, strides):
        fields.append(fields[-1] + (k - 1) * jump)
        jump *= s
    return fields


def last_layer_left_out(kernels, strides):
    r, jump = 1, 1
    for i in range(len(kernels) - 1):
        r += (kernels[i] - 1) * jump
        jump *= strides[i]
    return r


RIGHT = [
    with_a_jump,
    two_loops,
    by_prod,
    backwards,
    by_numpy,
    accumulated,
    recursive,
    by_torch,
    first_and_last,
    concatenated,
]
WRONG = {
    strides_forgotten: "strides_forgotten",
    own_stride_too: "own_stride",
    own_stride_alone: "own_stride_alone",
    product_up_to_and_with: "own_stride",
    one_stride_only: "last_stride_alone",
    kernels_whole: "whole_kernels",
    starts_at_zero: "without_1",
    starts_at_the_first_kernel: "",
    sum_of_strides: "",
    jump_added: "added_to_step",
    wrong_way_round: "from_the_back",
    backwards_without_minus: "one_step_more",
    backwards_in_forward_order: "from_the_back",
    area: "square",
    a_float: "float",
    a_tensor: "float",
    by_prod_of_numpy: "float_by_prod",
    empties_the_lists: "",
    always_two: "always_2",
    first_stride_to_a_power: "",
    returns_too_early: "",
    all_fields: "",
    last_layer_left_out: "last_left_out",
}
