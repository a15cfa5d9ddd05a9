"""What the two players of a game want: the losses of the papers, in pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from cvgen_course.gan.losses import (
    discriminator_loss,
    non_saturating_loss,
    require_logits,
    saturating_loss,
)


class Objective(NamedTuple):
    """The losses of both players.

    Attributes:
        discriminator: ``discriminator(real_logits, fake_logits)`` → 0-dimensional.
        generator: ``generator(fake_logits)`` → 0-dimensional.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def least_squares_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return half the mean of (D(x) − 1)², plus half the mean of D(G(z))²; D is the logit itself.

    Args:
        real_logits: float of any shape.
        fake_logits: float of any shape.

    Returns:
        0-dimensional, at least 0, float32 at least.

    Source:
        Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017, arXiv:1611.04076,
        eq. 9 (a = 0, b = c = 1).
    """
    real, fake = require_logits(real_logits=real_logits, fake_logits=fake_logits)
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator_loss(fake_logits: Tensor) -> Tensor:
    """Return half the mean of (D(G(z)) − 1)²; see `least_squares_discriminator_loss`."""
    (fake,) = require_logits(fake_logits=fake_logits)
    return (fake - 1).square().mean() / 2


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the mean of max(0, 1 − D(x)), plus the mean of max(0, 1 + D(G(z))).

    Whoever is on the right side by a margin of 1 costs nothing, and teaches nothing.

    Args:
        real_logits: float of any shape; D is the logit itself.
        fake_logits: float of any shape.

    Returns:
        0-dimensional, at least 0, float32 at least.

    Source:
        Lim and Ye, "Geometric GAN", 2017, arXiv:1705.02894; Miyato et al., "Spectral Normalization
        for Generative Adversarial Networks", ICLR 2018, arXiv:1802.05957, eq. 16.
    """
    real, fake = require_logits(real_logits=real_logits, fake_logits=fake_logits)
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein_critic_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the mean of D(G(z)) minus the mean of D(x); D is the logit itself.

    It can fall without limit unless something limits the critic: see `gradient_penalty`.

    Args:
        real_logits: float of any shape.
        fake_logits: float of any shape.

    Returns:
        0-dimensional, float32 at least.

    Source:
        Arjovsky et al., "Wasserstein GAN", ICML 2017, arXiv:1701.07875, eq. 2.
    """
    real, fake = require_logits(real_logits=real_logits, fake_logits=fake_logits)
    return fake.mean() - real.mean()


def critic_generator_loss(fake_logits: Tensor) -> Tensor:
    """Return minus the mean of D(G(z)): the generator's loss against a hinge or a critic.

    Source:
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018,
        arXiv:1802.05957, eq. 17.
    """
    (fake,) = require_logits(fake_logits=fake_logits)
    return -fake.mean()


SATURATING = Objective(discriminator_loss, saturating_loss)
NON_SATURATING = Objective(discriminator_loss, non_saturating_loss)
LEAST_SQUARES = Objective(least_squares_discriminator_loss, least_squares_generator_loss)
HINGE = Objective(hinge_discriminator_loss, critic_generator_loss)
WASSERSTEIN = Objective(wasserstein_critic_loss, critic_generator_loss)
