"""The probability of an image: the product of what each of its pixels had when its turn came."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def log_prob_per_item(logits: Tensor, levels: Tensor) -> Tensor:
    """Return the log-probability of each image, in nats.

    Args:
        logits: of each level at each place, as a network returns them for these very images, float
            (N, K, C, H, W).
        levels: the images, int64 (N, C, H, W), in [0, K).

    Returns:
        float (N,), at most 0: the sum over all channels and pixels, float32 at least.

    Raises:
        TypeError: ``logits`` is no floating-point tensor, or ``levels`` no int64 tensor.
        ValueError: the shapes do not go together, or a level is out of range.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        equations 1 and 2.
    """
    require(logits=(logits, "N K C H W", "float"), levels=(levels, "N C H W", "int64"))
    require_range("levels", levels, 0, logits.shape[1])
    log_probs = -F.cross_entropy(at_least_float32(logits), levels, reduction="none")
    return log_probs.flatten(1).sum(dim=1)
