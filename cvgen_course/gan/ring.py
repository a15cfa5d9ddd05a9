"""Normal distributions on a ring: here it can be counted what a generator leaves out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

DEVIATION = 0.05
"""Of each mode; the ring's radius is 1."""


def ring_centres(num_modes: int = 8) -> Tensor:
    """Return the modes' centres, on a circle of radius 1, float (num_modes, 2).

    Raises:
        ValueError: ``num_modes`` is less than 1.
    """
    if num_modes < 1:
        raise ValueError(f"num_modes: expected at least 1, got {num_modes}")
    angles = torch.arange(num_modes) * (2 * math.pi / num_modes)
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def ring_samples(num: int, num_modes: int = 8, rng: torch.Generator | None = None) -> Tensor:
    """Draw points of the ring, each from a mode that is as likely as the others, float (num, 2).

    Raises:
        ValueError: ``num_modes`` is less than 1.
    """
    centres = ring_centres(num_modes)
    modes = torch.randint(num_modes, (num,), generator=rng)
    return centres[modes] + DEVIATION * torch.randn(num, 2, generator=rng)


def modes_covered(samples: Tensor, num_modes: int = 8, share: float = 0.02) -> tuple[int, float]:
    """Count the modes that a generator draws from, and how many of its samples belong to any.

    A sample belongs to the nearest mode, if it is within three deviations of its centre. A mode is
    covered if at least ``share`` of all samples belong to it.

    Args:
        samples: float (N, 2), N at least 1.
        num_modes: of the ring.
        share: with eight modes, a fair one would be 0.125.

    Returns:
        The number of modes covered; and the share of samples that belong to a mode, in [0, 1].

    Raises:
        TypeError: ``samples`` is no floating-point tensor.
        ValueError: it has another shape, or there are none.

    Source:
        Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, arXiv:1611.02163,
        section 3.1 (the ring); Srivastava et al., "VEEGAN", NeurIPS 2017, arXiv:1705.07761,
        section 4.1 (within three deviations).
    """
    require(samples=(samples, "N 2", "float"))
    if not len(samples):
        raise ValueError("samples: expected at least one, got none")
    samples = at_least_float32(samples)
    distances, nearest = torch.cdist(samples, ring_centres(num_modes).to(samples)).min(dim=1)
    belongs = distances < 3 * DEVIATION
    counts = nearest[belongs].bincount(minlength=num_modes)
    return int((counts / len(samples) >= share).sum()), belongs.double().mean().item()
