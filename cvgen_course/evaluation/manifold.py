"""Precision and recall, density and coverage: whether samples lie where real images do."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.require import require

AT_ONCE = 1000
"""Rows of a block: distances are held for this many items of one set at a time."""


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
    if not 1 <= k < len(features):
        raise ValueError(f"k: expected 1 to {len(features) - 1} for N features, got {k}")
    features = features.double()
    rows = [
        # the item itself is the nearest, or as near as its copies
        _distances(block, features).kthvalue(k + 1, dim=1).values
        for block in features.split(AT_ONCE)
    ]
    return torch.cat(rows)


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
    real_radii, fake_radii = nearest_radii(real, k), nearest_radii(fake, k)
    real, fake = real.double(), fake.double()
    around_real = torch.zeros(len(fake))  # how many balls around real items hold a sample
    covered, recalled = [], []
    for block, radii in zip(real.split(AT_ONCE), real_radii.split(AT_ONCE), strict=True):
        distances = _distances(block, fake)  # (B, M)
        inside = distances <= radii[:, None]
        around_real += inside.sum(dim=0)
        covered.append(inside.any(dim=1))
        recalled.append((distances <= fake_radii).any(dim=1))
    return Manifold(
        (around_real > 0).double(),
        torch.cat(recalled).double(),
        around_real.double() / k,
        torch.cat(covered).double(),
    )


def _distances(first: Tensor, second: Tensor) -> Tensor:
    """Return Euclidean distances of all pairs, (N, M); of equal items exactly 0."""
    sizes = first.square().sum(dim=1)[:, None] + second.square().sum(dim=1)
    squared = sizes - 2 * first @ second.T
    rounding = 4 * torch.finfo(first.dtype).eps * first.shape[1] * sizes
    return squared.where(squared > rounding, 0.0).sqrt()
