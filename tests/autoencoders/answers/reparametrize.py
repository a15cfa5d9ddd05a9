"""Answers to `reparametrize` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def textbook(mu, log_var, noise):
    std = torch.exp(0.5 * log_var)
    return mu + std * noise


def affine_transform(mu, log_var, noise):
    scale = (0.5 * log_var).exp_()
    return torch.distributions.transforms.AffineTransform(mu, scale)(noise)


def loop_over_numbers(mu, log_var, noise):
    rows = []
    for m, lv, e in zip(mu, log_var, noise):
        row = [m[j] + torch.exp(lv[j] / 2) * e[j] for j in range(len(m))]
        rows.append(torch.stack(row))
    return torch.stack(rows)


def diagonal_matrix(mu, log_var, noise):
    L = torch.diag_embed(torch.exp(log_var.double() / 2))
    z = mu.double() + torch.einsum("nij,nj->ni", L, noise.double())
    return z.to(mu.dtype)


def power_of_e(mu, log_var, noise):
    return torch.addcmul(mu, torch.pow(math.e, log_var / 2), noise)


def variance_for_standard_deviation(mu, log_var, noise):
    return mu + log_var.exp() * noise


def log_var_for_variance(mu, log_var, noise):
    return mu + torch.sqrt(log_var.abs()) * noise


def log_std_without_exp(mu, log_var, noise):
    return mu + 0.5 * log_var * noise


def root_after_exp(mu, log_var, noise):
    return mu + log_var.exp().sqrt() * noise


def own_noise(mu, log_var, noise):
    std = torch.exp(0.5 * log_var)
    eps = torch.randn_like(std)
    return mu + eps * std


def torch_normal(mu, log_var, noise):
    std = torch.exp(0.5 * log_var)
    return torch.normal(mu, std)


def multiplied_by_two(mu, log_var, noise):
    return mu + torch.exp(2 * log_var) * noise


def changes_noise(mu, log_var, noise):
    std = torch.exp(log_var / 2)
    return noise.mul_(std).add_(mu)


def changes_log_var(mu, log_var, noise):
    with torch.no_grad():
        log_var /= 2
    return mu + log_var.exp() * noise


def no_gradient(mu, log_var, noise):
    with torch.no_grad():
        std = torch.exp(0.5 * log_var)
        return mu + std * noise


def standard_deviation_detached(mu, log_var, noise):
    std = torch.exp(0.5 * log_var).detach()
    return mu + std * noise


def clamped_log_var(mu, log_var, noise):
    log_var = torch.clamp(log_var, -30.0, 20.0)
    return mu + torch.exp(0.5 * log_var) * noise


def mu_and_std_swapped(mu, log_var, noise):
    return torch.exp(0.5 * log_var) + mu * noise


def minus_in_the_exponent(mu, log_var, noise):
    return mu + torch.exp(-0.5 * log_var) * noise


def own_noise_and_variance(mu, log_var, noise):
    return mu + torch.randn_like(mu) * log_var.exp()


def one_noise_for_each_item_and_root_after_exp(mu, log_var, noise):
    return mu + torch.sqrt(torch.exp(log_var)) * noise[:, :1]


RIGHT = [textbook, affine_transform, loop_over_numbers, diagonal_matrix, power_of_e]
WRONG = {
    variance_for_standard_deviation: "variance_as_deviation",
    log_var_for_variance: "logarithm_as_variance",
    log_std_without_exp: "exp_missing",
    root_after_exp: "root_after_exp",
    own_noise: "own_noise",
    torch_normal: "torch_normal own_noise",
    multiplied_by_two: "doubled",
    changes_noise: "",
    changes_log_var: "",
    no_gradient: "detached",
    standard_deviation_detached: "deviation_detached",
    clamped_log_var: "clamped",
    mu_and_std_swapped: "exchanged",
    minus_in_the_exponent: "one_by_deviation",
    own_noise_and_variance: "own_noise variance_as_deviation",
    one_noise_for_each_item_and_root_after_exp: "one_noise root_after_exp",
}
