import math

import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch.distributions import Independent, Normal, kl_divergence

from cvgen_course import autoencoders as ref
from cvgen_course.autoencoders.exercises.gaussian_kl_per_item import EXERCISE


def textbook(mu, log_var):
    return -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=1)


def a_loop(mu, log_var):
    totals = []
    for means, logs in zip(mu, log_var, strict=True):
        total = torch.zeros((), dtype=mu.dtype)
        for m, v in zip(means, logs, strict=True):
            total = total + 0.5 * (m * m + torch.exp(v) - 1 - v)
        totals.append(total)
    return torch.stack(totals)


def each_term_by_itself(mu, log_var):
    J = mu.shape[1]
    squares, traces, logs = mu.square().sum(1), log_var.exp().sum(1), log_var.sum(1)
    return 0.5 * (traces + squares - J - logs)


def einsum(mu, log_var):
    ones = torch.ones_like(mu)
    squares = torch.einsum("nj,nj->n", mu, mu)
    return (squares + torch.einsum("nj,nj->n", log_var.exp() - 1 - log_var, ones)) / 2


def expm1_in_float64(mu, log_var):
    mu, log_var = mu.double(), log_var.double()
    return ((mu**2 + torch.expm1(log_var) - log_var) / 2).sum(-1)


def general_formula(mu, log_var):
    """KL(N(m1, s1) ‖ N(m2, s2)) = log(s2 / s1) + (s1² + (m1 - m2)²) / (2 s2²) - 1/2."""
    log_sigma, sigma = log_var / 2, (log_var / 2).exp()
    return (-log_sigma + (sigma**2 + mu**2) / 2 - 0.5).sum(dim=1)


def entropies(mu, log_var):
    """KL is the cross-entropy less the entropy; both have log(2 pi) in them."""
    cross = 0.5 * (math.log(2 * math.pi) + mu**2 + log_var.exp())
    entropy = 0.5 * (math.log(2 * math.pi) + 1 + log_var)
    return (cross - entropy).sum(dim=1)


def one_matrix_product(mu, log_var):
    halves = torch.full((mu.shape[1],), 0.5, dtype=mu.dtype)
    return (mu * mu + log_var.exp() - log_var - 1) @ halves


def never_below_zero(mu, log_var):
    kl = textbook(mu, log_var)
    return torch.where(kl < 0, 0 * kl, kl)


def torchs(mu, log_var):
    q = Normal(mu, (log_var / 2).exp(), validate_args=False)
    return kl_divergence(Independent(q, 1), Independent(Normal(torch.zeros_like(mu), 1.0), 1))


def clamped_at_ten(mu, log_var):
    return textbook(mu, log_var.clamp(-10, 10))


def free_bits(mu, log_var):
    return ((mu**2 + log_var.exp() - 1 - log_var) / 2).clamp(min=0.5).sum(dim=1)


def cut_off_from_above(mu, log_var):
    return textbook(mu, log_var).clamp(max=1e4)


def in_bits(mu, log_var):
    return textbook(mu, log_var) / math.log(2)


def kept_dimension(mu, log_var):
    return textbook(mu, log_var)[:, None]


def squeezed(mu, log_var):
    return textbook(mu, log_var).squeeze()


def one_sample(mu, log_var):
    noise = torch.randn_like(mu)
    z = mu + (log_var / 2).exp() * noise
    return ((z**2 - noise**2 - log_var) / 2).sum(dim=1)


def sigma_by_a_root(mu, log_var):
    """The root has no slope at 0, though its value is right."""
    sigma = log_var.exp().sqrt()
    return 0.5 * (mu**2 + sigma**2 - 1 - log_var).sum(dim=1)


def epsilon_in_the_logarithm(mu, log_var):
    variance = log_var.exp()
    return 0.5 * (mu**2 + variance - 1 - (variance + 1e-8).log()).sum(dim=1)


def logarithm_of_sigma(mu, log_var):
    sigma = (log_var / 2).exp()
    return (-sigma.log() + (sigma**2 + mu**2) / 2 - 0.5).sum(dim=1)


def root_of_the_mean(mu, log_var):
    return 0.5 * (mu.abs().sqrt() + log_var.exp() - 1 - log_var).sum(dim=1)


def nan_to_num(mu, log_var):
    variance = log_var.exp()
    return (0.5 * (mu**2 + variance - 1 - variance.log())).nan_to_num().sum(dim=1)


def float32(mu, log_var):
    return textbook(mu.float(), log_var.float())


def a_list(mu, log_var):
    return textbook(mu, log_var).tolist()


def mean_only(mu, log_var):
    return (mu**2).sum(dim=1) / 2


def variance_only(mu, log_var):
    return (log_var.exp() - 1 - log_var).sum(dim=1) / 2


def half_detached(mu, log_var):
    return textbook(mu, log_var.detach())


def changed_in_place(mu, log_var):
    kl = textbook(mu, log_var)
    log_var.zero_()
    return kl


RIGHT = [
    *(textbook, a_loop, each_term_by_itself, einsum, expm1_in_float64, general_formula),
    *(entropies, one_matrix_product, never_below_zero),
]
WRONG = [
    *(torchs, clamped_at_ten, free_bits, cut_off_from_above, in_bits, kept_dimension, squeezed),
    *(one_sample, sigma_by_a_root, epsilon_in_the_logarithm, logarithm_of_sigma),
    *(root_of_the_mean, nan_to_num, float32, a_list, mean_only, variance_only),
    *(half_detached, changed_in_place),
]
EQUIVALENT = {
    "gaussian_kl_per_dim: mu, log_var = (at_least_float32(mu), at_least_float32(log_var)) -> "
    "pass": "half precision is not asked for",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_gaussian_kl_per_item_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_gaussian_kl_per_item_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_gaussian_kl_per_item_must_not_come_from_the_library_or_torch():
    def per_dim(mu, log_var):
        return ref.gaussian_kl_per_dim(mu, log_var).sum(dim=1)

    for answer in (per_dim, torchs):
        assert graded(EXERCISE, answer).points == 0.0


def test_gaussian_kl_per_item_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("gaussian_kl_per_dim",))
