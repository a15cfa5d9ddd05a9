import math

import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from cvgen_course import autoencoders as ref
from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["elbo"]


def textbook(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    squares = ((x - x_mean) ** 2).flatten(1).sum(dim=1)
    num_dims = x[0].numel()
    log_prob = -squares / (2 * sigma**2) - num_dims * (sigma.log() + math.log(2 * math.pi) / 2)
    return (log_prob - beta * ref.gaussian_kl_per_item(mu, log_var)).mean()


def distributions(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = Independent(Normal(x_mean, sigma), 3).log_prob(x)
    q = Normal(mu, (log_var / 2).exp())
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(-1)
    return torch.mean(log_prob - beta * kl)


def whole_matrices(x, x_mean, sigma, mu, log_var, beta=1.0):
    covariance = sigma**2 * torch.eye(x[0].numel(), dtype=x.dtype)
    log_prob = MultivariateNormal(x_mean.flatten(1), covariance).log_prob(x.flatten(1))
    q = MultivariateNormal(mu, torch.diag_embed(log_var.exp()))
    prior = MultivariateNormal(mu.new_zeros(mu.shape[1]), torch.eye(mu.shape[1], dtype=mu.dtype))
    return log_prob.mean() - beta * kl_divergence(q, prior).mean()


def loop_over_images(x, x_mean, sigma, mu, log_var, beta=1.0):
    total = 0
    if not torch.is_tensor(sigma):
        sigma = torch.tensor(sigma)
    for n in range(len(x)):
        for a, b in zip(x[n].reshape(-1), x_mean[n].reshape(-1), strict=True):
            total = total - torch.log(sigma) - 0.5 * math.log(2 * math.pi)
            total = total - (a - b) ** 2 / (2 * sigma**2)
        for m, s in zip(mu[n], log_var[n], strict=True):
            total = total - beta * 0.5 * (m**2 + torch.exp(s) - 1 - s)
    return total / len(x)


def sums_over_everything(x, x_mean, sigma, mu, log_var, beta=1.0):
    """The sum over the batch, divided by N; log 2π is float32."""
    sigma = torch.as_tensor(sigma)
    constant = x.numel() * 0.5 * torch.log(torch.tensor(2 * math.pi))
    error = 0.5 * F.mse_loss(x_mean, x, reduction="sum") / sigma**2
    log_prob = -(error + x.numel() * torch.log(sigma) + constant)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return (log_prob - beta * kl) / x.shape[0]


def logarithm_of_the_variance(x, x_mean, sigma, mu, log_var, beta=1.0):
    var = sigma * sigma
    log = torch.log(2 * torch.pi * var) if torch.is_tensor(var) else math.log(2 * math.pi * var)
    log_prob = -0.5 * ((x_mean - x).pow(2) / var + log)
    kl = 0.5 * torch.einsum("nj,nj->n", mu, mu) + 0.5 * (log_var.expm1() - log_var).sum(-1)
    return log_prob.sum(dim=(1, 2, 3)).mean() - beta * kl.mean()


def stays_in_float64(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma).double()
    return textbook(x.double(), x_mean.double(), sigma, mu.double(), log_var.double(), beta)


def minus_the_loss(x, x_mean, sigma, mu, log_var, beta=1.0):
    reconstruction = -Normal(x_mean, sigma).log_prob(x).view(len(x), -1).sum(1)
    loss = reconstruction + beta * ref.gaussian_kl_per_item(mu, log_var)
    return -loss.mean(0)


def float32_on_the_way(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x.float(), x_mean.float(), sigma, mu, log_var, beta).to(x.dtype)


def float32_latents(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean, sigma, mu.float(), log_var.float(), beta)


def beta_of_the_whole(x, x_mean, sigma, mu, log_var, beta=1.0):
    return beta * textbook(x, x_mean, sigma, mu, log_var)


def half_the_kl(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean, sigma, mu, log_var, beta / 2)


def log_var_is_log_sigma(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean, sigma, mu, 2 * log_var, beta)


def everything_averaged(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_prob = Normal(x_mean, sigma).log_prob(x).mean()
    return log_prob - beta * -0.5 * torch.mean(1 + log_var - mu**2 - log_var.exp())


def absolute_errors(x, x_mean, sigma, mu, log_var, beta=1.0):
    squared = x + (x - x_mean).abs().sqrt()
    return textbook(x, squared, sigma, mu, log_var, beta)


def a_number(*args, **kwargs):
    return textbook(*args, **kwargs).item()


def never_positive(*args, **kwargs):
    return textbook(*args, **kwargs).clamp(max=0)


def sigma_at_least_a_tenth(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean, max(sigma, 0.1), mu, log_var, beta)


def one_dimension(*args, **kwargs):
    return textbook(*args, **kwargs)[None]


def squeezed(x, x_mean, sigma, mu, log_var, beta=1.0):
    squares = ((x - x_mean) ** 2).squeeze()
    if squares.ndim < 2:
        squares = squares[None]
    sigma = torch.as_tensor(sigma)
    log_prob = -squares.flatten(1).sum(1) / (2 * sigma**2)
    constant = squares[0].numel() * (sigma.log() + math.log(2 * math.pi) / 2)
    return (log_prob - constant - beta * ref.gaussian_kl_per_item(mu, log_var)).mean()


def reconstruction_detached(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean.detach(), sigma, mu, log_var, beta)


def mu_detached(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean, sigma, mu.detach(), log_var, beta)


def log_var_detached(x, x_mean, sigma, mu, log_var, beta=1.0):
    return textbook(x, x_mean, sigma, mu, log_var.detach(), beta)


def quadratic_term_cut_off(x, x_mean, sigma, mu, log_var, beta=1.0):
    if not torch.is_tensor(sigma):
        return textbook(x, x_mean, sigma, mu, log_var, beta)
    squares = ((x - x_mean) ** 2).flatten(1).sum(1)
    log_prob = -squares / (2 * sigma.item() ** 2) - x[0].numel() * sigma.log()
    log_prob = log_prob - x[0].numel() * math.log(2 * math.pi) / 2
    return (log_prob - beta * ref.gaussian_kl_per_item(mu, log_var)).mean()


RIGHT = [
    *(textbook, distributions, whole_matrices, loop_over_images, sums_over_everything),
    *(logarithm_of_the_variance, stays_in_float64, minus_the_loss),
]
WRONG = [
    *(float32_on_the_way, float32_latents, beta_of_the_whole, half_the_kl, log_var_is_log_sigma),
    *(everything_averaged, absolute_errors, a_number, never_positive, sigma_at_least_a_tenth),
    *(one_dimension, squeezed, reconstruction_detached, mu_detached, log_var_detached),
    quadratic_term_cut_off,
]
_AS_TENSOR = (
    "gaussian_log_prob_per_item: torch.as_tensor(sigma, dtype=squares.dtype, device=x.device)"
)
EQUIVALENT = {
    "elbo: gaussian_log_prob_per_item(x, x_mean, sigma) -> "
    "gaussian_log_prob_per_item(x_mean, x, sigma)": "a square of differences",
    "gaussian_log_prob_per_item: at_least_float32(x) - at_least_float32(x_mean) -> "
    "at_least_float32(x_mean) - at_least_float32(x)": "squared at once",
    f"{_AS_TENSOR} -> torch.as_tensor(sigma, device=x.device)": (
        "it differs for a plain sigma and float64 images, of which nothing is promised"
    ),
    f"{_AS_TENSOR} -> torch.as_tensor(sigma, dtype=squares.dtype)": "all is on the CPU",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_elbo_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_elbo_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_elbo_must_not_come_from_the_librarys_likelihood():
    def answer(x, x_mean, sigma, mu, log_var, beta=1.0):
        log_prob = ref.gaussian_log_prob_per_item(x, x_mean, sigma)
        return (log_prob - beta * ref.gaussian_kl_per_item(mu, log_var)).mean()

    def by_its_class(x, x_mean, sigma, mu, log_var, beta=1.0):
        log_prob = ref.GaussianLikelihood(float(sigma)).log_prob_per_item(x, x_mean)
        return (log_prob - beta * ref.gaussian_kl_per_item(mu, log_var)).mean()

    assert graded(EXERCISE, answer).points == 0.0
    assert graded(EXERCISE, by_its_class).points == 0.0


def test_elbo_must_not_come_from_pytorchs_loss():
    def answer(x, x_mean, sigma, mu, log_var, beta=1.0):
        var = torch.as_tensor(sigma, dtype=x.dtype).square().expand(x.shape)
        nll = F.gaussian_nll_loss(x_mean, x, var, full=True, reduction="sum") / len(x)
        return -nll - beta * ref.gaussian_kl_per_item(mu, log_var).mean()

    assert graded(EXERCISE, answer).points == 0.0


def test_elbo_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("gaussian_log_prob_per_item",))
