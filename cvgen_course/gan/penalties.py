"""Penalties on how steep a discriminator is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

Critic = Callable[[Tensor], Tensor]
"""``critic(images)`` → a number for each image, from it alone: float (N,) or (N, 1)."""


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, rng: torch.Generator | None = None
) -> Tensor:
    """Return the gradient penalty of WGAN-GP: between real and fake, slopes should be 1.

    On the straight line from each fake to its real image one point is drawn; the penalty is the
    mean of (‖∇D‖ − 1)² there.

    Args:
        critic: a network, or what looks at images with it.
        real: images, float (N, …).
        fake: as many, of the same shape.
        rng: where the points are drawn from, one number an image; None for torch's own generator.

    Returns:
        0-dimensional, at least 0, float32 at least; differentiable with respect to the critic's
        parameters. No gradient flows into ``real`` and ``fake``.

    Raises:
        TypeError: images are no floating-point tensors.
        ValueError: their shapes differ, or there are none.

    Source:
        Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, arXiv:1704.00028,
        algorithm 1.
    """
    _require_images(real=real)
    require(real=(real, "*S", "float"), fake=(fake, "*S", "float"))
    shape = (len(real), *(1 for _ in real.shape[1:]))
    alpha = torch.rand(shape, generator=rng).to(real)
    between = fake.detach() + alpha * (real.detach() - fake.detach())
    return (_slopes(critic, between).norm(dim=1) - 1).square().mean()


def r1_penalty(discriminator: Critic, real: Tensor) -> Tensor:
    """Return the mean of ‖∇D‖² at real images: there, the discriminator should be flat.

    Args:
        discriminator: a network, or what looks at images with it.
        real: images, float (N, …).

    Returns:
        0-dimensional, at least 0, float32 at least; differentiable with respect to the
        discriminator's parameters. The paper's loss has it times γ / 2.

    Raises:
        TypeError: ``real`` is no floating-point tensor.
        ValueError: there are no images.

    Source:
        Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018,
        arXiv:1801.04406, eq. 9.
    """
    _require_images(real=real)
    return _slopes(discriminator, real.detach()).square().sum(dim=1).mean()


def _slopes(critic: Critic, images: Tensor) -> Tensor:
    """Return the gradient of each image's number by the image, flattened, (N, D)."""
    images = images.requires_grad_()
    (slopes,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return at_least_float32(slopes).flatten(1)


def _require_images(real: Tensor) -> None:
    require(real=(real, "...", "float"))
    if real.dim() < 2 or not len(real):
        raise ValueError(f"real: expected one image or more, got shape {tuple(real.shape)}")
