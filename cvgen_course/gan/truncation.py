"""The truncation trick: draw from a normal distribution, and again where it went too far."""

from __future__ import annotations

import torch
from torch import Tensor


def truncated_normal(
    shape: tuple[int, ...], threshold: float, rng: torch.Generator | None = None
) -> Tensor:
    """Draw from a standard normal distribution cut off at ±ψ.

    Numbers beyond are drawn again until they lie within: the shape of the bell stays, without its
    tails. (Multiplying by ψ instead makes another distribution, with tails beyond.)

    Args:
        shape: of the result.
        threshold: ψ, more than 0; ``math.inf`` for no limit.
        rng: where the draws come from; None for torch's own generator.

    Returns:
        float32 of that shape, in [-ψ, ψ].

    Raises:
        ValueError: ψ is not more than 0.

    Note:
        A share of the draws, erf(ψ / √2), is kept each time: at ψ = 0.01, one in 125.

    Source:
        Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR
        2019, arXiv:1809.11096, section 3.1.
    """
    if not threshold > 0:
        raise ValueError(f"threshold: expected more than 0, got {threshold}")
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z
