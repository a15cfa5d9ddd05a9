"""Answers to `gaussian_kl_per_item` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def formula_of_the_paper(mu, log_var):
    return -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=1)


def cross_entropy_minus_entropy(mu, log_var):
    m, lv = mu.double(), log_var.double()
    cross_entropy = 0.5 * (math.log(2 * math.pi) + (m * m + lv.exp()))
    entropy = 0.5 * (math.log(2 * math.pi) + (1 + lv))
    return (cross_entropy - entropy).sum(-1).to(mu.dtype)


def loop_over_latents(mu, log_var):
    kl = torch.zeros_like(mu[:, 0])
    for j in range(mu.shape[1]):
        std = torch.exp(0.5 * log_var[:, j])
        kl = kl + (mu[:, j] ** 2 + std**2) / 2 - 0.5 - log_var[:, j] / 2
    return kl


def matrix_form(mu, log_var):
    J = mu.shape[1]
    trace = torch.diag_embed(log_var.exp()).diagonal(dim1=1, dim2=2).sum(1)
    return 0.5 * (trace + torch.einsum("nj,nj->n", mu, mu) - J - log_var.sum(1))


def expm1_item_by_item(mu, log_var):
    items = [(torch.expm1(lv) - lv + m.square()).sum() / 2 for m, lv in zip(mu, log_var)]
    return torch.stack(items)


def mean_over_latents(mu, log_var):
    return -0.5 * torch.mean(1 + log_var - mu**2 - log_var.exp(), dim=1)


def sum_of_everything(mu, log_var):
    return -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())


def mean_over_batch_too(mu, log_var):
    return (-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1)).mean(dim=0)


def sign_flipped(mu, log_var):
    return 0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1)


def half_forgotten(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1)


def half_on_the_first_only(mu, log_var):
    return (0.5 * mu**2 + log_var.exp() - 1 - log_var).sum(dim=1)


def log_std_taken(mu, log_var):
    var = torch.exp(log_var) ** 2
    return 0.5 * (mu**2 + var - 1 - 2 * log_var).sum(dim=1)


def std_for_var(mu, log_var):
    std = torch.exp(0.5 * log_var)
    return 0.5 * (mu**2 + std - 1 - log_var).sum(dim=1)


def other_way_round(mu, log_var):
    return 0.5 * (log_var + (1 + mu**2) / log_var.exp() - 1).sum(dim=1)


def log_of_exp(mu, log_var):
    var = log_var.exp()
    return 0.5 * (mu**2 + var - 1 - torch.log(var)).sum(dim=1)


def log_of_exp_plus_a_little(mu, log_var):
    std = torch.exp(0.5 * log_var)
    return (0.5 * (mu**2 + std**2 - 1) - torch.log(std + 1e-8)).sum(dim=1)


def one_subtracted_once(mu, log_var):
    return 0.5 * ((mu**2 + log_var.exp() - log_var).sum(dim=1) - 1)


def clamped_log_var(mu, log_var):
    log_var = log_var.clamp(-30, 20)
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1)


def column_instead_of_vector(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1, keepdim=True)


def mean_and_half_forgotten(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var).mean(dim=1)


def sign_flipped_and_sum_of_everything(mu, log_var):
    return 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())


RIGHT = [
    formula_of_the_paper,
    cross_entropy_minus_entropy,
    loop_over_latents,
    matrix_form,
    expm1_item_by_item,
]
WRONG = {
    mean_over_latents: "mean_of_variables",
    sum_of_everything: "sum_of_all",
    mean_over_batch_too: "mean_of_items",
    sign_flipped: "negative",
    half_forgotten: "factor_lost",
    half_on_the_first_only: "half_of_the_squares",
    log_std_taken: "log_deviation",
    std_for_var: "deviation_for_variance",
    other_way_round: "reverse",
    log_of_exp: "log_of_exp",
    log_of_exp_plus_a_little: "log_of_deviation_and_a_little",
    one_subtracted_once: "one_for_all",
    clamped_log_var: "clamped",
    column_instead_of_vector: "column",
    mean_and_half_forgotten: "mean_of_variables factor_lost",
    sign_flipped_and_sum_of_everything: "negative sum_of_all",
}
