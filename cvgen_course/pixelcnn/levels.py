"""Grey levels: images as whole numbers, of which each has a probability."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def to_levels(images: Tensor, num_levels: int) -> Tensor:
    """Round images to evenly spaced grey levels.

    Args:
        images: float, any shape, in [-1, 1].
        num_levels: K, how many grey levels there are; the first is black, the last white.

    Returns:
        int64, the same shape, in [0, K): which level is nearest.

    Raises:
        TypeError: ``images`` is no floating-point tensor.
        ValueError: a value lies outside [-1, 1], or there are fewer than two levels.
    """
    require(images=(images, "*S", "float"))
    require_num_levels(num_levels)
    images = at_least_float32(images)
    if images.numel() and not (images.min() >= -1 - 1e-6 and images.max() <= 1 + 1e-6):
        raise ValueError(
            "images: expected values in [-1, 1], "
            f"got values from {images.min():.4g} to {images.max():.4g}"
        )
    return ((images + 1) / 2 * (num_levels - 1)).round().long().clamp(0, num_levels - 1)


def from_levels(levels: Tensor, num_levels: int) -> Tensor:
    """Return the images that grey levels stand for.

    Args:
        levels: int64, any shape, in [0, K).
        num_levels: K.

    Returns:
        float32, the same shape, in [-1, 1].

    Raises:
        TypeError: ``levels`` is no int64 tensor.
        ValueError: a level is out of range, or there are fewer than two.
    """
    require_num_levels(num_levels)
    require(levels=(levels, "*S", "int64"))
    require_range("levels", levels, 0, num_levels)
    return levels / (num_levels - 1) * 2 - 1


def every_image(num_levels: int, channels: int, height: int, width: int) -> Tensor:
    """Return all images of a size that there are: their probabilities sum to 1.

    Args:
        num_levels: K.
        channels: C.
        height: H.
        width: W.

    Returns:
        int64 (K^(C·H·W), C, H, W), the last pixel running fastest.

    Raises:
        ValueError: these are more than ten million images.
    """
    require_num_levels(num_levels)
    num_dims = channels * height * width
    if num_levels**num_dims > 10_000_000:
        raise ValueError(
            f"expected at most ten million images, got {num_levels}^{num_dims}; "
            "take fewer levels or smaller images"
        )
    numbers = torch.arange(num_levels**num_dims)[:, None]
    places = num_levels ** torch.arange(num_dims - 1, -1, -1)
    return (numbers // places % num_levels).view(-1, channels, height, width)


def require_num_levels(num_levels: int) -> None:
    """Raise unless there are two levels at least.

    Raises:
        ValueError: there are fewer.
    """
    if num_levels < 2:
        raise ValueError(f"num_levels: expected at least 2, got {num_levels}")
