"""The minimax game: its value, and the losses of both players, from logits."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def game_value(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the value of the game: the mean of log D(x), plus the mean of log (1 − D(G(z))).

    The discriminator wants it large, the generator small. Who only tosses coins, D = 1/2
    everywhere, gets −log 4.

    Args:
        real_logits: of real images, float of any shape. D is the sigmoid of a logit.
        fake_logits: of generated ones, float of any shape.

    Returns:
        0-dimensional, at most 0, float32 at least; finite for logits of any size.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: there are no logits.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661, eq. 1.
    """
    return -discriminator_loss(real_logits, fake_logits)


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return what the discriminator minimises: minus the value of the game.

    It is a binary cross-entropy: the mean over real images plus the mean over fakes, each counting
    fully, however many there are of the other.

    Args:
        real_logits: of real images, float of any shape.
        fake_logits: of generated ones, float of any shape.

    Returns:
        0-dimensional, at least 0, float32 at least.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: there are no logits.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661,
        algorithm 1.
    """
    real, fake = require_logits(real_logits=real_logits, fake_logits=fake_logits)
    return F.softplus(-real).mean() + F.softplus(fake).mean()  # −log D and −log (1 − D)


def saturating_loss(fake_logits: Tensor) -> Tensor:
    """Return what the generator minimises in the minimax game: the mean of log (1 − D(G(z))).

    Its derivative by a logit is −D: where the discriminator is sure of a fake, nothing is left to
    learn from.

    Args:
        fake_logits: of generated images, float of any shape.

    Returns:
        0-dimensional, at most 0, float32 at least.

    Raises:
        TypeError: ``fake_logits`` is no floating-point tensor.
        ValueError: there are no logits.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661, eq. 1.
    """
    (fake,) = require_logits(fake_logits=fake_logits)
    return -F.softplus(fake).mean()


def non_saturating_loss(fake_logits: Tensor) -> Tensor:
    """Return what the generator minimises in practice: minus the mean of log D(G(z)).

    Its derivative by a logit is D − 1: the surer the discriminator is of a fake, the more.

    Args:
        fake_logits: of generated images, float of any shape.

    Returns:
        0-dimensional, at least 0, float32 at least.

    Raises:
        TypeError: ``fake_logits`` is no floating-point tensor.
        ValueError: there are no logits.

    Source:
        Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, arXiv:1406.2661, section 3.
    """
    (fake,) = require_logits(fake_logits=fake_logits)
    return F.softplus(-fake).mean()


def require_logits(**logits: Tensor) -> tuple[Tensor, ...]:
    """Return logits in float32 at least.

    Args:
        **logits: float of any shape, by the arguments' names.

    Raises:
        TypeError: one is no floating-point tensor.
        ValueError: one is empty, and has no mean.
    """
    for name, each in logits.items():
        require(**{name: (each, "...", "float")})
        if not each.numel():
            raise ValueError(f"{name}: expected at least one logit, got shape {tuple(each.shape)}")
    return tuple(at_least_float32(each) for each in logits.values())
