"""Precision and recall, density and coverage: whether samples lie where real images do."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.evaluation.pairs import Pairs
from cvgen_course.require import require


class Manifold(NamedTuple):
    """Whether samples look real, and whether the real ones are all there.

    Attributes:
        precision: the share of samples that lie in a ball around a real item.
        recall: the share of real items that lie in a ball around a sample.
        density: in how many balls around real items a sample lies, divided by k; may be above 1.
        coverage: the share of balls around real items in which a sample lies.
    """

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def nearest_radii(features: Tensor, k: int) -> Tensor:
    """Return how far each item's k-th nearest neighbour is, not counting itself.

    Args:
        features: float (N, D), more than k rows.
        k: 1 for the nearest.

    Returns:
        float64 (N,).

    Raises:
        TypeError: ``features`` is no floating-point tensor.
        ValueError: it has another shape, or too few rows; or k is below 1.
    """
    require(features=(features, "N D", "float"))
    return _squared_radii(features, k).sqrt()


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[Tensor, Tensor]:
    """Return the share of samples that look real, and the share of real items that are covered.

    Around each item of a set lies a ball, as large as its k-th nearest neighbour in the set is far.
    An item of the other set that lies in one of them, or on its edge, counts.

    Args:
        real: features, float (N, D).
        fake: features, float (M, D).
        k: the neighbour; both sets need more than k items.

    Returns:
        Precision and recall, 0-dimensional, float64, in [0, 1].

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together, or a set is too small.

    Source:
        Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative
        Models", NeurIPS 2019, arXiv:1904.06991, eq. 1 and 2.
    """
    found = manifold(real, fake, k)
    return found.precision, found.recall


def manifold(real: Tensor, fake: Tensor, k: int = 5) -> Manifold:
    """Return precision, recall, density and coverage, from the same balls.

    Args:
        real: features, float (N, D).
        fake: features, float (M, D).
        k: the neighbour that balls reach; both sets need more than k items.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together, or a set is too small.

    Source:
        Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020,
        arXiv:2002.09797, section 3; precision and recall as in `precision_recall`.
    """
    each = manifold_per_item(real, fake, k)
    return Manifold(*(x.mean() for x in each))


def manifold_per_item(real: Tensor, fake: Tensor, k: int = 5) -> Manifold:
    """Return what `manifold` averages: of each sample or real item, float64 (M,) or (N,)."""
    require(real=(real, "N D", "float"), fake=(fake, "M D", "float"))
    real_radii, fake_radii = _squared_radii(real, k), _squared_radii(fake, k)
    pairs = Pairs(real, fake)
    balls, covered, recalled = (torch.zeros_like(x) for x in (fake_radii, real_radii, real_radii))
    for block in pairs.blocks():
        in_real, in_fake = pairs.at_most(block, real_radii[block, None], fake_radii)  # (B, M)
        balls += in_real.sum(dim=0)
        covered[block] = in_real.any(dim=1).double()
        recalled[block] = in_fake.any(dim=1).double()
    return Manifold((balls > 0).double(), recalled, balls / k, covered)


def _squared_radii(features: Tensor, k: int) -> Tensor:
    if not 1 <= k < len(features):
        raise ValueError(f"k: expected 1 to {len(features) - 1} for N features, got {k}")
    if not features.isfinite().all():
        raise ValueError("features: expected finite numbers, got NaN or infinite ones")
    pairs = Pairs(features, features)
    # k + 1: the item itself is the nearest, or as near as its copies
    return torch.cat([pairs.kth_smallest(block, k + 1) for block in pairs.blocks()])
