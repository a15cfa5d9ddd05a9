"""How far off an estimate may be: its standard error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Estimate(NamedTuple):
    """A number, and its standard error.

    Attributes:
        value: what was measured.
        error: the deviation that it would have if all were measured again, with other samples.
    """

    value: float
    error: float

    def __str__(self) -> str:
        """Return e.g. ``"12.34 ± 0.56"``: as many places as the error's first two digits."""
        if not 0 < self.error < math.inf:
            return f"{self.value:.4g} ± {self.error:g}"
        places = min(max(1 - _magnitude(self.error), 0), 6)
        return f"{self.value:.{places}f} ± {self.error:.{places}f}"


def _magnitude(number: float) -> int:
    return int(f"{number:e}".partition("e")[2])


def mean_with_error(values: Tensor) -> Estimate:
    """Return the mean of independent numbers, with its standard error s / √N.

    Args:
        values: float (N,). Of a single one the error is not known: infinite.
    """
    values = values.double()
    error = values.std() / len(values) ** 0.5 if len(values) > 1 else float("inf")
    return Estimate(float(values.mean()), float(error))


def bootstrap_error(
    statistic: Callable[..., Tensor],
    *sets: Tensor,
    num: int = 20,
    rng: torch.Generator | None = None,
) -> float:
    """Return the deviation of a statistic over sets that are drawn anew from the given ones.

    Each new set has as many rows as the old one, drawn with replacement. Its repeated rows shift
    some statistics, such as distances; that is the same in all draws, and does not reach the
    deviation.

    Args:
        statistic: of the sets, a number.
        *sets: (N, ...) each; rows are drawn from each set separately.
        num: how many times, at least 2.
        rng: a generator on the CPU; None for torch's own.

    Raises:
        ValueError: ``num`` is below 2.

    Source:
        Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
    """
    if num < 2:
        raise ValueError(f"num: expected 2 or more, got {num}")
    values = []
    for _ in range(num):
        drawn = [x[torch.randint(len(x), (len(x),), generator=rng)] for x in sets]
        values.append(float(statistic(*drawn)))
    return float(torch.tensor(values, dtype=torch.float64).std())
