"""The Inception Score of any number of images: sums are kept, and no image's probabilities."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.evaluation import Estimate, mean_with_error

NUM_SPLITS = 10
"""As papers have it."""


class Sums(NamedTuple):
    """What the scores of several splits follow from.

    Attributes:
        num: how many images, float64 (S,).
        probs: their probabilities' sum, float64 (S, K).
        log_probs: the sum of p log p over images and classes, float64 (S,).
    """

    num: Tensor
    probs: Tensor
    log_probs: Tensor


def no_sums(num_classes: int, device: torch.device | None = None) -> Sums:
    """Return the sums of no images."""
    shapes = ((NUM_SPLITS,), (NUM_SPLITS, num_classes), (NUM_SPLITS,))
    return Sums(*(torch.zeros(shape, dtype=torch.float64, device=device) for shape in shapes))


def add(sums: Sums, probs: Tensor, splits: Tensor) -> Sums:
    """Return sums with more images in them.

    Args:
        sums: stay as they are.
        probs: float (N, K).
        splits: which split each image belongs to, int64 (N,), from 0.
    """
    probs, splits = probs.double(), splits.to(probs.device)
    return Sums(
        sums.num.index_add(0, splits, torch.ones_like(probs[:, 0])),
        sums.probs.index_add(0, splits, probs),
        sums.log_probs.index_add(0, splits, torch.special.xlogy(probs, probs).sum(dim=1)),
    )


def score(sums: Sums) -> Estimate:
    """Return the mean of the splits' Inception Scores.

    The mean divergence KL(p(y|x) ‖ p(y)) is the mean of Σ p(y|x) log p(y|x) over the images, minus
    Σ p(y) log p(y).
    """
    marginals = sums.probs / sums.num[:, None]
    of_marginals = torch.special.xlogy(marginals, marginals).sum(dim=1)
    return mean_with_error((sums.log_probs / sums.num - of_marginals).exp())
