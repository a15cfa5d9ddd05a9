"""The Fréchet distance of two sets of features, each taken for a normal distribution."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.require import require


def root_trace(cov_1: Tensor, cov_2: Tensor) -> Tensor:
    """Return the trace of (C₁C₂)^½, without the root itself.

    C₁C₂ is not symmetric, but has the eigenvalues of C₁^½ C₂ C₁^½, which is. They are at least 0,
    and the trace is the sum of their roots. What rounding leaves below 0 counts as 0; so
    singular covariances are no trouble.

    Args:
        cov_1: a covariance, float (D, D).
        cov_2: likewise.

    Returns:
        0-dimensional, float64, at least 0.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together.
    """
    require(cov_1=(cov_1, "D D", "float"), cov_2=(cov_2, "D D", "float"))
    root = _root(cov_1.double())
    return torch.linalg.eigvalsh(root @ cov_2.double() @ root).clamp(min=0).sqrt().sum()


def frechet_distance(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
    """Return the squared Fréchet distance of two normal distributions.

    It is ‖m₁ − m₂‖² + tr (C₁ + C₂ − 2 (C₁C₂)^½), with m the means and C the covariances. With
    features of an Inception network it is called FID; with others the numbers can't be compared.

    Args:
        first: mean (D,) and covariance (D, D), as `feature_statistics` returns them.
        second: likewise.

    Returns:
        0-dimensional, float64, at least 0.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together.

    Source:
        Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
        Equilibrium", NeurIPS 2017, arXiv:1706.08500, eq. 6.
    """
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    require(mean_1=(mean_1, "D", "float"), cov_1=(cov_1, "D D", "float"))
    require(mean_2=(mean_2, "D", "float"), cov_2=(cov_2, "D D", "float"), D=len(mean_1))
    apart = (mean_1.double() - mean_2.double()).square().sum()
    spread = cov_1.double().trace() + cov_2.double().trace()
    return (apart + spread - 2 * root_trace(cov_1, cov_2)).clamp(min=0)


def _root(covariance: Tensor) -> Tensor:
    """Return the square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
