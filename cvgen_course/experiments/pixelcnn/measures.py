"""How likely a whole split is, batch by batch; nothing is estimated, all of it is computed."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from cvgen_course.bits import bits_per_dim
from cvgen_course.experiments.core.experiment import Each
from cvgen_course.experiments.core.pixels import Measured
from cvgen_course.pixelcnn import log_prob_per_item


def measure(model: nn.Module, split: str, each: Each, batches: Measured) -> dict[str, float]:
    """Return how likely the images of a split are.

    Args:
        model: e.g. a `PixelCNN`.
        split: which it is.
        each: a ``map``.
        batches: the split's images as levels, int64 (N, C, H, W).

    Returns:
        negative_log_likelihood, in nats per image, which counts; bits_per_dim, the same in bits,
        for each channel of each pixel.
    """
    log_probs = each(partial(_log_probs, model), batches)
    log_prob = torch.cat(list(log_probs)).double().mean()
    num_dims = batches[0][0].numel()
    return {
        "negative_log_likelihood": -log_prob.item(),
        "bits_per_dim": bits_per_dim(log_prob, num_dims).item(),
    }


def _log_probs(model: nn.Module, levels: Tensor) -> Tensor:
    """Return the log-probability of each image of a batch, float (N,), on the CPU."""
    levels = levels.to(next(model.parameters()).device)
    return log_prob_per_item(model(levels), levels).cpu()
