"""Exercise: the weights with which a transposed convolution upsamples bilinearly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.segmentation import bilinear_kernel

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: factors and channels drawn from small ranges."""

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=rng))

    even, odd = 2 * draw(2, 8), 2 * draw(2, 8) + 1
    return [
        Case(
            "factor 2, one channel",
            {"num_channels": 1, "factor": 2},
            weight=0.5,
            hint="k = 4 and the triangle is 1/4, 3/4, 3/4, 1/4.",
        ),
        Case(
            "factor 3, one channel",
            {"num_channels": 1, "factor": 3},
            weight=0.5,
            hint="An odd factor has an odd kernel: k = 5, the triangle is 1/3, 2/3, 1, 2/3, 1/3.",
        ),
        Case(
            f"an even factor, {even}, one channel",
            {"num_channels": 1, "factor": even},
            weight=2,
            hint="The centre is (k − 1) / 2: for an even factor it lies between two pixels.",
        ),
        Case(
            f"an odd factor, {odd}, one channel",
            {"num_channels": 1, "factor": odd},
            weight=2,
            hint="k = 2 · factor − factor % 2; the middle of an odd kernel is exactly 1.",
        ),
        Case(
            "several channels, an even factor",
            {"num_channels": draw(2, 5), "factor": 2 * draw(1, 4)},
            weight=3,
            hint="Only the kernels [c, c] are filled: channels must not mix.",
        ),
        Case(
            "several channels, an odd factor",
            {"num_channels": draw(2, 5), "factor": 2 * draw(1, 4) + 1},
            weight=2,
            hint="The shape is (C, C, k, k), zero outside the diagonal of channels.",
        ),
        Case(
            "factor 1 changes nothing",
            {"num_channels": 1, "factor": 1},
            weight=0.5,
            hint="k = 1, and the only weight is 1.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the weights."""
    weight = implementation(inputs["num_channels"], inputs["factor"])
    return as_tensor(weight, "the kernel").detach()


def _diagonal(num_channels: int, kernel: Tensor) -> Tensor:
    return torch.eye(num_channels)[:, :, None, None] * kernel


def _tent(size: int, centre: float, factor: float) -> Tensor:
    return 1 - (torch.arange(size) - centre).abs() / factor


@mistakes.when(
    "the kernel is written for every pair of channels: "
    "each output channel then adds up all input channels."
)
def _every_pair(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, (size - 1) / 2, factor)
    return torch.outer(tent, tent).expand(num_channels, num_channels, size, size).clone()


@mistakes.when("the shape is (C, 1, k, k), that of a grouped convolution; it is (C, C, k, k) here.")
def _one_per_channel(num_channels, factor):
    return _every_pair(num_channels, factor)[:, :1].clone()


@mistakes.when(
    "the centre is rounded to k // 2: for even factors it lies between two pixels, at (k − 1) / 2."
)
def _whole_centre(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, size // 2, factor)
    return _diagonal(num_channels, torch.outer(tent, tent))


@mistakes.when(
    "the centre is rounded down, `//` instead of `/`: "
    "for even factors it lies between two pixels, at (k − 1) / 2."
)
def _low_centre(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, (size - 1) // 2, factor)
    return _diagonal(num_channels, torch.outer(tent, tent))


@mistakes.when("k is 2 · factor for odd factors too: it is 2 · factor − factor % 2.")
def _always_even(num_channels, factor):
    size = 2 * factor
    tent = _tent(size, (size - 1) / 2, factor)
    return _diagonal(num_channels, torch.outer(tent, tent))


@mistakes.when(
    "the kernel is divided by its sum: it must sum to factor², "
    "since each output pixel gets only some of its weights."
)
def _sum_of_one(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, (size - 1) / 2, factor)
    kernel = torch.outer(tent, tent)
    return _diagonal(num_channels, kernel / kernel.sum())


@mistakes.when("the two triangles are added instead of multiplied.")
def _added(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, (size - 1) / 2, factor)
    return _diagonal(num_channels, (tent[:, None] + tent) / 2)


def _square(num_channels: int, tent: Tensor) -> Tensor:
    return _diagonal(num_channels, torch.outer(tent, tent))


@mistakes.when("the centre is k / 2: the positions run from 0 to k − 1, so it is (k − 1) / 2.")
def _late_centre(num_channels, factor):
    size = 2 * factor - factor % 2
    return _square(num_channels, _tent(size, size / 2, factor))


@mistakes.when("the absolute value is forgotten: a triangle falls on both sides of its centre.")
def _one_slope(num_channels, factor):
    size = 2 * factor - factor % 2
    return _square(num_channels, 1 - (torch.arange(size) - (size - 1) / 2) / factor)


@mistakes.when("the distance to the centre is divided by k: it is divided by the factor.")
def _divided_by_size(num_channels, factor):
    size = 2 * factor - factor % 2
    return _square(num_channels, _tent(size, (size - 1) / 2, size))


@mistakes.when(
    "the triangle is stretched to end in zeros within the kernel: "
    "divide the distance by the factor, and the zeros lie just outside."
)
def _ends_in_zeros(num_channels, factor):
    size = 2 * factor - factor % 2
    middle = (size - 1) / 2
    return _square(num_channels, _tent(size, middle, middle))


@mistakes.when("the kernel is divided by its largest value: for even factors that is less than 1.")
def _peak_of_one(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, (size - 1) / 2, factor)
    return _square(num_channels, tent / tent.max())


@mistakes.when("the larger of the two distances makes a pyramid: the two triangles are multiplied.")
def _pyramid(num_channels, factor):
    size = 2 * factor - factor % 2
    tent = _tent(size, (size - 1) / 2, factor)
    return _diagonal(num_channels, torch.minimum(tent[:, None], tent))


@mistakes.when("only the kernel of channel 0 is filled: every channel is interpolated.")
def _first_channel_only(num_channels, factor):
    size = 2 * factor - factor % 2
    kernel = _square(num_channels, _tent(size, (size - 1) / 2, factor))
    kernel[1:] = 0
    return kernel


EXERCISE = Exercise(
    name="bilinear_kernel",
    title="A kernel that upsamples bilinearly",
    points=2,
    reference=bilinear_kernel,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Bilinear upsampling as a layer",
)
