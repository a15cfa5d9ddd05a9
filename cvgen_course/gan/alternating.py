"""The alternating step: 1. the discriminator, 2. the generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvgen_course.gan.losses import discriminator_loss, non_saturating_loss


def alternating_step(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: tuple[Tensor, Tensor],
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
) -> tuple[Tensor, Tensor]:
    """Let the discriminator take a step, and then the generator against the new discriminator.

    Real and generated images are shown to the discriminator in batches of their own.

    Args:
        generator: ``generator(z)`` → images.
        discriminator: ``discriminator(images)`` → logits.
        real: a batch of real images.
        z: two batches of noise: for the discriminator's step, and for the generator's.
        optimizers: of the generator's parameters, and of the discriminator's.

    Returns:
        The discriminator's loss before its step, and the generator's non-saturating loss before
        its own, both 0-dimensional and without gradient. What ``.grad`` held before does not count.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661,
        algorithm 1, with k = 1 and the loss of section 3.
    """
    z_discriminator, z_generator = z
    generator_optimizer, discriminator_optimizer = optimizers

    fake = generator(z_discriminator).detach()
    loss_d = discriminator_loss(discriminator(real), discriminator(fake))
    discriminator_optimizer.zero_grad()
    loss_d.backward()
    discriminator_optimizer.step()

    loss_g = non_saturating_loss(discriminator(generator(z_generator)))
    generator_optimizer.zero_grad()
    loss_g.backward()
    generator_optimizer.step()
    return loss_d.detach(), loss_g.detach()
