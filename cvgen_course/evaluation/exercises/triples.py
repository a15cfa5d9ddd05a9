"""Number, mean and scatter of batches of features: what is right, but for what is given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Triple = tuple[int, Tensor, Tensor]


def moments_of(batch: Tensor, dtype: torch.dtype = torch.float64) -> Triple:
    """Return number, mean and scatter of a batch, as they should be."""
    batch = batch.to(dtype)
    mean = batch.sum(dim=0) / max(1, len(batch))
    return len(batch), mean, (batch - mean).T @ (batch - mean)


def merged(first: Triple, second: Triple) -> Triple:
    """Return the moments of two sets in one, as they should be."""
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    share, apart = M / max(1, N + M), mean_2 - mean_1
    scatter = scatter_1 + scatter_2 + N * share * torch.outer(apart, apart)
    return N + M, mean_1 + share * apart, scatter


def of_all(
    batches: Iterable[Tensor],
    moments: Callable[[Tensor], Triple] = moments_of,
    merged: Callable[[Triple, Triple], Triple] = merged,
) -> Triple:
    """Return the moments of all batches: what is right, but for what is given."""
    return functools.reduce(merged, map(moments, batches))


def from_sums(batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return mean and covariance from sums of x and x x^T, in the type of the batches."""
    sums = [(len(batch), batch.sum(dim=0), batch.T @ batch) for batch in batches]
    num = sum(each[0] for each in sums)
    total = torch.stack([each[1] for each in sums]).sum(dim=0)
    squares = torch.stack([each[2] for each in sums]).sum(dim=0)
    return divided((num, total / num, squares - torch.outer(total, total) / num))


def divided(moments: Triple) -> tuple[Tensor, Tensor]:
    """Return mean and covariance."""
    num, mean, scatter = moments
    return mean, scatter / (num - 1)
