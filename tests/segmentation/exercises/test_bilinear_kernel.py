import math

import numpy as np
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

EXERCISE = EXERCISES["bilinear_kernel"]


def loops(num_channels, factor):
    k = 2 * factor - factor % 2
    centre = (k - 1) / 2
    weight = torch.zeros(num_channels, num_channels, k, k)
    for i in range(k):
        for j in range(k):
            value = (1 - abs(i - centre) / factor) * (1 - abs(j - centre) / factor)
            for c in range(num_channels):
                weight[c, c, i, j] = value
    return weight


def outer_product(num_channels, factor):
    k = 2 * factor - factor % 2
    triangle = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    weight = torch.zeros(num_channels, num_channels, k, k)
    channels = torch.arange(num_channels)
    weight[channels, channels] = torch.outer(triangle, triangle)
    return weight


def numpy_grid(num_channels, factor):
    k = 2 * factor - factor % 2
    centre = factor - 1 if k % 2 == 1 else factor - 0.5
    y, x = np.ogrid[:k, :k]
    kernel = (1 - abs(y - centre) / factor) * (1 - abs(x - centre) / factor)
    weight = np.zeros((num_channels, num_channels, k, k))
    for c in range(num_channels):
        weight[c, c] = kernel
    return torch.from_numpy(weight).float()


def float64(num_channels, factor):
    """More precise than was asked for."""
    return loops(num_channels, factor).double()


def two_boxes(num_channels, factor):
    """A triangle is a box convolved with a box, here on a grid twice as fine."""
    k = 2 * factor - factor % 2
    fine = np.convolve(np.ones(2 * factor), np.ones(2 * factor)) / (2 * factor)
    triangle = torch.tensor(fine[factor % 2 :: 2], dtype=torch.float32)
    assert len(triangle) == k
    eye = torch.eye(num_channels)
    return torch.einsum("oc,i,j->ocij", eye, triangle, triangle)


def a_parameter(num_channels, factor):
    return nn.Parameter(outer_product(num_channels, factor))


def interpolated_pixel(num_channels, factor):
    """Upsample one bright pixel in the middle of a dark image, and look at what became of it."""
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1
    bright = F.interpolate(image, scale_factor=factor, mode="bilinear", align_corners=False)[0, 0]
    k = 2 * factor - factor % 2
    first = (5 * factor - k) // 2
    kernel = bright[first : first + k, first : first + k]
    return torch.eye(num_channels)[..., None, None] * kernel


def interpolated_ramp(num_channels, factor):
    k = 2 * factor - factor % 2
    ramp = F.interpolate(torch.tensor([[[0.0, 1.0, 0.0]]]), size=k, mode="linear")[0, 0]
    return torch.eye(num_channels)[..., None, None] * torch.outer(ramp, ramp)


def one_matrix(num_channels, factor):
    return loops(num_channels, factor)[0, 0]


def float16(num_channels, factor):
    return loops(num_channels, factor).half()


def for_four_channels(num_channels, factor):
    return loops(4, factor)


def box(num_channels, factor):
    return (loops(num_channels, factor) > 0).float()


def cone(num_channels, factor):
    k = 2 * factor - factor % 2
    i = torch.arange(k) - (k - 1) / 2
    kernel = (1 - torch.hypot(i[:, None], i) / factor).clamp(min=0)
    return torch.eye(num_channels)[..., None, None] * kernel


def wider_triangle(num_channels, factor):
    k = 2 * factor - factor % 2
    triangle = 1 - (torch.arange(k) - (k - 1) / 2).abs() / math.ceil(k / 2 + 0.5)
    return torch.eye(num_channels)[..., None, None] * torch.outer(triangle, triangle)


def a_list(num_channels, factor):
    return loops(num_channels, factor).tolist()


def factor_two(num_channels, factor):
    return loops(num_channels, 2)


RIGHT = [loops, outer_product, numpy_grid, two_boxes, a_parameter, interpolated_pixel, float64]
WRONG = [
    *(interpolated_ramp, one_matrix, float16, for_four_channels, box, cone),
    *(wider_triangle, a_list, factor_two),
]
EQUIVALENT = {
    "bilinear_kernel: torch.arange(size, dtype=torch.float32) - middle -> "
    "middle - torch.arange(size, dtype=torch.float32)": "the distance has no sign",
    "bilinear_kernel: torch.arange(size, dtype=torch.float32) -> torch.arange(size)": (
        "minus a float, it is float32 all the same"
    ),
    "bilinear_kernel: 1 - distance / factor -> distance / factor - 1": (
        "two minus signs in a product"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_bilinear_kernel_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_bilinear_kernel_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_bilinear_kernel_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
