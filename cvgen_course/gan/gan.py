"""Both players in one module, and what each of them minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from cvgen_course.gan.objectives import NON_SATURATING, Objective

Penalty = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]
"""``penalty(discriminator, real, fake)`` → 0-dimensional, added to the discriminator's loss."""


class GAN(nn.Module):
    """A generator and a discriminator that learn from each other.

    Args:
        generator: ``generator(z)`` → images, or ``generator(z, labels)``; its ``z_size`` says how
            much noise it takes.
        discriminator: ``discriminator(images)`` → logits, or ``discriminator(images, labels)``.
        objective: what both want.
        penalty: what the discriminator pays in addition; None for nothing.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective = NON_SATURATING,
        penalty: Penalty | None = None,
    ) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.penalty = objective, penalty

    def discriminator_loss(self, real: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return what the discriminator minimises, 0-dimensional, for a batch of real images.

        Args:
            real: images, as the discriminator takes them.
            labels: of a game that knows classes; as many fakes are made of each.
        """
        condition = () if labels is None else (labels,)
        with torch.no_grad():  # the generator does not learn here
            fake = self.generator(self.noise(real), *condition)

        def discriminate(images: Tensor) -> Tensor:
            return self.discriminator(images, *condition)

        loss = self.objective.discriminator(discriminate(real), discriminate(fake))
        return loss if self.penalty is None else loss + self.penalty(discriminate, real, fake)

    def generator_loss(self, real: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return what the generator minimises, 0-dimensional, with as many fakes as real images."""
        condition = () if labels is None else (labels,)
        fake = self.generator(self.noise(real), *condition)
        return self.objective.generator(self.discriminator(fake, *condition))

    def noise(self, real: Tensor) -> Tensor:
        """Return standard normal noise for as many fakes as there are real images, (N, J)."""
        z_size = cast(int, self.generator.z_size)
        return torch.randn(len(real), z_size, device=real.device)
