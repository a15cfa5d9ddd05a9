import math

import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.autoencoders.exercises.reparametrize import EXERCISE


def half_in_exp(mu, log_var, noise):
    std = torch.exp(0.5 * log_var)
    return noise.mul(std).add(mu)


def addcmul(mu, log_var, noise):
    return torch.addcmul(mu, noise, log_var.div(2).exp())


def a_loop(mu, log_var, noise):
    rows = [
        torch.stack([m + (v / 2).exp() * e for m, v, e in zip(*item, strict=True)])
        for item in zip(mu, log_var, noise, strict=True)
    ]
    return torch.stack(rows)


def a_power_of_e(mu, log_var, noise):
    return mu + noise * math.e ** (log_var / 2)


def expm1(mu, log_var, noise):
    return mu + noise + noise * torch.expm1(log_var / 2)


def stays_in_float64(mu, log_var, noise):
    return half_in_exp(mu.double(), log_var.double(), noise.double())


def einsum(mu, log_var, noise):
    return mu + torch.einsum("nj,nj->nj", (log_var * 0.5).exp(), noise)


def root_that_is_safe(mu, log_var, noise):
    """Without variance nothing is left of the noise; elsewhere the root has a slope."""
    without = log_var < -80
    variance = torch.where(without, 0.0, log_var).exp()
    return mu + torch.where(without, 0.0, variance.sqrt()) * noise


def normals_without_noise_of_their_own(mu, log_var, noise):
    """A quarter of two log-variances is the half of one."""
    return mu + (log_var / 4).exp() ** 2 * noise


def square_of_sigma(mu, log_var, noise):
    return mu + log_var.exp() * noise


def power_of_one_half(mu, log_var, noise):
    return mu + log_var.exp() ** 0.5 * noise


def epsilon_under_the_root(mu, log_var, noise):
    return mu + (log_var.exp() + 1e-8).sqrt() * noise


def root_of_the_logarithm(mu, log_var, noise):
    return mu + log_var.abs().sqrt() * noise


def softplus(mu, log_var, noise):
    return mu + torch.nn.functional.softplus(log_var) * noise


def base_two(mu, log_var, noise):
    return mu + 2 ** (log_var / 2) * noise


def rsample(mu, log_var, noise):
    return torch.distributions.Normal(mu, (log_var / 2).exp()).rsample()


def torch_normal(mu, log_var, noise):
    return torch.normal(mu, (log_var / 2).exp())


def one_noise_for_all_items(mu, log_var, noise):
    return mu + (log_var / 2).exp() * noise[:1]


def one_noise_for_all_variables(mu, log_var, noise):
    return mu + (log_var / 2).exp() * noise[:, :1]


def one_variance_for_an_item(mu, log_var, noise):
    return mu + (log_var / 2).exp().mean(dim=1, keepdim=True) * noise


def noise_changed_in_place(mu, log_var, noise):
    return mu + noise.mul_((log_var.detach() / 2).exp()) + 0 * log_var


def mean_changed_in_place(mu, log_var, noise):
    return mu.add_((log_var / 2).exp() * noise)


def mean_detached(mu, log_var, noise):
    return mu.detach() + (log_var / 2).exp() * noise


def without_gradient(mu, log_var, noise):
    with torch.no_grad():
        return half_in_exp(mu, log_var, noise)


def clamped_at_ten(mu, log_var, noise):
    return mu + (log_var.clamp(-10, 10) / 2).exp() * noise


def clamped_from_below(mu, log_var, noise):
    return mu + (log_var.clamp(min=-20) / 2).exp() * noise


def float32(mu, log_var, noise):
    return half_in_exp(mu.float(), log_var.float(), noise.float())


def squeezed(mu, log_var, noise):
    return half_in_exp(mu, log_var, noise).squeeze()


def nan_to_num_of_the_value(mu, log_var, noise):
    return (mu + log_var.exp().sqrt() * noise).nan_to_num()


RIGHT = [
    *(half_in_exp, addcmul, a_loop, a_power_of_e, expm1, stays_in_float64, einsum),
    *(root_that_is_safe, normals_without_noise_of_their_own),
]
WRONG = [
    *(square_of_sigma, power_of_one_half, epsilon_under_the_root, root_of_the_logarithm),
    *(softplus, base_two, rsample, torch_normal, one_noise_for_all_items),
    *(one_noise_for_all_variables, one_variance_for_an_item, noise_changed_in_place),
    *(mean_changed_in_place, mean_detached, without_gradient, clamped_at_ten),
    *(clamped_from_below, float32, squeezed, nan_to_num_of_the_value),
]
EQUIVALENT: dict[str, str] = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_reparametrize_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_reparametrize_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_reparametrize_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
