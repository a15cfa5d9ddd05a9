"""Hard negative mining: of too many background boxes, only the worst mistaken are trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.require import require


def hard_negative_mining(losses: Tensor, positive: Tensor, ratio: int = 3) -> Tensor:
    """Return which boxes a loss should count: all positives, and the hardest negatives.

    Args:
        losses: each box's classification loss, float (N, A). The larger, the harder (NaN most of
            all, so that a loss that has diverged shows); those of positives play no part.
        positive: which boxes have an object, bool (N, A).
        ratio: how many negatives are chosen for each positive of the same image, at least 0.

    Returns:
        bool (N, A): every positive, and in each image the ``ratio`` × (number of its positives)
        negatives with the largest losses, or all where it has fewer. Of equal losses, those with
        the lower index come first. No gradient flows through the choice.

    Raises:
        TypeError: ``losses`` is no floating-point tensor, or ``positive`` no bool tensor.
        ValueError: the shapes differ or are not (N, A), or ``ratio`` is negative.

    Source:
        Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv:1512.02325,
        section 2.2 ("Hard negative mining").

    Note:
        An image without positives gets no negatives, as the paper's ratio has it. Its background
        then teaches nothing.
    """
    require(losses=(losses, "N A", "float"), positive=(positive, "N A", "bool"))
    if ratio < 0:
        raise ValueError(f"ratio: expected a number of at least 0, got {ratio}")
    wanted = ratio * positive.sum(dim=1, keepdim=True)  # (N, 1)
    order = _hardest_first(losses)  # (N, A)
    negative = ~positive.gather(1, order)  # (N, A), in that order
    hardest = negative & (negative.cumsum(dim=1) <= wanted)
    return positive | torch.empty_like(positive).scatter(1, order, hardest)


def _hardest_first(losses: Tensor) -> Tensor:
    """Return each row's indices by decreasing loss; of equal losses, the lower comes first."""
    return losses.argsort(dim=1, descending=True, stable=True)
