"""The Fréchet distance of two sets of features, each taken for a normal distribution."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.require import require


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
    require(features=(features, "N D", "float"))
    if len(features) < 2:
        raise ValueError(f"features: expected two rows or more, got {len(features)}")
    features = features.double()
    return features.mean(dim=0), torch.atleast_2d(features.T.cov())  # of one feature, a number


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
    cov_1, cov_2 = cov_1.double(), cov_2.double()
    root = _root(cov_1)
    # (C₁C₂)^½ has the eigenvalues of (C₁^½ C₂ C₁^½)^½, which is symmetric
    mixed = torch.linalg.eigvalsh(root @ cov_2 @ root).clamp(min=0).sqrt().sum()
    apart = (mean_1.double() - mean_2.double()).square().sum()
    return (apart + cov_1.trace() + cov_2.trace() - 2 * mixed).clamp(min=0)


def _root(covariance: Tensor) -> Tensor:
    """Return the square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
