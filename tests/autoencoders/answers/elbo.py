"""Answers to `elbo` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from cvgen_course import autoencoders as ref


def kl_of(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1)


def step_by_step(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    N, C, H, W = x.shape
    D = C * H * W
    sse = (x - x_mean).pow(2).sum(dim=(1, 2, 3))
    log_prob = -0.5 * sse / sigma**2 - D * torch.log(sigma) - 0.5 * D * math.log(2 * math.pi)
    return (log_prob - beta * kl_of(mu, log_var)).mean()


def normal_and_reference_kl(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).sum(dim=[1, 2, 3])
    return recon.mean() - beta * ref.gaussian_kl_per_item(mu, log_var).mean()


def normal_twice(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).flatten(1).sum(-1)
    kl = kl_divergence(Normal(mu, torch.exp(0.5 * log_var)), Normal(0.0, 1.0)).sum(-1)
    return (recon - beta * kl).mean()


def pi_as_a_tensor(x, x_mean, sigma, mu, log_var, beta=1.0):
    if not isinstance(sigma, torch.Tensor):
        sigma = torch.tensor(sigma)
    per_pixel = -((x - x_mean) ** 2) / (2 * sigma**2) - 0.5 * torch.log(
        2 * torch.tensor(np.pi) * sigma**2
    )
    kl = -0.5 * (1 + log_var - mu**2 - torch.exp(log_var)).sum(1)
    return torch.mean(per_pixel.reshape(x.shape[0], -1).sum(1) - beta * kl)


def mean_over_pixels(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).mean(dim=(1, 2, 3))
    return (recon - beta * ref.gaussian_kl_per_item(mu, log_var)).mean()


def mean_over_everything(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).mean()
    return recon - beta * ref.gaussian_kl_per_item(mu, log_var).mean()


def mean_over_latents(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).flatten(1).sum(1).mean()
    kl = -0.5 * torch.mean(1 + log_var - mu**2 - log_var.exp(), dim=1)
    return recon - beta * kl.mean()


def sum_over_batch(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).sum()
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return recon - beta * kl


def forgot_the_mean(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).flatten(1).sum(1)
    return recon - beta * kl_of(mu, log_var)


def mse_as_in_a_blog(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = F.mse_loss(x_mean, x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=1).mean()
    return -(recon + beta * kl)


def summed_mse_as_in_a_blog(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = F.mse_loss(x_mean, x, reduction="sum") / x.shape[0]
    return -recon - beta * kl_of(mu, log_var).mean()


def without_constants(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma**2)
    return (recon - beta * kl_of(mu, log_var)).mean()


def one_half_forgotten(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x[0].numel()
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / sigma**2
    recon = recon - D * torch.log(sigma) - D / 2 * math.log(2 * math.pi)
    return (recon - beta * kl_of(mu, log_var)).mean()


def not_squared(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x[0].numel()
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma)
    recon = recon - D * torch.log(sigma) - D / 2 * math.log(2 * math.pi)
    return (recon - beta * kl_of(mu, log_var)).mean()


def two_pi_forgotten(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    per_pixel = -((x - x_mean) ** 2) / (2 * sigma**2) - sigma.log()
    return (per_pixel.sum((1, 2, 3)) - beta * kl_of(mu, log_var)).mean()


def log_sigma_forgotten(x, x_mean, sigma, mu, log_var, beta=1.0):
    per_pixel = -((x - x_mean) ** 2) / (2 * sigma**2) - 0.5 * math.log(2 * math.pi)
    return (per_pixel.sum((1, 2, 3)) - beta * kl_of(mu, log_var)).mean()


def constant_for_one_pixel(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma**2)
    recon = recon - torch.log(sigma * math.sqrt(2 * math.pi))
    return (recon - beta * kl_of(mu, log_var)).mean()


def height_times_width(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x.shape[2] * x.shape[3]
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma**2)
    recon = recon - D * torch.log(sigma) - D / 2 * math.log(2 * math.pi)
    return (recon - beta * kl_of(mu, log_var)).mean()


def numel_of_the_batch(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    D = x.numel()
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma**2)
    recon = recon - D * (torch.log(sigma) + 0.5 * math.log(2 * math.pi))
    return (recon - beta * kl_of(mu, log_var)).mean()


def log_of_the_variance_without_half(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.as_tensor(sigma)
    recon = -((x - x_mean) ** 2) / (2 * sigma**2) - torch.log(2 * math.pi * sigma**2)
    return (recon.sum((1, 2, 3)) - beta * kl_of(mu, log_var)).mean()


def normal_with_the_variance(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma**2).log_prob(x).sum((1, 2, 3))
    return (recon - beta * kl_of(mu, log_var)).mean()


def sigma_read_as_variance(x, x_mean, sigma, mu, log_var, beta=1.0):
    var = torch.as_tensor(sigma)
    per_pixel = -0.5 * ((x - x_mean) ** 2 / var + torch.log(2 * math.pi * var))
    return (per_pixel.sum((1, 2, 3)) - beta * kl_of(mu, log_var)).mean()


def plus_kl(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).sum((1, 2, 3))
    return torch.mean(recon + beta * kl_of(mu, log_var))


def negative_elbo(x, x_mean, sigma, mu, log_var, beta=1.0):
    nll = -Normal(x_mean, sigma).log_prob(x).sum((1, 2, 3))
    return torch.mean(nll + beta * kl_of(mu, log_var))


def beta_at_the_wrong_term(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).sum((1, 2, 3))
    return torch.mean(beta * recon - kl_of(mu, log_var))


def beta_forgotten(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).sum((1, 2, 3))
    return torch.mean(recon - kl_of(mu, log_var))


def math_log(x, x_mean, sigma, mu, log_var, beta=1.0):
    D = x[0].numel()
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma**2)
    recon = recon - D * math.log(sigma) - D * 0.5 * math.log(2 * math.pi)
    return (recon - beta * kl_of(mu, log_var)).mean()


def sigma_made_anew(x, x_mean, sigma, mu, log_var, beta=1.0):
    sigma = torch.tensor(sigma, dtype=x.dtype)
    recon = Normal(x_mean, sigma).log_prob(x).sum((1, 2, 3))
    return (recon - beta * kl_of(mu, log_var)).mean()


def item_at_the_end(x, x_mean, sigma, mu, log_var, beta=1.0):
    return step_by_step(x, x_mean, sigma, mu, log_var, beta).item()


def log_var_as_log_sigma(x, x_mean, sigma, mu, log_var, beta=1.0):
    recon = Normal(x_mean, sigma).log_prob(x).sum((1, 2, 3))
    kl = kl_divergence(Normal(mu, log_var.exp()), Normal(0.0, 1.0)).sum(1)
    return (recon - beta * kl).mean()


def negative_and_summed_over_batch(x, x_mean, sigma, mu, log_var, beta=1.0):
    nll = -Normal(x_mean, sigma).log_prob(x).sum()
    return nll + beta * kl_of(mu, log_var).sum()


def beta_forgotten_and_math_log(x, x_mean, sigma, mu, log_var, beta=1.0):
    D = x[0].numel()
    recon = -((x - x_mean) ** 2).sum((1, 2, 3)) / (2 * sigma**2)
    recon = recon - D * math.log(sigma) - D * 0.5 * math.log(2 * math.pi)
    return (recon - kl_of(mu, log_var)).mean()


RIGHT = [step_by_step, normal_and_reference_kl, normal_twice, pi_as_a_tensor]
WRONG = {
    mean_over_pixels: "pixels_averaged",  # β is silently D
    mean_over_everything: "pixels_averaged",  # likewise, in one mean
    mean_over_latents: "latents_averaged",  # β is silently 1/J
    sum_over_batch: "batch_summed",  # depends on the batch's size
    forgot_the_mean: "per_image",  # N numbers instead of one
    mse_as_in_a_blog: "mean_squared_error",  # no sigma anywhere
    summed_mse_as_in_a_blog: "squares_alone",  # no sigma anywhere
    without_constants: "no_constant",  # the constant left out
    one_half_forgotten: "half_missing",  # σ² for 2σ²
    not_squared: "divided_by_sigma",  # σ for σ²
    two_pi_forgotten: "log_2pi_missing",  # ½ log 2π left out
    log_sigma_forgotten: "log_sigma_missing",  # log σ left out
    constant_for_one_pixel: "constant_once",  # once for an image
    height_times_width: "without_channels",  # D without C
    numel_of_the_batch: "constant_of_the_batch",  # D with N
    log_of_the_variance_without_half: "half_before_the_log_missing",  # log(2πσ²)
    normal_with_the_variance: "square_for_the_deviation",  # Normal(m, σ²)
    sigma_read_as_variance: "sigma_is_the_variance",  # sigma as σ²
    plus_kl: "kl_added",  # sign of the KL divergence
    negative_elbo: "loss",  # sign of the whole
    beta_at_the_wrong_term: "beta_on_the_likelihood",  # β · log p
    beta_forgotten: "beta_ignored",  # no β
    math_log: "logarithm_cut_off",  # half of the gradient of σ
    sigma_made_anew: "sigma_cut_off",  # no gradient of σ
    item_at_the_end: "detached",  # no gradient at all
    log_var_as_log_sigma: "",  # the KL divergence's own mistake
    negative_and_summed_over_batch: "loss batch_summed",  # two at once
    beta_forgotten_and_math_log: "beta_ignored logarithm_cut_off",  # two at once
}
