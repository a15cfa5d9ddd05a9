"""Exercise: the reparametrisation trick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.autoencoders.reparametrization import reparametrize
from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: latent variables of all sizes, no variance, large ones, gradients."""

    def random(*shape: int) -> Tensor:
        """Return numbers of either sign, none of them near 0."""
        size = 0.4 + 1.6 * torch.rand(shape, generator=rng, dtype=torch.float64)
        sign = torch.where(torch.rand(shape, generator=rng) < 0.5, -1.0, 1.0)
        return sign * size

    def latents(*shape: int, dtype: torch.dtype = torch.float32, **changed: Tensor) -> Any:
        drawn = {name: random(*shape) for name in ("mu", "log_var", "noise")} | changed
        return {name: each.to(dtype) for name, each in drawn.items()}

    def sample(title: str, hint: str, weight: float, **inputs: Tensor) -> Case:
        return Case(title, {"gradient": False, **inputs}, weight, hint)

    def gradient(title: str, hint: str, weight: float, **inputs: Tensor) -> Case:
        return Case(title, {"gradient": True, **inputs}, weight, hint)

    def some_without_variance() -> Tensor:
        """Return log-variances, in each item three of -1000 and two ordinary ones."""
        which = torch.rand(4, 5, generator=rng).argsort(dim=1)[:, :3]
        return random(4, 5).scatter(1, which, -1000.0)

    wide = torch.tensor([30.0, 45.0, 60.0, 75.0, 80.0], dtype=torch.float64).repeat(3, 1)
    wide[:, :4] += 2 * random(3, 4)
    small = torch.full((3, 4), -8.0, dtype=torch.float64) + random(3, 4)
    return [
        sample(
            "four items of three latent variables",
            "A standard deviation is the square root of the variance, whose logarithm you have.",
            2,
            **latents(4, 3),
        ),
        sample(
            "a batch of one",
            "New here: a single item; z keeps the shape (1, J).",
            1,
            **latents(1, 5),
        ),
        sample(
            "a single latent variable",
            "New here: a single column; z keeps the shape (N, 1).",
            1,
            **latents(6, 1),
        ),
        sample(
            "float64",
            "The sample is as precise as `mu` and `log_var`.",
            1,
            **latents(3, 4, dtype=torch.float64),
        ),
        gradient(
            "the gradients",
            "z must be differentiable with respect to `mu` and `log_var`: no detach, no item, no "
            "torch.normal.",
            2,
            **latents(3, 4, dtype=torch.float64),
        ),
        gradient(
            "small variances: z and its gradients",
            "New here: standard deviations of about 1/50.",
            1,
            **latents(3, 4, log_var=small),
        ),
        gradient(
            "no variance at all (log_var of -1000): z and its gradients",
            "exp(-1000) is rounded to 0, where the square root has no slope: take half of the "
            "logarithm before exp.",
            3,
            **latents(4, 5, log_var=some_without_variance()),
        ),
        gradient(
            "no variance at all, float64: z and its gradients",
            "Without variance, z is mu: clamp nothing, and add nothing to the deviation.",
            2,
            **latents(4, 5, log_var=some_without_variance(), dtype=torch.float64),
        ),
        gradient(
            "log-variances up to 80: z and its gradients",
            "exp(40) is a number like any other: clamp nothing.",
            5,
            **latents(3, 5, log_var=wide),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the sample and, where a case asks for it, its gradient."""
    leaves = {name: inputs[name].requires_grad_() for name in ("mu", "log_var")}
    given = {**leaves, "noise": inputs["noise"]}
    handed = {name: each.clone() for name, each in given.items()}  # as a network's outputs
    z = as_tensor(implementation(*handed.values()), "z")
    require_unchanged(given, handed)
    answer = {"z": z.detach()}
    if inputs["gradient"]:
        upstream = 1 + inputs["noise"].abs()  # another one for each number
        answer |= gradients("z", z, upstream, **leaves)
    return answer


@mistakes.when(
    "the factor ½ is lost: exp(log_var) is the variance; noise is multiplied by its square root."
)
def _variance_as_deviation(mu, log_var, noise):
    return mu + log_var.exp() * noise


@mistakes.when("log_var itself is taken for the standard deviation: that is exp(log_var / 2).")
def _logarithm_as_deviation(mu, log_var, noise):
    return mu + log_var * noise


@mistakes.when("half of log_var is taken for the standard deviation: exp is missing.")
def _exp_missing(mu, log_var, noise):
    return mu + log_var / 2 * noise


@mistakes.when("the factor ½ stands outside of exp: the standard deviation is exp(log_var / 2).")
def _half_outside(mu, log_var, noise):
    return mu + log_var.exp() / 2 * noise


@mistakes.when(
    "the root is taken after exp: where exp(log_var) is rounded to 0, the root's gradient is NaN; "
    "use exp(log_var / 2)."
)
def _root_after_exp(mu, log_var, noise):
    return mu + log_var.exp().sqrt() * noise


@mistakes.when("the noise is left out: z is mu, the same at every draw.")
def _noise_ignored(mu, log_var, noise):
    return mu


@mistakes.when("noise is drawn anew: the argument `noise` is the one to use.")
def _own_noise(mu, log_var, noise):
    return mu + (log_var / 2).exp() * torch.randn_like(mu)


@mistakes.when(
    "z is cut off from mu and log_var (`.detach()`, torch.no_grad()): the encoder learns nothing."
)
def _detached(mu, log_var, noise):
    return (mu + (log_var / 2).exp() * noise).detach()


@mistakes.when("the standard deviation is cut off from log_var: no gradient gets there.")
def _deviation_detached(mu, log_var, noise):
    return mu + (log_var / 2).exp().detach() * noise


@mistakes.when("mu is multiplied by the standard deviation, too: only the noise is.")
def _mean_scaled(mu, log_var, noise):
    return (mu + noise) * (log_var / 2).exp()


@mistakes.when("log_var is clamped to [-30, 20]: it may be of any size here.")
def _clamped(mu, log_var, noise):
    return mu + (log_var.clamp(-30, 20) / 2).exp() * noise


@mistakes.when("the sign is lost: exp(-log_var / 2) is 1 divided by the standard deviation.")
def _one_by_deviation(mu, log_var, noise):
    return mu + (-log_var / 2).exp() * noise


@mistakes.when("log_var is doubled before exp: the standard deviation is exp of half of it.")
def _doubled(mu, log_var, noise):
    return mu + (2 * log_var).exp() * noise


@mistakes.when("log_var is taken for the variance, whose root is the deviation: exp is missing.")
def _logarithm_as_variance(mu, log_var, noise):
    return mu + log_var.abs().sqrt() * noise


@mistakes.when(
    "mu and the standard deviation are exchanged: it is the noise that is scaled, mu is added."
)
def _exchanged(mu, log_var, noise):
    return (log_var / 2).exp() + mu * noise


@mistakes.when("torch.normal draws noise of its own, and no gradient passes through it.")
def _torch_normal(mu, log_var, noise):
    return torch.normal(mu, (log_var / 2).exp())


@mistakes.when("all latent variables of an item get the same noise: each has its own.")
def _one_noise(mu, log_var, noise):
    return mu + (log_var / 2).exp() * noise[:, :1]


EXERCISE = Exercise(
    name="reparametrize",
    title="The reparametrisation trick",
    points=2,
    reference=reparametrize,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Sampling with a gradient",
)
