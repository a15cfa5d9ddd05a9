"""Self-attention over the pixels of a feature map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvgen_course.require import require


class SelfAttention2d(nn.Module):
    """x + γ · output(attention): each pixel takes from all others what it looks for.

    γ is learned, and 0 to begin with: the layer does nothing until it is of use.

    Args:
        channels: C, in and out, a multiple of 8. Queries and keys have C / 8 of them, values C / 2.

    Source:
        Zhang et al., "Self-Attention Generative Adversarial Networks", ICML 2019, arXiv:1805.08318,
        section 3.

    Note:
        Unlike in its code, there is no max pooling of keys and values: the maps are small here.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < 8 or channels % 8:
            raise ValueError(f"channels: expected a multiple of 8, got {channels}")
        self.channels = channels
        self.query = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.output = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def weights(self, x: Tensor) -> Tensor:
        """Return how much each pixel takes from each other, (N, H · W, H · W), rows that sum to 1.

        Args:
            x: maps, float (N, C, H, W).
        """
        require(x=(x, f"N {self.channels} H W", "float"))
        queries, keys = self.query(x).flatten(2), self.key(x).flatten(2)  # (N, C / 8, HW)
        return (queries.mT @ keys).softmax(dim=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape, float (N, C, H, W)."""
        weights = self.weights(x)  # (N, HW, HW)
        values = self.value(x).flatten(2)  # (N, C / 2, HW)
        taken = (values @ weights.mT).unflatten(2, x.shape[2:])
        return x + self.gamma * self.output(taken)
