"""The KL divergence of a normal distribution from the standard normal one."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def gaussian_kl_per_dim(mu: Tensor, log_var: Tensor) -> Tensor:
    """Return KL(N(mu, exp(log_var)) ‖ N(0, 1)) of each latent variable, in nats.

    Args:
        mu: means, float (N, J).
        log_var: logarithms of the variances, float (N, J).

    Returns:
        float (N, J), at least 0, float32 at least; infinite where the variance has no number
        (log-variances beyond 88 in float32).

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, or have not two dimensions.

    Source:
        Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv:1312.6114,
        appendix B.
    """
    require(mu=(mu, "N J", "float"), log_var=(log_var, "N J", "float"))
    mu, log_var = at_least_float32(mu), at_least_float32(log_var)
    return (mu**2 + torch.expm1(log_var) - log_var) / 2  # expm1: exact where log_var is near 0


def gaussian_kl_per_item(mu: Tensor, log_var: Tensor) -> Tensor:
    """Return KL(N(mu, diag exp(log_var)) ‖ N(0, I)) of each item, in nats.

    Args:
        mu: means, float (N, J).
        log_var: logarithms of the variances, float (N, J).

    Returns:
        float (N,), the sum over the J latent variables; else as `gaussian_kl_per_dim`.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, or have not two dimensions.

    Source:
        Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv:1312.6114,
        appendix B.
    """
    return gaussian_kl_per_dim(mu, log_var).sum(dim=1)
