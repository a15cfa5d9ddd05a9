"""Answers to `vq_losses` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def with_mse_loss(x, x_hat, z_e, z_q, beta=0.25):
    return (
        F.mse_loss(x_hat, x),
        F.mse_loss(z_e.detach(), z_q),
        F.mse_loss(z_q.detach(), z_e) * beta,
    )


def sums_over_numel(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = (x - x_hat).square().sum() / x.numel()
    codebook = ((z_e.data - z_q) ** 2).sum() / z_e.numel()
    commitment = beta * ((z_e - z_q.data) ** 2).sum() / z_e.numel()
    return reconstruction, codebook, commitment


def einsum_and_norm(x, x_hat, z_e, z_q, beta=0.25):
    with torch.no_grad():
        fixed_e, fixed_q = z_e.clone(), z_q.clone()
    r = x - x_hat
    M, D = z_e.shape
    reconstruction = torch.einsum("nchw,nchw->", r, r) / r.numel()
    codebook = torch.linalg.vector_norm(fixed_e - z_q) ** 2 / (M * D)
    commitment = torch.einsum("md,md->", z_e - fixed_q, z_e - fixed_q) * (beta / (M * D))
    return reconstruction, codebook, commitment


def item_by_item_in_float64(x, x_hat, z_e, z_q, beta=0.25):
    def mean_square(a, b):
        each = [((p.double() - q.double()) ** 2).mean() for p, q in zip(a, b)]
        return torch.stack(each).mean().to(a.dtype)

    return (
        mean_square(x, x_hat),
        mean_square(z_e.detach(), z_q),
        beta * mean_square(z_e, z_q.detach()),
    )


def sums_not_means(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = ((x - x_hat) ** 2).sum()
    codebook = ((z_e.detach() - z_q) ** 2).sum()
    commitment = beta * ((z_e - z_q.detach()) ** 2).sum()
    return reconstruction, codebook, commitment


def squared_norms_of_rows(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = ((z_e.detach() - z_q) ** 2).sum(dim=1).mean()
    commitment = beta * ((z_e - z_q.detach()) ** 2).sum(dim=1).mean()
    return reconstruction, codebook, commitment


def beta_on_the_codebook_term(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = beta * F.mse_loss(z_q, z_e.detach())
    commitment = F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment


def beta_forgotten(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment


def beta_always_a_quarter(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = 0.25 * F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment


def detached_the_wrong_one(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_e, z_q.detach())
    commitment = beta * F.mse_loss(z_e.detach(), z_q)
    return reconstruction, codebook, commitment


def nothing_detached(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e)
    commitment = beta * F.mse_loss(z_e, z_q)
    return reconstruction, codebook, commitment


def both_detached(x, x_hat, z_e, z_q, beta=0.25):
    z_e_sg, z_q_sg = z_e.detach(), z_q.detach()
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q_sg, z_e_sg)
    commitment = beta * F.mse_loss(z_e_sg, z_q_sg)
    return reconstruction, codebook, commitment


def one_term_used_twice(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    return reconstruction, codebook, beta * codebook


def straight_through_first(x, x_hat, z_e, z_q, beta=0.25):
    z_q = z_e + (z_q - z_e).detach()
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = beta * F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment


def commitment_before_codebook(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = beta * F.mse_loss(z_e, z_q.detach())
    return reconstruction, commitment, codebook


def loss_already_added_up(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = beta * F.mse_loss(z_e, z_q.detach())
    return reconstruction + codebook + commitment


def absolute_differences(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.l1_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = beta * F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment


def detach_in_place(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach_())
    commitment = beta * F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment


def row_norms_and_nothing_detached(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = ((x - x_hat) ** 2).mean()
    distance = ((z_e - z_q) ** 2).sum(dim=-1).mean()
    return reconstruction, distance, beta * distance


def detached_the_wrong_one_and_no_beta(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = ((x - x_hat) ** 2).mean()
    codebook = ((z_e - z_q.detach()) ** 2).mean()
    commitment = ((z_e.detach() - z_q) ** 2).mean()
    return reconstruction, codebook, commitment


RIGHT = [with_mse_loss, sums_over_numel, einsum_and_norm, item_by_item_in_float64]
WRONG = {
    sums_not_means: "sums",
    squared_norms_of_rows: "sum_over_a_row",
    beta_on_the_codebook_term: "beta_on_codebook",
    beta_forgotten: "beta_forgotten",
    beta_always_a_quarter: "beta_is_a_quarter",
    detached_the_wrong_one: "stops_exchanged",
    nothing_detached: "no_stop",
    both_detached: "both_detached",
    one_term_used_twice: "codebook_twice",
    straight_through_first: "after_straight_through",
    commitment_before_codebook: "exchanged",
    loss_already_added_up: "summed_up",
    absolute_differences: "absolute_values",
    detach_in_place: "both_detached",
    row_norms_and_nothing_detached: "sum_over_a_row no_stop",
    detached_the_wrong_one_and_no_beta: "stops_exchanged beta_forgotten",
}
