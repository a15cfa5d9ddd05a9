"""The Inception Score: how sure a classifier is, and of how many classes."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Return KL(p ‖ q) of distributions over the same classes, in nats.

    Where p is 0, a class counts nothing; where q is 0 and p is not, the divergence is infinite.

    Args:
        p: float (..., K), at least 0; sums to 1 along the last dimension.
        q: likewise; the dimensions before the last broadcast with those of ``p``.

    Returns:
        float (...), of the wider type of both, float32 at least.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together.

    Source:
        Kullback and Leibler, "On Information and Sufficiency", 1951, eq. 2.4.
    """
    require(p=(p, "... K", "float"), q=(q, "... K", "float"))
    p, q = at_least_float32(p), at_least_float32(q)
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(dim=-1)


def inception_score(probs: Tensor) -> Tensor:
    """Return exp of the mean KL divergence between each image's classes and those of all.

    It is 1 where all images are the same to the classifier, and K where it is sure of each image,
    and each class comes as often as the others.

    Args:
        probs: what the classifier says about each image, float (N, K), N at least 1; rows sum to 1.

    Returns:
        0-dimensional, float64, in [1, K].

    Raises:
        TypeError: ``probs`` is no floating-point tensor.
        ValueError: it has another shape, no rows, or rows that do not sum to 1.

    Source:
        Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, arXiv:1606.03498,
        section 4.
    """
    require(probs=(probs, "N K", "float"))
    if len(probs) == 0:
        raise ValueError("probs: expected one row or more, got none")
    probs = probs.double()
    if not torch.allclose(probs.sum(dim=1), probs.new_ones(()), atol=1e-2):
        raise ValueError("probs: expected rows that sum to 1; use logits.softmax(dim=1)")
    return kl_divergence(probs, probs.mean(dim=0)).mean().exp()
