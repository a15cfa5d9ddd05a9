"""Covariances as questions: with eigenvalues that are known, of few features, of any size."""

from __future__ import annotations

import torch
from torch import Tensor


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    """Return normally distributed numbers, float64."""
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def variances(rng: torch.Generator, D: int) -> Tensor:
    """Return numbers of 0.5 to 4, float64 (D,)."""
    return 0.5 + 3.5 * torch.rand(D, generator=rng, dtype=torch.float64)


def covariance(rng: torch.Generator, D: int, eigenvalues: Tensor | None = None) -> Tensor:
    """Return a covariance, (D, D), with axes of its own, and eigenvalues of 0.5 to 4 or given."""
    axes = torch.linalg.qr(normal(rng, D, D)).Q
    found = variances(rng, D) if eigenvalues is None else eigenvalues
    return _symmetric((axes * found) @ axes.T)


def covariance_of_few(rng: torch.Generator, N: int, D: int) -> Tensor:
    """Return the covariance of N features, (D, D); of rank N - 1, if that is less than D."""
    features = normal(rng, N, D)
    centred = features - features.mean(dim=0)
    return _symmetric(centred.T @ centred / (N - 1))


def nearly(rng: torch.Generator, covariance: Tensor) -> Tensor:
    """Return a covariance as another order of the same sums would have it: 1e-15 off."""
    noise = _symmetric(normal(rng, *covariance.shape))
    return covariance * (1 + 1e-15 * noise)


def _symmetric(matrix: Tensor) -> Tensor:
    """Return a matrix without what rounding does to its symmetry."""
    return (matrix + matrix.T) / 2
