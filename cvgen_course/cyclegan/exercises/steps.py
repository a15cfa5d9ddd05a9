"""Steps of both sides, for the mistakes of the exercises: as they should be, but for one part."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.optim import Optimizer

from cvgen_course.cyclegan import cycle_loss, identity_loss
from cvgen_course.cyclegan.losses import Translate
from cvgen_course.cyclegan.steps import CYCLE_WEIGHT, IDENTITY_WEIGHT
from cvgen_course.gan import least_squares_discriminator_loss, least_squares_generator_loss
from cvgen_course.gan.exercises.steps import Learn, learn

Change = Callable[[Tensor], Tensor]
OfBoth = Callable[[Translate, Translate, Tensor, Tensor], Tensor]
"""A loss of both generators, from images of A and of B."""


def unchanged(x: Tensor) -> Tensor:
    """Return x itself, with its graph."""
    return x


def translated(
    generators: tuple[nn.Module, nn.Module],
    discriminators: tuple[nn.Module, nn.Module],
    a: Tensor,
    b: Tensor,
    optimizer: Optimizer,
    cycle_weight: float = CYCLE_WEIGHT,
    identity_weight: float = IDENTITY_WEIGHT,
    *,
    fooled: Callable[[Tensor], Tensor] = least_squares_generator_loss,
    cycle: OfBoth = cycle_loss,
    identity: OfBoth = identity_loss,
    shown: Change = unchanged,
    learn: Learn = learn,
    result: Change = Tensor.detach,
    images: Change = Tensor.detach,
) -> tuple[Tensor, Tensor, Tensor]:
    """Let the generators take their step rightly, but for what is given by name.

    That is: the losses of logits, of the cycle and of identity; what the discriminators see of a
    fake; how the step is taken; and what is returned of the loss and of the fakes.
    """
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    fake_a, fake_b = g_ba(b), g_ab(a)
    loss = (
        fooled(d_b(shown(fake_b)))
        + fooled(d_a(shown(fake_a)))
        + cycle_weight * cycle(g_ab, g_ba, a, b)
        + identity_weight * identity(g_ab, g_ba, a, b)
    )
    learn(optimizer, loss)
    return result(loss), images(fake_a), images(fake_b)


def judged(
    discriminator: nn.Module,
    real: Tensor,
    fake: Tensor,
    optimizer: Optimizer,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = least_squares_discriminator_loss,
    shown: Change = Tensor.detach,
    learn: Learn = learn,
    result: Change = Tensor.detach,
) -> Tensor:
    """Let a discriminator take its step rightly, but for what is given by name.

    That is: the loss of both kinds of logits; what the discriminator sees of the fakes; how the
    step is taken; and what is returned of the loss.
    """
    of_both = loss(discriminator(real), discriminator(shown(fake)))
    learn(optimizer, of_both)
    return result(of_both)
