"""The kernel distance (KID): features compared pair by pair, and no normal distribution assumed."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

AT_ONCE = 2**19
"""How many pairs are held at a time."""


def polynomial_kernel(first: Tensor, second: Tensor) -> Tensor:
    """Return (x · y / D + 1)³ of all pairs.

    Args:
        first: features x, float (N, D).
        second: features y, float (M, D).

    Returns:
        float (N, M), float32 at least.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together.

    Source:
        Bińkowski et al., "Demystifying MMD GANs", ICLR 2018, arXiv:1801.01401, section 4.
    """
    require(first=(first, "N D", "float"), second=(second, "M D", "float"))
    first, second = at_least_float32(first), at_least_float32(second)
    with torch.autocast(first.device.type, enabled=False):  # it would round to bfloat16
        return (first @ second.T / first.shape[1] + 1) ** 3


def kernel_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Return an unbiased estimate of the squared maximum mean discrepancy of two sets of features.

    It is the mean kernel of pairs within each set, minus twice that of pairs across. No item is
    paired with itself: therefore the estimate is right on average for any number of items, and
    therefore it is as often below 0 as above where both come from the same distribution.

    Args:
        real: float (N, D), N at least 2.
        fake: float (M, D), M at least 2.

    Returns:
        0-dimensional, float64.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together, or a set has fewer than two rows.

    Source:
        Bińkowski et al., "Demystifying MMD GANs", ICLR 2018, arXiv:1801.01401, eq. 4.
    """
    require(real=(real, "N D", "float"), fake=(fake, "M D", "float"))
    for name, each in (("real", real), ("fake", fake)):
        if len(each) < 2:
            raise ValueError(f"{name}: expected two rows or more, got {len(each)}")
    real, fake = real.double(), fake.double()
    N, M = len(real), len(fake)
    across = _sum_of_pairs(real, fake) / (N * M)
    return _within(real) / (N * (N - 1)) + _within(fake) / (M * (M - 1)) - 2 * across


def _sum_of_pairs(first: Tensor, second: Tensor) -> Tensor:
    blocks = first.split(max(1, AT_ONCE // len(second)))
    return torch.stack([polynomial_kernel(block, second).sum() for block in blocks]).sum()


def _within(features: Tensor) -> Tensor:
    """Return the sum over all pairs of different items."""
    themselves = (features.square().sum(dim=1) / features.shape[1] + 1) ** 3
    return _sum_of_pairs(features, features) - themselves.sum()
