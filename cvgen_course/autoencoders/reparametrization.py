"""The reparametrisation trick: a sample through which gradients flow."""

from __future__ import annotations

from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def reparametrize(mu: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """Turn standard normal noise into a sample of N(mu, exp(log_var)): z = mu + sigma · noise.

    Args:
        mu: means, float (N, J).
        log_var: logarithms of the variances, float (N, J).
        noise: drawn from N(0, 1), float (N, J).

    Returns:
        z, float (N, J), float32 at least; differentiable with respect to ``mu`` and ``log_var``.
        For a log-variance so small that the deviation is 0 (below about -200 in float32), it is
        ``mu``.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, or have not two dimensions.

    Source:
        Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv:1312.6114,
        section 2.4.
    """
    require(
        mu=(mu, "N J", "float"), log_var=(log_var, "N J", "float"), noise=(noise, "N J", "float")
    )
    sigma = (at_least_float32(log_var) / 2).exp()
    return at_least_float32(mu) + sigma * noise
