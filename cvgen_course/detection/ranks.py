"""Many lists in one row, such as the boxes of all images: who is which in its own list?"""

from __future__ import annotations

import torch
from torch import Tensor


def rank_in_group(groups: Tensor) -> Tensor:
    """Return how many of the same group stand before each.

    Args:
        groups: the number of the group that each belongs to, int64 (n,); a group stands together.

    Returns:
        int64 (n,), from 0 in each group.
    """
    _, group, sizes = groups.unique_consecutive(return_inverse=True, return_counts=True)
    first = sizes.cumsum(dim=0) - sizes  # of each group
    return torch.arange(len(groups), device=groups.device) - first[group]
