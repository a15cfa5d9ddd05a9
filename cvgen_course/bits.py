"""Bits per dimension: likelihoods of images of any size, in one unit."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

GREY_STEP = 2 / 255
"""The distance between two neighbouring grey values of an image of 256, scaled to [-1, 1]."""


def bits_per_dim(log_prob: Tensor, num_dims: int, step: float = 1.0) -> Tensor:
    """Turn log-likelihoods in nats into bits per dimension; the less, the better.

    A *density* has no bits of its own: twice as wide an axis makes it half as high. A density of
    grey values that were spread over their steps (each has noise added, uniform over one step) is
    a bound of the probability of the grey values themselves, once it is multiplied by the step.
    So a model under which all 256 values are equally likely has exactly 8 bits, as a density or as
    a table of probabilities.

    Args:
        log_prob: natural logarithms of probabilities or densities of whole images, float, any
            shape.
        num_dims: how many numbers an image has, C · H · W.
        step: for a density: how far two grey values are apart, ``GREY_STEP`` for images in
            [-1, 1]; 1 for probabilities, or where grey values are 0, 1, 2, ….

    Returns:
        Bits, of the shape of ``log_prob``, float32 at least.

    Raises:
        TypeError: ``log_prob`` is no floating-point tensor.
        ValueError: ``num_dims`` or ``step`` is not positive.

    Source:
        Theis et al., "A note on the evaluation of generative models", ICLR 2016, arXiv:1511.01844,
        section 3.1.
    """
    require(log_prob=(log_prob, "*S", "float"))
    if num_dims < 1:
        raise ValueError(f"num_dims: expected at least 1, got {num_dims}")
    if not step > 0:
        raise ValueError(f"step: expected more than 0, got {step}")
    return -(at_least_float32(log_prob) / num_dims + math.log(step)) / math.log(2)


def dequantize(images: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Spread grey values over their steps: add noise, uniform over one step.

    Of images with 256 grey values a density can be as high as it likes: infinitely high at the
    values themselves. Spread out they fill the whole range, and densities can be compared.

    Args:
        images: float (N, C, H, W), 256 grey values in [-1, 1].
        rng: where the noise comes from, a CPU generator; torch's global one where it is None.

    Returns:
        The same shape, float32 at least, half a step beyond [-1, 1] at most.

    Raises:
        TypeError: ``images`` is no floating-point tensor.
        ValueError: it has another shape.

    Source:
        Theis et al., "A note on the evaluation of generative models", ICLR 2016, arXiv:1511.01844,
        section 3.1.
    """
    require(images=(images, "N C H W", "float"))
    images = at_least_float32(images)
    noise = torch.rand(images.shape, generator=rng, dtype=images.dtype).to(images.device)
    return images + GREY_STEP * (noise - 0.5)
