"""Exercise: the KL divergence of each item's latent variables from the prior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import kl_divergence

from cvgen_course.autoencoders.kl import gaussian_kl_per_dim, gaussian_kl_per_item
from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: latent variables of all sizes, no variance, large ones, gradients."""

    def random(*shape: int) -> Tensor:
        """Return numbers of either sign, none of them near 0."""
        size = 0.3 + 1.5 * torch.rand(shape, generator=rng, dtype=torch.float64)
        sign = torch.where(torch.rand(shape, generator=rng) < 0.5, -1.0, 1.0)
        return sign * size

    def latents(*shape: int, dtype: torch.dtype = torch.float32, **changed: Tensor) -> Any:
        drawn = {name: random(*shape) for name in ("mu", "log_var")} | changed
        return {name: each.to(dtype) for name, each in drawn.items()}

    def kl(title: str, hint: str, weight: float, **inputs: Tensor) -> Case:
        return Case(title, {"gradient": False, **inputs}, weight, hint)

    def gradient(title: str, hint: str, weight: float, **inputs: Tensor) -> Case:
        return Case(title, {"gradient": True, **inputs}, weight, hint)

    prior = latents(4, 3)
    for each in prior.values():
        each[1] = 0
    some_without = random(4, 5)  # in each item, two variables without variance, three with it
    some_without.scatter_(1, torch.rand(4, 5, generator=rng).argsort(dim=1)[:, :2], -1000.0)
    wide = random(4, 2)
    wide[:, 1] = torch.tensor([20.0, 40.0, 60.0, 80.0])
    wide[:3, 1] += 3 * random(3)
    return [
        kl(
            "four items of three latent variables",
            "Half of (mu² + the variance - 1 - log_var), summed over an item's variables.",
            2,
            **latents(4, 3),
        ),
        kl(
            "a batch of one",
            "New here: a single item; the result keeps the shape (1,).",
            1,
            **latents(1, 4),
        ),
        kl(
            "a single latent variable",
            "New here: a single column; a sum over one number.",
            1,
            **latents(5, 1),
        ),
        kl(
            "one of the items is the prior itself",
            "For mu = 0 and log_var = 0 the divergence is 0.",
            1.5,
            **prior,
        ),
        kl(
            "float64, many latent variables",
            "New here: 40 variables, in float64; sum over them, and divide by nothing.",
            1.5,
            **latents(2, 40, dtype=torch.float64),
        ),
        gradient(
            "the gradients",
            "The result must be differentiable with respect to both: no detach, no item.",
            3,
            **latents(3, 4, dtype=torch.float64),
        ),
        gradient(
            "no variance at all (log_var of -1000), and gradients",
            "exp(-1000) is rounded to 0, and has no logarithm any more: log_var is there already.",
            5,
            **latents(4, 5, log_var=some_without),
        ),
        gradient(
            "log-variances up to 80, and gradients",
            "exp(80) is a number like any other: clamp nothing.",
            3,
            **latents(4, 2, log_var=wide),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the divergences and, where a case asks for it, their gradient."""
    leaves = {name: inputs[name].requires_grad_() for name in ("mu", "log_var")}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as a network's outputs
    kl = as_tensor(implementation(*handed.values()), "the divergence")
    require_unchanged(leaves, handed)
    answer = {"the divergence": kl.detach()}
    if inputs["gradient"]:
        upstream = torch.arange(1.0, len(inputs["mu"]) + 1)  # another one for each item
        answer |= gradients("the divergence", kl, upstream, **leaves)
    return answer


def _twice(mu: Tensor, log_var: Tensor) -> Tensor:
    return mu**2 + log_var.exp() - 1 - log_var


@mistakes.when("the mean is taken over an item's latent variables: they are summed.")
def _mean_of_variables(mu, log_var):
    return _twice(mu, log_var).mean(dim=1) / 2


@mistakes.when("everything is summed, over the batch, too: each item has a number of its own.")
def _sum_of_all(mu, log_var):
    return _twice(mu, log_var).sum() / 2


@mistakes.when("the mean is taken over the batch: each item has a number of its own.")
def _mean_of_items(mu, log_var):
    return _twice(mu, log_var).sum(dim=1).mean() / 2


@mistakes.when("the mean is taken of all numbers: sum over each item's variables, and leave it.")
def _mean_of_all(mu, log_var):
    return _twice(mu, log_var).mean() / 2


@mistakes.when("the sum runs over the items: dimension 1 has the latent variables.")
def _over_items(mu, log_var):
    return _twice(mu, log_var).sum(dim=0) / 2


@mistakes.when("each latent variable keeps its number: sum over dimension 1.")
def _per_variable(mu, log_var):
    return _twice(mu, log_var) / 2


@mistakes.when("the sum keeps its dimension, (N, 1): what is asked for has the shape (N,).")
def _column(mu, log_var):
    return _twice(mu, log_var).sum(dim=1, keepdim=True) / 2


@mistakes.when("the sign is wrong: this is the negative divergence, as it stands in the ELBO.")
def _negative(mu, log_var):
    return -_twice(mu, log_var).sum(dim=1) / 2


@mistakes.when("the factor ½ is lost.")
def _factor_lost(mu, log_var):
    return _twice(mu, log_var).sum(dim=1)


@mistakes.when("the factor ½ stands at mu² only: it belongs to the whole sum.")
def _half_of_the_squares(mu, log_var):
    return (mu**2 / 2 + log_var.exp() - 1 - log_var).sum(dim=1)


@mistakes.when("the -1 is missing: the prior itself must come to 0.")
def _one_missing(mu, log_var):
    return (mu**2 + log_var.exp() - log_var).sum(dim=1) / 2


@mistakes.when("the 1 is subtracted once from the sum: each latent variable has its own.")
def _one_for_all(mu, log_var):
    return ((mu**2 + log_var.exp() - log_var).sum(dim=1) - 1) / 2


@mistakes.when("mu is not squared.")
def _mu_not_squared(mu, log_var):
    return (mu + log_var.exp() - 1 - log_var).sum(dim=1) / 2


@mistakes.when(
    "log_var is taken for the logarithm of the standard deviation: it is that of the variance."
)
def _log_deviation(mu, log_var):
    return _twice(mu, 2 * log_var).sum(dim=1) / 2


@mistakes.when("the standard deviation, exp(log_var / 2), stands in the variance's place.")
def _deviation_for_variance(mu, log_var):
    return (mu**2 + (log_var / 2).exp() - 1 - log_var).sum(dim=1) / 2


@mistakes.when("the logarithm of the standard deviation stands in that of the variance's place.")
def _half_the_logarithm(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var / 2).sum(dim=1) / 2


@mistakes.when("log_var is taken for the standard deviation: it is the logarithm of the variance.")
def _as_deviation(mu, log_var):
    return _twice(mu, (log_var**2).log()).sum(dim=1) / 2


@mistakes.when("log_var is taken for the variance: it is its logarithm.")
def _as_variance(mu, log_var):
    return (mu**2 + log_var - 1 - log_var.log()).sum(dim=1) / 2


@mistakes.when(
    "the logarithm is taken of exp(log_var), which is rounded to 0 where log_var is -1000: "
    "log_var is there already."
)
def _log_of_exp(mu, log_var):
    variance = log_var.exp()
    return (mu**2 + variance - 1 - variance.log()).sum(dim=1) / 2


@mistakes.when(
    "a small number is added to the standard deviation, so that it has a logarithm: log_var is "
    "there already, whatever its size."
)
def _log_of_deviation_and_a_little(mu, log_var):
    deviation = (log_var / 2).exp()
    return ((mu**2 + deviation**2 - 1) / 2 - (deviation + 1e-8).log()).sum(dim=1)


@mistakes.when(
    "a small number is added to the variance, so that it has a logarithm: log_var is there "
    "already, whatever its size."
)
def _log_of_variance_and_a_little(mu, log_var):
    variance = log_var.exp()
    return (mu**2 + variance - 1 - (variance + 1e-8).log()).sum(dim=1) / 2


@mistakes.when("the divergence is the other way round: that of the prior from q(z|x).")
def _reverse(mu, log_var):
    return ((1 + mu**2) * (-log_var).exp() - 1 + log_var).sum(dim=1) / 2


@mistakes.when("log_var is clamped to [-30, 20]: it may be of any size here.")
def _clamped(mu, log_var):
    return _twice(mu, log_var.clamp(-30, 20)).sum(dim=1) / 2


@mistakes.when("the result is cut off from mu and log_var (`.detach()`): nothing is learned.")
def _detached(mu, log_var):
    return (_twice(mu, log_var).sum(dim=1) / 2).detach()


EXERCISE = Exercise(
    name="gaussian_kl_per_item",
    title="The KL divergence from the prior",
    points=2,
    reference=gaussian_kl_per_item,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(gaussian_kl_per_dim, kl_divergence),
    read="The price of a code",
)
