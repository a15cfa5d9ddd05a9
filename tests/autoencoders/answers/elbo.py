"""Answers to `elbo` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from cvgen_course import autoencoders as ref


def normal_log_prob(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma).log_prob(x).sum(dim=(1, 2, 3))
    kl = -0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1)
    return torch.mean(log_px - beta * kl)


def with_ref(x, x_mean, sigma, mu, log_var, beta=1.0):
    N = len(x)
    var = torch.as_tensor(sigma) ** 2
    D = x.numel() // N
    sse = F.mse_loss(x_mean, x, reduction="sum") / N
    log_px = -0.5 * (D * torch.log(2 * torch.pi * var) + sse / var)
    return log_px - beta * ref.gaussian_kl_per_item(mu, log_var).mean()


def loop_over_images(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = sigma if torch.is_tensor(sigma) else torch.tensor(float(sigma))
    total = 0
    for i in range(x.shape[0]):
        r = (x[i] - x_mean[i]).reshape(-1) / sigma
        log_px = -0.5 * torch.dot(r, r) - r.numel() * (sigma.log() + 0.5 * math.log(2 * math.pi))
        kl = 0
        for j in range(mu.shape[1]):
            kl = kl + (mu[i, j] ** 2 + log_var[i, j].exp() - 1 - log_var[i, j]) / 2
        total = total + log_px - beta * kl
    return total / x.shape[0]


def library_kl_in_float64(x, x_mean, sigma, mu, log_var, beta=1.0):
    normal = torch.distributions.Normal
    s = torch.as_tensor(sigma).double()
    per_number = normal(x_mean.double(), s).log_prob(x.double())
    q = normal(mu.double(), torch.exp(log_var.double() / 2))
    kl = torch.distributions.kl_divergence(q, normal(0.0, 1.0))
    bound = per_number.sum() / len(x) - beta * kl.sum() / len(x)
    return bound.to(x_mean.dtype)


def table_of_all_pairs(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    squares = torch.einsum("nchw,nchw->n", x - x_mean, x - x_mean)
    C, H, W = x.shape[1:]
    log_px = -squares / (2 * sigma * sigma) - C * H * W * torch.log(sigma * math.sqrt(2 * math.pi))
    kl = ((mu**2 + log_var.exp() - 1 - log_var) / 2).sum(dim=1, keepdim=True)
    return (log_px - beta * kl).mean()


def mean_over_pixels(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma).log_prob(x).mean()
    kl = -0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1).mean()
    return log_px - beta * kl


def sum_over_images(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma).log_prob(x).sum()
    kl = -0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp())
    return log_px - beta * kl


def kl_mean_over_latents(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma).log_prob(x).flatten(1).sum(1)
    kl = -0.5 * torch.mean(1 + log_var - mu**2 - log_var.exp(), dim=1)
    return (log_px - beta * kl).mean()


def constant_left_out(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x[0].numel()
    log_px = -((x - x_mean) ** 2).flatten(1).sum(1) / (2 * sigma**2) - D * sigma.log()
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def squares_only(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = -((x - x_mean) ** 2).flatten(1).sum(1) / (2 * sigma**2)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def normalisation_once_per_image(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    squares = ((x - x_mean) ** 2).sum(dim=(1, 2, 3))
    log_px = -squares / (2 * sigma**2) - sigma.log() - 0.5 * math.log(2 * math.pi)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def channels_not_counted(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x.shape[-1] * x.shape[-2]
    squares = ((x - x_mean) ** 2).sum(dim=(1, 2, 3))
    log_px = -squares / (2 * sigma**2) - D * (sigma.log() + 0.5 * math.log(2 * math.pi))
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def variance_given_as_scale(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma**2).log_prob(x).flatten(1).sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def sigma_not_squared(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x[0].numel()
    squares = ((x - x_mean) ** 2).flatten(1).sum(1)
    log_px = -squares / (2 * sigma) - D / 2 * torch.log(2 * math.pi * sigma)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def negative_as_a_loss(x, x_mean, sigma, mu, log_var, beta=1.0):
    nll = -torch.distributions.Normal(x_mean, sigma).log_prob(x).flatten(1).sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (nll + beta * kl).mean()


def plus_kl(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma).log_prob(x).flatten(1).sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px + beta * kl).mean()


def beta_forgotten(x, x_mean, sigma, mu, log_var, beta=1.0):
    log_px = torch.distributions.Normal(x_mean, sigma).log_prob(x).flatten(1).sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - kl).mean()


def sigma_must_be_tensor(x, x_mean, sigma, mu, log_var, beta=1.0):
    D = x[0].numel()
    squares = ((x - x_mean) ** 2).flatten(1).sum(1)
    log_px = -squares / (2 * sigma**2) - D * torch.log(sigma) - D / 2 * math.log(2 * math.pi)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def sigma_made_a_float(x, x_mean, sigma, mu, log_var, beta=1.0):
    if torch.is_tensor(sigma):
        sigma = sigma.item()
    D = x[0].numel()
    squares = ((x - x_mean) ** 2).flatten(1).sum(1)
    log_px = -squares / (2 * sigma**2) - D * math.log(sigma) - D / 2 * math.log(2 * math.pi)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (log_px - beta * kl).mean()


def mean_over_pixels_and_constant_left_out(x, x_mean, sigma, mu, log_var, beta=1.0):
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1).mean()
    return -F.mse_loss(x_mean, x) / (2 * sigma**2) - beta * kl


def squares_without_half_and_negative(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x[0].numel()
    squares = ((x - x_mean) ** 2).flatten(1).sum(1)
    nll = squares / sigma**2 + D * (sigma.log() + 0.5 * math.log(2 * math.pi))
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)
    return (nll + beta * kl).mean()


RIGHT = [normal_log_prob, with_ref, loop_over_images, library_kl_in_float64, table_of_all_pairs]
WRONG = {
    mean_over_pixels: "pixels_averaged",
    sum_over_images: "batch_summed",
    kl_mean_over_latents: "latents_averaged",
    constant_left_out: "log_2pi_missing",
    squares_only: "no_constant",
    normalisation_once_per_image: "constant_once",
    channels_not_counted: "without_channels",
    variance_given_as_scale: "square_for_the_deviation",
    sigma_not_squared: "sigma_is_the_variance",
    negative_as_a_loss: "loss",
    plus_kl: "kl_added",
    beta_forgotten: "beta_ignored",
    sigma_must_be_tensor: "",
    sigma_made_a_float: "sigma_cut_off",
    mean_over_pixels_and_constant_left_out: "pixels_averaged no_constant",
    squares_without_half_and_negative: "half_missing loss",
}
