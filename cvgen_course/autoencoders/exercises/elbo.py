"""Exercise: the evidence lower bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.autoencoders.elbo import elbo, gaussian_log_prob_per_item
from cvgen_course.autoencoders.kl import gaussian_kl_per_item
from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches, either term alone, other betas, gradients."""

    def ask(
        *shape: int,
        sigma: float,
        num_latents: int = 3,
        learned: bool = False,
        perfect: bool = False,
        dtype: torch.dtype = torch.float32,
        **options: Any,
    ) -> dict[str, Any]:
        """Return images and what a VAE might make of them, with errors of about 0.8."""

        def normal(*size: int) -> Tensor:
            return torch.randn(size, generator=rng, dtype=torch.float64)

        x = 2 * torch.rand(shape, generator=rng, dtype=torch.float64) - 1
        # a float64 sigma is a tensor: a plain one may become float32 in an honest answer
        return {
            "x": x.to(dtype),
            "x_mean": (x if perfect else x + 0.8 * normal(*shape)).to(dtype),
            "sigma": torch.tensor(sigma, dtype=dtype) if learned else sigma,
            "mu": (1.5 * normal(shape[0], num_latents)).to(dtype),
            "log_var": (normal(shape[0], num_latents) - 1).to(dtype),
            "gradient": False,
            **options,
        }

    sigma = round(0.4 + 0.2 * torch.rand((), generator=rng).item(), 2)
    return [
        Case(
            "three images of two channels",
            ask(3, 2, 4, 5, sigma=sigma),
            weight=2,
            hint="For each image, sum over its C·H·W numbers and its J latent variables; then "
            "take the mean over the images.",
        ),
        Case(
            "one image of one channel, 3 × 7",
            ask(1, 1, 3, 7, sigma=0.5, num_latents=5),
            hint="The mean over one image: still a tensor without dimensions.",
        ),
        Case(
            "beta = 0: only the likelihood counts",
            ask(2, 3, 4, 2, sigma=sigma, beta=0.0),
            hint="log N(x; m, sigma²) = -(x - m)² / (2 sigma²) - log sigma - ½ log 2π, once for "
            "each of C·H·W numbers.",
        ),
        Case(
            "a log-likelihood of 0: only the KL divergence counts",
            ask(2, 1, 3, 4, sigma=(2 * math.pi) ** -0.5, perfect=True, beta=2.5),
            hint="x_mean is x, and sigma = 1 / √2π: what is left is -beta · KL, where the KL "
            "divergence is a sum over the J latent variables.",
        ),
        Case(
            "a perfect reconstruction, sigma = 0.05",
            ask(2, 2, 4, 3, sigma=0.05, perfect=True),
            hint="The log of a density may be positive: -log sigma is 3, for each of C·H·W "
            "numbers.",
        ),
        Case(
            "beta = 4, one latent variable",
            ask(3, 2, 2, 3, sigma=sigma, num_latents=1, beta=4.0),
            weight=2,
            hint="`beta` multiplies the KL divergence, and nothing else.",
        ),
        Case(
            "images of a single number",
            ask(4, 1, 1, 1, sigma=0.3, num_latents=2),
            hint="C, H and W may be 1: name the dimensions that you sum over; no squeeze.",
        ),
        Case(
            "the gradients, where sigma is a number",
            ask(2, 2, 3, 3, sigma=0.5, gradient=True),
            weight=4,
            hint="The bound must be differentiable with respect to x_mean, mu and log_var: no "
            "detach, no item.",
        ),
        Case(
            "the gradients, where sigma is a tensor",
            ask(3, 1, 4, 3, sigma=0.7, learned=True, gradient=True),
            weight=4,
            hint="sigma may be learned: float(sigma), sigma.item() and math.log(sigma) cut it off; "
            "sigma.log() does not.",
        ),
        Case(
            "float64: another beta, and the gradients",
            ask(2, 3, 2, 4, sigma=sigma, beta=0.3, learned=True, gradient=True, dtype=torch.double),
            weight=4,
            hint="New here: float64 in, so no float32 on the way; and beta is 0.3.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the bound and, where a case asks for them, its gradients."""
    options = {"beta": inputs["beta"]} if "beta" in inputs else {}
    names = ("x_mean", "mu", "log_var", *["sigma"] * torch.is_tensor(inputs["sigma"]))
    leaves = {name: inputs[name].requires_grad_(inputs["gradient"]) for name in names}
    handed = {"sigma": inputs["sigma"]} | {name: leaf.clone() for name, leaf in leaves.items()}
    bound = implementation(
        *(inputs["x"], handed["x_mean"], handed["sigma"], handed["mu"], handed["log_var"]),
        **options,
    )
    bound = as_tensor(bound, "the bound")
    # As float32, since honest answers take the logarithm of torch.tensor(2 * math.pi). What
    # computes with float32 images shows in the gradients.
    value = bound.detach()
    answer = {"the bound": value.float() if value.dtype == torch.float64 else value}
    if inputs["gradient"]:
        one = torch.ones((), dtype=inputs["x"].dtype)
        answer |= gradients("the bound", bound, one, **leaves)
    return answer


def _log(sigma: Tensor | float) -> Tensor:
    return torch.as_tensor(sigma).log()


def _squares(x: Tensor, x_mean: Tensor) -> Tensor:
    return ((x - x_mean) ** 2).flatten(1).sum(dim=1)  # (N,)


def _constant(sigma: Tensor | float) -> Tensor:
    return _log(sigma) + math.log(2 * math.pi) / 2


def _log_prob(x: Tensor, x_mean: Tensor, sigma: Tensor | float) -> Tensor:
    return -_squares(x, x_mean) / (2 * sigma**2) - x[0].numel() * _constant(sigma)


def _bound(log_prob: Tensor, mu: Tensor, log_var: Tensor, beta: float) -> Tensor:
    return (log_prob - beta * gaussian_kl_per_item(mu, log_var)).mean()


@mistakes.when("the log-likelihood is averaged over the C·H·W numbers of an image: it is a sum.")
def _pixels_averaged(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = _log_prob(x, x_mean, sigma) / x[0].numel()
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the KL divergence is averaged over the J latent variables: it is a sum.")
def _latents_averaged(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, sigma), mu, log_var, beta / mu.shape[1])


@mistakes.when("the sum is taken over the batch: the bound is a mean over its images.")
def _batch_summed(x, x_mean, sigma, mu, log_var, beta=1.0):
    return len(x) * _bound(_log_prob(x, x_mean, sigma), mu, log_var, beta)


@mistakes.when("each image has a number of its own: take the mean over the images.")
def _per_image(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _log_prob(x, x_mean, sigma) - beta * gaussian_kl_per_item(mu, log_var)


@mistakes.when(
    "the mean squared error stands for the log-likelihood: sum the squares, divide by -2 sigma², "
    "and subtract log sigma + ½ log 2π for each number."
)
def _mean_squared_error(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(-F.mse_loss(x_mean, x), mu, log_var, beta)


@mistakes.when(
    "the sum of squares stands for the log-likelihood: divide it by 2 sigma², and subtract "
    "log sigma + ½ log 2π for each number."
)
def _squares_alone(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(-_squares(x, x_mean), mu, log_var, beta)


@mistakes.when("the constant is left out: log sigma + ½ log 2π, for each of C·H·W numbers.")
def _no_constant(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(-_squares(x, x_mean) / (2 * sigma**2), mu, log_var, beta)


@mistakes.when("the squares are not divided by 2 sigma².")
def _not_divided(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) - x[0].numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the squares are divided by sigma²: it is 2 sigma².")
def _half_missing(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / sigma**2 - x[0].numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the squares are divided by 2 sigma: it is 2 sigma².")
def _divided_by_sigma(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / (2 * sigma) - x[0].numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("log sigma is left out: it belongs to each of C·H·W numbers.")
def _log_sigma_missing(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = _log_prob(x, x_mean, sigma) + x[0].numel() * _log(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("½ log 2π is left out: it belongs to each of C·H·W numbers.")
def _log_2pi_missing(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / (2 * sigma**2) - x[0].numel() * _log(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the constant is subtracted once for an image: it belongs to each of C·H·W numbers.")
def _constant_once(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / (2 * sigma**2) - _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the constant is counted H·W times: an image has C·H·W numbers.")
def _without_channels(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / (2 * sigma**2) - x[0, 0].numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("each image gets the constant of the whole batch: x.numel() is N·C·H·W.")
def _constant_of_the_batch(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / (2 * sigma**2) - x.numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the constant is twice as large: it is ½ log(2π sigma²).")
def _half_before_the_log_missing(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = _log_prob(x, x_mean, sigma) - x[0].numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("the constant is added: log sigma + ½ log 2π is subtracted.")
def _constant_added(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = -_squares(x, x_mean) / (2 * sigma**2) + x[0].numel() * _constant(sigma)
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when("sigma is taken for the variance: it is the standard deviation.")
def _sigma_is_the_variance(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, sigma**0.5), mu, log_var, beta)


@mistakes.when("sigma² is given where the standard deviation is asked for, as in Normal(m, sigma).")
def _square_for_the_deviation(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, sigma**2), mu, log_var, beta)


@mistakes.when("the KL divergence is added: it is subtracted.")
def _kl_added(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, sigma), mu, log_var, -beta)


@mistakes.when("the loss is returned: the bound is its negative, and larger is better.")
def _loss(x, x_mean, sigma, mu, log_var, beta=1.0):
    return -_bound(_log_prob(x, x_mean, sigma), mu, log_var, beta)


@mistakes.when("`beta` multiplies the log-likelihood: it is the weight of the KL divergence.")
def _beta_on_the_likelihood(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(beta * _log_prob(x, x_mean, sigma), mu, log_var, 1)


@mistakes.when("`beta` is not used: it is the weight of the KL divergence.")
def _beta_ignored(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, sigma), mu, log_var, 1)


@mistakes.when(
    "math.log(sigma) cuts the logarithm off from the gradient of sigma: use sigma.log(), after "
    "torch.as_tensor."
)
def _logarithm_cut_off(x, x_mean, sigma, mu, log_var, beta=1.0):
    constant = math.log(sigma) + math.log(2 * math.pi) / 2
    log_prob = -_squares(x, x_mean) / (2 * sigma**2) - x[0].numel() * constant
    return _bound(log_prob, mu, log_var, beta)


@mistakes.when(
    "sigma is cut off from the gradient, as by float(sigma) or torch.tensor(sigma): "
    "torch.as_tensor(sigma) keeps it."
)
def _sigma_cut_off(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, float(sigma)), mu, log_var, beta)


@mistakes.when("the bound is cut off from what it is made of (`.item()`, `.detach()`).")
def _detached(x, x_mean, sigma, mu, log_var, beta=1.0):
    return _bound(_log_prob(x, x_mean, sigma), mu, log_var, beta).detach()


EXERCISE = Exercise(
    name="elbo",
    title="The evidence lower bound",
    points=3,
    reference=elbo,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(gaussian_log_prob_per_item, F.gaussian_nll_loss),
    read="Sums and means",
)
