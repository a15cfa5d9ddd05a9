"""Perceptual path length: how much a picture changes where its latent code changes a little."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cvgen_course.evaluation.features import Extractor
from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

Interpolation = Callable[[Tensor, Tensor, Tensor], Tensor]


def path_lengths(
    generate: Callable[[Tensor], Tensor],
    extract: Extractor,
    starts: Tensor,
    ends: Tensor,
    t: Tensor,
    interpolate: Interpolation = torch.lerp,
    epsilon: float = 1e-2,
) -> Tensor:
    """Return by how much features change on a small part of the way between two latent codes.

    It is ‖f(G(z_t)) − f(G(z_{t + ε}))‖² / ε², with z_t a share t of the way. Where G is smooth, it
    hardly depends on ε; where it jumps, it grows as ε shrinks.

    Args:
        generate: G, from latent codes (N, J) to images (N, C, H, W).
        extract: f, from images to features (N, D).
        starts: latent codes, float (N, J).
        ends: as many others, the same shape.
        t: where on each way, float (N,), in [0, 1]. All zeros: at its start.
        interpolate: ``interpolate(starts, ends, t)`` with t of shape (N, 1): a line, or, for codes
            from a normal distribution, `autoencoders.slerp`.
        epsilon: ε, above 0.

    Returns:
        float (N,), float32 at least, at least 0. Their mean is the perceptual path length.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together, or ``epsilon`` is not above 0.

    Source:
        Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks",
        CVPR 2019, arXiv:1812.04948, section 4.1. There, f is a VGG network with learned weights
        (LPIPS), ε is 1e-4, and the largest and smallest hundredth is left out.
    """
    require(starts=(starts, "N J", "float"), ends=(ends, "N J", "float"), t=(t, "N", "float"))
    if epsilon <= 0:
        raise ValueError(f"epsilon: expected more than 0, got {epsilon}")
    starts, ends = at_least_float32(starts), at_least_float32(ends)
    t = t.to(starts.dtype)
    here, there = (
        at_least_float32(extract(generate(interpolate(starts, ends, share[:, None]))))
        for share in (t, t + epsilon)
    )
    return (here - there).square().sum(dim=1) / epsilon**2
