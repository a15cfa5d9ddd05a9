"""Exercise: what the generator minimises in the minimax game."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.gan import discriminator_loss, game_value, non_saturating_loss, saturating_loss
from cvgen_course.gan.exercises.logit_losses import loss_of, questions

HINTS = {
    "six images": "D = sigmoid(logit). log(1 - D) is -softplus(logit), or F.logsigmoid(-logit); "
    "then the mean. It is negative.",
    "a single image": "M may be 1: no squeeze.",
    "two hundred images": "It is the mean over all images, not their sum.",
    "generated images are recognised: loss and gradient": "The gradient is -D / M: nearly 0 here. "
    "That is why the loss is called saturating. No detach, no item.",
    "generated images pass for real: loss and gradient": "The gradient is -D / M, with D near 1: "
    "no detach, no item.",
    "float64: loss and gradient": "New here: float64. Nothing is added to D, and labels are made "
    "with torch.zeros_like.",
    "logits of ±1000: loss and gradient": "1 - D is rounded to 0 soon, and log(0) is -inf: don't "
    "compute D. F.softplus and F.logsigmoid take logits.",
}
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: logits of all sizes, and gradients."""
    return questions(rng, HINTS)


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the loss and, where a case asks for it, the gradient."""
    return loss_of(implementation, **inputs)


@mistakes.when(
    "-log D is averaged: that is the non-saturating loss; in the minimax game, it is log(1 - D)."
)
def _non_saturating(fake_logits):
    return F.softplus(-fake_logits).mean()


@mistakes.when("log D is averaged: in the minimax game, it is log(1 - D).")
def _log_d(fake_logits):
    return F.logsigmoid(fake_logits).mean()


@mistakes.when(
    "the sign is wrong: -log(1 - D) is the discriminator's share. The generator minimises what the "
    "discriminator maximises, log(1 - D)."
)
def _discriminators_share(fake_logits):
    return F.softplus(fake_logits).mean()


@mistakes.when(
    "log(1 - D) is computed from D: for logits above 17 float32 has D = 1, and log(0) is -inf. "
    "-F.softplus(logits) is the same, and never infinite."
)
def _from_probabilities(fake_logits):
    return (1 - fake_logits.sigmoid()).log().mean()


@mistakes.when(
    "log(1 - D) is computed in steps, from exp(logits) or sigmoid(-logits): for logits above 88 "
    "float32 has infinity for one and 0 for the other. -F.softplus(logits) is never infinite."
)
def _exponential(fake_logits):
    return -(1 + fake_logits.exp()).log().mean()


@mistakes.when(
    "a little is added to 1 - D before the logarithm: then it is wrong for large logits, and their "
    "gradient is 0. -F.softplus(logits) needs no such number."
)
def _a_little_added(fake_logits):
    return (1 - fake_logits.sigmoid() + 1e-8).log().mean()


@mistakes.when(
    "F.binary_cross_entropy is given probabilities: it takes no logarithm for less than -100, and "
    "gradients are lost. F.binary_cross_entropy_with_logits takes logits."
)
def _cross_entropy_of_probabilities(fake_logits):
    probs = fake_logits.sigmoid()
    return -F.binary_cross_entropy(probs, torch.zeros_like(probs))


@mistakes.when(
    "the sigmoid is taken twice: F.logsigmoid, F.softplus and F.binary_cross_entropy_with_logits "
    "take logits."
)
def _sigmoid_twice(fake_logits):
    return -F.softplus(fake_logits.sigmoid()).mean()


@mistakes.when("the logits are taken for D itself: D is their sigmoid, and its log is asked for.")
def _of_a_critic(fake_logits):
    return -fake_logits.mean()


@mistakes.when("1 - log D is averaged: it is log(1 - D).")
def _one_minus_log(fake_logits):
    return (1 - F.logsigmoid(fake_logits)).mean()


@mistakes.when("the logarithm is missing: it is log(1 - D) that is averaged.")
def _no_logarithm(fake_logits):
    return (1 - fake_logits.sigmoid()).mean()


@mistakes.when("D is averaged before the logarithm: first the logarithms, then their mean.")
def _mean_of_d(fake_logits):
    return -F.softplus(fake_logits.sigmoid().mean().logit(1e-7))


@mistakes.when(
    "the logits are averaged before anything else: first the logarithms, then their mean."
)
def _mean_of_logits(fake_logits):
    return -F.softplus(fake_logits.mean())


@mistakes.when("the images are summed: it is their mean.")
def _summed(fake_logits):
    return -F.softplus(fake_logits).sum()


@mistakes.when("the images are not averaged: one number is asked for.")
def _for_each_image(fake_logits):
    return -F.softplus(fake_logits)


@mistakes.when(
    "the loss is cut off from the logits (`.item()`, `.detach()`, torch.no_grad()): the generator "
    "could not learn from it."
)
def _detached(fake_logits):
    return -F.softplus(fake_logits).mean().detach()


EXERCISE = Exercise(
    name="saturating_loss",
    title="The generator in the minimax game",
    points=2,
    reference=saturating_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(game_value, discriminator_loss, non_saturating_loss),
    read="The game",
)
