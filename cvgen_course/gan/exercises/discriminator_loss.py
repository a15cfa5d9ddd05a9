"""Exercise: what the discriminator minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.gan import discriminator_loss, game_value, non_saturating_loss, saturating_loss
from cvgen_course.gan.exercises.logit_losses import loss_of, thousands, uniform

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: as many images of either kind and not, logits of all sizes."""

    def ask(
        real: Tensor, fake: Tensor, gradient: bool = False, dtype: torch.dtype = torch.float32
    ) -> dict[str, Any]:
        return {
            "real_logits": real.to(dtype),
            "fake_logits": fake.to(dtype),
            "gradient": gradient,
        }

    def any_sign(num: int) -> Tensor:
        return uniform(rng, num, -3, 3)

    def large(num: int) -> Tensor:
        return uniform(rng, num, 4, 8)

    return [
        Case(
            "four real images, four generated ones",
            ask(any_sign(4), any_sign(4)),
            weight=1,
            hint="D = sigmoid(logit). -log D is softplus(-logit), and -log(1 - D) is "
            "softplus(logit): a mean over real images plus one over generated ones.",
        ),
        Case(
            "seven real images, three generated ones",
            ask(any_sign(7), any_sign(3)),
            weight=2,
            hint="Two means, each over its own images; then their sum. It is not one mean over all "
            "ten.",
        ),
        Case(
            "one real image, six generated ones",
            ask(any_sign(1), any_sign(6)),
            weight=2,
            hint="N and M may differ, and be 1: take the two means before they are added.",
        ),
        Case(
            "the discriminator is right: loss and gradients",
            ask(large(5), -large(4), gradient=True),
            weight=2,
            hint="The gradients are (D - 1) / N for real images, D / M for generated ones: no "
            "detach in here, no item.",
        ),
        Case(
            "the discriminator is wrong: loss and gradients",
            ask(-large(3), large(5), gradient=True),
            weight=2,
            hint="Real images are labelled with 1, generated ones with 0, and neither counts half.",
        ),
        Case(
            "float64: loss and gradients",
            ask(any_sign(5), any_sign(4), gradient=True, dtype=torch.float64),
            weight=2,
            hint="New here: float64. Nothing is added to D, and labels are made with "
            "torch.ones_like and torch.zeros_like.",
        ),
        Case(
            "logits of ±1000: loss and gradients",
            ask(thousands(rng)[:8], thousands(rng), gradient=True),
            weight=4,
            hint="D is rounded to 0 or 1 soon, and log(0) is -inf: don't compute D. F.softplus and "
            "F.logsigmoid take logits.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the loss and, where a case asks for it, the gradients."""
    return loss_of(implementation, **inputs)


def _real(logits):
    return F.softplus(-logits)


def _fake(logits):
    return F.softplus(logits)


@mistakes.when(
    "one mean is taken over real and generated images: it is a mean over each, and their sum."
)
def _one_mean(real_logits, fake_logits):
    return torch.cat([_real(real_logits), _fake(fake_logits)]).mean()


@mistakes.when("the loss is halved: the two means are added.")
def _halved(real_logits, fake_logits):
    return (_real(real_logits).mean() + _fake(fake_logits).mean()) / 2


@mistakes.when(
    "the logarithms of real and generated images are added pair by pair, which takes as many of "
    "both: take the two means first."
)
def _pair_by_pair(real_logits, fake_logits):
    return (_real(real_logits) + _fake(fake_logits)).mean()


@mistakes.when("real and generated images change places: D is to be 1 for real ones.")
def _exchanged(real_logits, fake_logits):
    return _fake(real_logits).mean() + _real(fake_logits).mean()


@mistakes.when(
    "generated images are labelled as real: that is the generator's wish. It is log(1 - D) for "
    "them."
)
def _all_real(real_logits, fake_logits):
    return _real(real_logits).mean() + _real(fake_logits).mean()


@mistakes.when("the sign is wrong: the loss is minus the value of the game.")
def _value(real_logits, fake_logits):
    return -_real(real_logits).mean() - _fake(fake_logits).mean()


@mistakes.when("the two means are subtracted from one another: their sum is asked for.")
def _difference(real_logits, fake_logits):
    return _real(real_logits).mean() - _fake(fake_logits).mean()


@mistakes.when("1 - log D is taken for generated images: it is log(1 - D).")
def _one_minus_log(real_logits, fake_logits):
    return _real(real_logits).mean() - (1 - F.logsigmoid(fake_logits)).mean()


@mistakes.when(
    "logarithms are taken of D: float32 soon rounds it to 0 or 1, and log(0) is -inf. "
    "F.softplus(-logits) is -log D, and never infinite."
)
def _from_probabilities(real_logits, fake_logits):
    D_real, D_fake = real_logits.sigmoid(), fake_logits.sigmoid()
    return -D_real.log().mean() - (1 - D_fake).log().mean()


@mistakes.when(
    "log(1 + exp(logit)) is computed in steps, or as -log(sigmoid(-logit)): from a logit of 89 on "
    "float32 has infinity for exp, and 0 for the sigmoid. F.softplus(logit) is never infinite."
)
def _exponentials(real_logits, fake_logits):
    return (1 + (-real_logits).exp()).log().mean() + (1 + fake_logits.exp()).log().mean()


@mistakes.when(
    "a little is added before each logarithm: then the loss is wrong for large logits, and their "
    "gradient is 0. F.softplus(-logits) needs no such number."
)
def _a_little_added(real_logits, fake_logits):
    D_real, D_fake = real_logits.sigmoid(), fake_logits.sigmoid()
    return -(D_real + 1e-8).log().mean() - (1 - D_fake + 1e-8).log().mean()


@mistakes.when(
    "F.binary_cross_entropy is given probabilities: it takes no logarithm for less than -100, and "
    "gradients are lost. F.binary_cross_entropy_with_logits takes logits."
)
def _cross_entropy_of_probabilities(real_logits, fake_logits):
    D_real, D_fake = real_logits.sigmoid(), fake_logits.sigmoid()
    of_real = F.binary_cross_entropy(D_real, torch.ones_like(D_real))
    return of_real + F.binary_cross_entropy(D_fake, torch.zeros_like(D_fake))


@mistakes.when(
    "the sigmoid is taken twice: F.logsigmoid, F.softplus and F.binary_cross_entropy_with_logits "
    "take logits."
)
def _sigmoid_twice(real_logits, fake_logits):
    return _real(real_logits.sigmoid()).mean() + _fake(fake_logits.sigmoid()).mean()


@mistakes.when("the logits are taken for D itself, as those of a critic: D is their sigmoid.")
def _of_a_critic(real_logits, fake_logits):
    return fake_logits.mean() - real_logits.mean()


@mistakes.when("real images are labelled with 0.9: here it is 1.")
def _smoothed(real_logits, fake_logits):
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, 0.9))
    return real + _fake(fake_logits).mean()


@mistakes.when("the images are summed: it is a mean over real ones, and one over generated ones.")
def _summed(real_logits, fake_logits):
    return _real(real_logits).sum() + _fake(fake_logits).sum()


@mistakes.when("only real images count: the mean over generated ones is missing.")
def _real_alone(real_logits, fake_logits):
    return _real(real_logits).mean()


@mistakes.when("only generated images count: the mean over real ones is missing.")
def _fake_alone(real_logits, fake_logits):
    return _fake(fake_logits).mean()


@mistakes.when(
    "the logits of generated images are detached: it is the images that are, before the "
    "discriminator sees them; from these logits it learns."
)
def _fake_detached(real_logits, fake_logits):
    return _real(real_logits).mean() + _fake(fake_logits.detach()).mean()


@mistakes.when(
    "the loss is cut off from the logits (`.item()`, `.detach()`, torch.no_grad()): the "
    "discriminator could not learn from it."
)
def _detached(real_logits, fake_logits):
    return (_real(real_logits).mean() + _fake(fake_logits).mean()).detach()


EXERCISE = Exercise(
    name="discriminator_loss",
    title="What the discriminator minimises",
    points=2,
    reference=discriminator_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(game_value, saturating_loss, non_saturating_loss),
    read="The game",
)
