"""What a decoder's output says of an image: a bell around each pixel, or a coin for each."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.autoencoders.elbo import gaussian_log_prob_per_item
from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def bernoulli_log_prob_per_item(x: Tensor, logits: Tensor) -> Tensor:
    """Return the log-probability of each black and white image, in nats.

    Args:
        x: images, float (N, C, H, W), each pixel -1 (black) or 1 (white).
        logits: of white, float (N, C, H, W).

    Returns:
        float (N,), at most 0, the sum over all pixels of an image, float32 at least.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ.
    """
    require(x=(x, "N C H W", "float"), logits=(logits, "N C H W", "float"))
    return F.logsigmoid(at_least_float32(logits) * x).flatten(1).sum(dim=1)


class GaussianLikelihood(nn.Module):
    """A normal distribution around each pixel, with the same noise for all.

    Args:
        sigma: the noise; images are in [-1, 1].
        learned: whether ``sigma`` is only where the noise begins, and is trained with the network.
    """

    def __init__(self, sigma: float, learned: bool = False) -> None:
        super().__init__()
        if not sigma > 0:
            raise ValueError(f"sigma: expected more than 0, got {sigma}")
        self.log_sigma = nn.Parameter(torch.tensor(math.log(sigma)), requires_grad=learned)

    @property
    def sigma(self) -> Tensor:
        """The noise, 0-dimensional."""
        return self.log_sigma.exp()

    def log_prob_per_item(self, x: Tensor, decoded: Tensor) -> Tensor:
        """Return log p(x|z) of each image, (N,), from what the decoder made of z."""
        return gaussian_log_prob_per_item(x, decoded, self.sigma)

    def mean(self, decoded: Tensor) -> Tensor:
        """Return the mean image, in [-1, 1] once it is trained."""
        return decoded


class BernoulliLikelihood(nn.Module):
    """A coin for each pixel of a black and white image."""

    def log_prob_per_item(self, x: Tensor, decoded: Tensor) -> Tensor:
        """Return log p(x|z) of each image, (N,), from what the decoder made of z."""
        return bernoulli_log_prob_per_item(x, decoded)

    def mean(self, decoded: Tensor) -> Tensor:
        """Return the mean image, in [-1, 1]: 2 · P(white) - 1."""
        return 2 * decoded.sigmoid() - 1
