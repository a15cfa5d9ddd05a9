"""Statistics of features: mean and covariance, also of more of them than fit into memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.require import require

AT_ONCE = 1000
"""Rows that are held in float64 at a time."""


class Moments(NamedTuple):
    """What is kept of features that have been seen; two of them can be merged.

    Attributes:
        num: N, how many features.
        mean: their mean, float64 (D,).
        scatter: the sum of (x − mean)(x − mean)ᵀ over all of them, float64 (D, D).
    """

    num: int
    mean: Tensor
    scatter: Tensor

    @property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean (D,) and unbiased covariance (D, D).

        Raises:
            ValueError: there are fewer than two features.
        """
        if self.num < 2:
            raise ValueError(f"features: expected two rows or more, got {self.num}")
        return self.mean, self.scatter / (self.num - 1)


def moments(features: Tensor) -> Moments:
    """Return number, mean and scatter of features.

    Args:
        features: float (N, D); N may be 0, and the mean is 0 then.

    Raises:
        TypeError: ``features`` is no floating-point tensor.
        ValueError: it has another shape.
    """
    require(features=(features, "N D", "float"))
    return _moments([features])


def merge_moments(first: Moments, second: Moments) -> Moments:
    """Return the moments of two sets of features in one, without seeing any of them.

    Each scatter is about a mean of its own. About the common one it is larger, by what the means
    are apart.

    Args:
        first: number, mean (D,) and scatter (D, D), as `moments` returns them.
        second: likewise. Either may be of no features at all.

    Raises:
        TypeError: a mean or scatter is no floating-point tensor.
        ValueError: the shapes do not go together.

    Source:
        Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance: Analysis and
        Recommendations", The American Statistician 1983.
    """
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    require(mean_1=(mean_1, "D", "float"), scatter_1=(scatter_1, "D D", "float"))
    require(mean_2=(mean_2, "D", "float"), scatter_2=(scatter_2, "D D", "float"), D=len(mean_1))
    num = N + M
    share = M / max(1, num)
    apart = mean_2.double() - mean_1.double()
    mean = mean_1.double() + share * apart
    scatter = scatter_1.double() + scatter_2.double() + N * share * torch.outer(apart, apart)
    return Moments(num, mean, scatter)


def streaming_statistics(batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of features that come in batches; one is held at a time.

    Args:
        batches: float (N, D) each; N may differ, and may be 0.

    Returns:
        float64 (D,) and (D, D); the covariance is unbiased (divided by N − 1).

    Raises:
        TypeError: a batch is no floating-point tensor.
        ValueError: a batch has another shape, or there are fewer than two features in all.
    """
    return _moments(batches).statistics


def feature_statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the covariance of features.

    Args:
        features: float (N, D), N at least 2.

    Returns:
        float64 (D,) and (D, D); the covariance is unbiased (divided by N − 1).

    Raises:
        TypeError: ``features`` is no floating-point tensor.
        ValueError: it has another shape, or fewer than two rows.
    """
    return moments(features).statistics


def _moments(batches: Iterable[Tensor]) -> Moments:
    total: Moments | None = None
    for batch in batches:
        require(features=(batch, "N D", "float"))
        if total is None:
            zeros = batch.new_zeros(batch.shape[1], dtype=torch.float64)
            total = Moments(0, zeros, torch.outer(zeros, zeros))
        require(features=(batch, "N D"), D=len(total.mean))
        for part in batch.split(AT_ONCE):
            total = _add(total, part.double())
    if total is None:
        raise ValueError("batches: expected two features or more, got no batch")
    return total


def _add(total: Moments, features: Tensor) -> Moments:
    """Merge with the moments of more features, float64 (N, D), in place.

    A new scatter for each batch would take longer than its sums.
    """
    num = total.num + len(features)
    share = len(features) / max(1, num)
    mean = features.sum(dim=0) / max(1, len(features))
    apart = mean - total.mean
    rows = torch.cat([features - mean, (total.num * share) ** 0.5 * apart[None]])
    return Moments(num, total.mean.add_(apart, alpha=share), total.scatter.addmm_(rows.T, rows))
