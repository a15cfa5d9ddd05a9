"""The best discriminator there can be, where both densities are known."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def optimal_discriminator(p_data: Tensor, p_model: Tensor) -> Tensor:
    """Return D* = p_data / (p_data + p_model): how probably a point is a real one.

    Args:
        p_data: the data's density at some points, float of any shape, at least 0.
        p_model: the model's density there, the same shape.

    Returns:
        float of that shape, in [0, 1], float32 at least. Where both are 0 nobody ever comes, and it
        is 1/2.

    Raises:
        TypeError: a density is no floating-point tensor.
        ValueError: the shapes differ, or a density is negative.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661,
        proposition 1.
    """
    p_data, p_model = _require_densities(p_data, p_model)
    largest = torch.maximum(p_data, p_model)
    nowhere = largest == 0
    scale = torch.where(nowhere, 1, largest)  # tiny densities must not become 0 / 0, nor huge inf
    p_data, p_model = p_data / scale, p_model / scale
    return torch.where(nowhere, 0.5, p_data / torch.where(nowhere, 1, p_data + p_model))


def optimal_value(p_data: Tensor, p_model: Tensor, dx: float) -> Tensor:
    """Return the value of the game against the optimal discriminator: an integral on a grid.

    It is −log 4 plus twice the Jensen–Shannon divergence of the two densities: −log 4 where they
    are equal, and 0 where they have nothing in common.

    Args:
        p_data: at the points of a grid, float of any shape.
        p_model: at the same points.
        dx: the size of a cell of the grid.

    Returns:
        0-dimensional, in nats, float32 at least.

    Raises:
        TypeError: a density is no floating-point tensor.
        ValueError: the shapes differ, or a density is negative.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661, theorem 1.
    """
    p_data, p_model = _require_densities(p_data, p_model)
    return (_p_log_share(p_data, p_model) + _p_log_share(p_model, p_data)).sum() * dx


def _p_log_share(p: Tensor, q: Tensor) -> Tensor:
    """Return p log (p / (p + q)), also where p is so much smaller than q that the share is 0."""
    share = optimal_discriminator(p, q)
    return torch.xlogy(p, share.clamp(min=torch.finfo(share.dtype).tiny))


def _require_densities(p_data: Tensor, p_model: Tensor) -> tuple[Tensor, Tensor]:
    require(p_data=(p_data, "*S", "float"), p_model=(p_model, "*S", "float"))
    for name, density in (("p_data", p_data), ("p_model", p_model)):
        if (density < 0).any():
            raise ValueError(f"{name}: expected densities, 0 or more, got {density.min():.3g}")
    return at_least_float32(p_data), at_least_float32(p_model)
