"""Which anchors enter the loss: a random choice in which the background does not drown the rest."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.detection.matching import NEGATIVE
from cvgen_course.require import require


def sample_balanced(
    matches: Tensor,
    num_samples: int,
    positive_fraction: float,
    rng: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw positive and negative anchors at random, a fixed number for each image.

    At most ``num_samples · positive_fraction`` positives are drawn; negatives fill up the rest, as
    far as there are any.

    Args:
        matches: int64 (..., A) as `match_anchors` returns them: at least 0 for a positive anchor.
        num_samples: how many anchors to draw for each image.
        positive_fraction: which share of them may be positive, in [0, 1].
        rng: where the choice comes from; PyTorch's default generator without.

    Returns:
        Which anchors were drawn as positive and which as negative, bool (..., A) both.

    Raises:
        TypeError: ``matches`` is no int64 tensor.
        ValueError: ``matches`` has no dimension, ``num_samples`` is negative, or
            ``positive_fraction`` is outside [0, 1].

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, section 3.1.3.
    """
    require(matches=(matches, "... A", "int64"))
    if num_samples < 0:
        raise ValueError(f"num_samples: expected 0 or more, got {num_samples}")
    if not 0 <= positive_fraction <= 1:
        raise ValueError(f"positive_fraction: expected a share in [0, 1], got {positive_fraction}")
    device = matches.device if rng is None else rng.device
    chance = torch.rand(matches.shape, generator=rng, device=device).to(matches.device)

    most = matches.new_full(matches.shape[:-1], int(num_samples * positive_fraction))
    positive = _luckiest(matches >= 0, most, num_samples, chance)
    negative = _luckiest(
        matches == NEGATIVE, num_samples - positive.sum(dim=-1), num_samples, chance
    )
    return positive, negative


def _luckiest(candidates: Tensor, count: Tensor, most: int, chance: Tensor) -> Tensor:
    """Choose the candidates (..., A) of the largest chance: ``count`` (...), at most ``most``."""
    most = min(most, candidates.shape[-1])
    order = chance.where(candidates, -1).topk(most, dim=-1).indices  # (..., most)
    wanted = torch.arange(most, device=candidates.device) < count[..., None]
    return torch.zeros_like(candidates).scatter(-1, order, wanted) & candidates
