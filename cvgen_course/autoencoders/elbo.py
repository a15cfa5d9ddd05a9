"""Bounds of the evidence log p(x): the ELBO of a Gaussian VAE, and the importance-weighted one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cvgen_course.autoencoders.kl import gaussian_kl_per_item
from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def gaussian_log_prob_per_item(x: Tensor, x_mean: Tensor, sigma: Tensor | float) -> Tensor:
    """Return log N(x; x_mean, sigma² I) of each image, in nats.

    Args:
        x: images, float (N, C, H, W).
        x_mean: the decoder's means, float (N, C, H, W).
        sigma: the observation noise of every pixel, a positive number, or a 0-dimensional tensor.

    Returns:
        float (N,), the sum over all C · H · W numbers of an image, float32 at least.

    Raises:
        TypeError: ``x`` or ``x_mean`` is no floating-point tensor.
        ValueError: the shapes differ.
    """
    require(x=(x, "N C H W", "float"), x_mean=(x_mean, "N C H W", "float"))
    squares = ((at_least_float32(x) - at_least_float32(x_mean)) ** 2).flatten(1).sum(dim=1)  # (N,)
    sigma = torch.as_tensor(sigma, dtype=squares.dtype, device=x.device)
    num_dims = math.prod(x.shape[1:])
    return -squares / (2 * sigma**2) - num_dims * (sigma.log() + math.log(2 * math.pi) / 2)


def elbo(
    x: Tensor,
    x_mean: Tensor,
    sigma: Tensor | float,
    mu: Tensor,
    log_var: Tensor,
    beta: float = 1.0,
) -> Tensor:
    """Return the evidence lower bound of a Gaussian VAE, in nats per image, the batch's mean.

    One sample of z for each image, and the KL divergence in closed form:

        mean over n of log N(x_n; x_mean_n, sigma² I) - beta · KL(N(mu_n, exp log_var_n) ‖ N(0, I))

    Args:
        x: images, float (N, C, H, W), N >= 1.
        x_mean: what the decoder makes of a sample of z, float (N, C, H, W).
        sigma: the observation noise, a positive number, or a 0-dimensional tensor.
        mu: means of q(z|x), float (N, J).
        log_var: logarithms of the variances of q(z|x), float (N, J).
        beta: weight of the KL divergence. With 1 the expectation is the bound; with more it is a
            looser one, with less none.

    Returns:
        0-dimensional, float32 at least.

    Raises:
        TypeError: an image or latent argument is no floating-point tensor.
        ValueError: the shapes do not belong together.

    Source:
        Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv:1312.6114,
        equation 10; beta is that of Higgins et al., "beta-VAE", ICLR 2017.
    """
    require(x=(x, "N C H W"), mu=(mu, "N J", "float"))
    log_prob = gaussian_log_prob_per_item(x, x_mean, sigma)
    return (log_prob - beta * gaussian_kl_per_item(mu, log_var)).mean()


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    """Return the importance-weighted bound of log p(x) for each item: the log of the mean weight.

    With one sample it is the ELBO; with more it can only rise, towards the evidence.

    Args:
        log_weights: log p(x, z) - log q(z|x) for S samples of z from q(z|x), float (S, N), S >= 1.

    Returns:
        float (N,), in nats, float32 at least.

    Raises:
        TypeError: ``log_weights`` is no floating-point tensor.
        ValueError: it has another shape or no sample.

    Source:
        Burda et al., "Importance Weighted Autoencoders", ICLR 2016, arXiv:1509.00519, equation 8.
    """
    require(log_weights=(log_weights, "S N", "float"))
    if not len(log_weights):
        raise ValueError("log_weights: expected at least one sample, got none")
    return at_least_float32(log_weights).logsumexp(dim=0) - math.log(len(log_weights))
