"""Steps of both players, for the mistakes of the exercise: as it should be, but for one part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from cvgen_course.gan import discriminator_loss, non_saturating_loss

Learn = Callable[[Optimizer, Tensor], Any]
"""Takes an optimizer's step down a loss."""


def learn_without_zero(optimizer: Optimizer, loss: Tensor) -> None:
    """Take a step with all that has come together in the gradients."""
    loss.backward()
    optimizer.step()


def learn(optimizer: Optimizer, loss: Tensor) -> None:
    """Take a step as it should be."""
    optimizer.zero_grad()
    learn_without_zero(optimizer, loss)


def learn_and_zero(optimizer: Optimizer, loss: Tensor) -> None:
    """Set the gradients to 0 only after the step."""
    learn_without_zero(optimizer, loss)
    optimizer.zero_grad()


def zero_too_late(optimizer: Optimizer, loss: Tensor) -> None:
    """Set the gradients to 0 before they are used."""
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()


def d_loss(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: tuple[Tensor, Tensor],
    loss: Callable[[Tensor, Tensor], Tensor] = discriminator_loss,
) -> Tensor:
    """Return the discriminator's loss."""
    return loss(discriminator(real), discriminator(generator(z[0]).detach()))


def g_loss(
    generator: nn.Module,
    discriminator: nn.Module,
    z: tuple[Tensor, Tensor],
    loss: Callable[[Tensor], Tensor] = non_saturating_loss,
) -> Tensor:
    """Return the generator's loss."""
    return loss(discriminator(generator(z[1])))


def played(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: tuple[Tensor, Tensor],
    optimizers: tuple[Optimizer, Optimizer],
    *,
    loss_d: Callable[[Tensor, Tensor], Tensor] = discriminator_loss,
    loss_g: Callable[[Tensor], Tensor] = non_saturating_loss,
    learn_d: Learn = learn,
    learn_g: Learn = learn,
    result: Callable[[Tensor], Tensor] = Tensor.detach,
) -> tuple[Tensor, Tensor]:
    """Take both steps rightly, but for what is given: losses, ways to learn, what is returned."""
    of_d = d_loss(generator, discriminator, real, z, loss_d)
    learn_d(optimizers[1], of_d)
    of_g = g_loss(generator, discriminator, z, loss_g)
    learn_g(optimizers[0], of_g)
    return result(of_d), result(of_g)
