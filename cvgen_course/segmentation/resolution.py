"""Where a network begins and ends: at the picture's own resolution, or at half of it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def stem_and_head(num_classes: int, width: int, stride: int) -> tuple[nn.Module, nn.Module, int]:
    """Return the first and the last layer of an encoder-decoder network.

    Most of such a network's work is done on its finest maps. With stride 2 they have half the
    picture's height and width, and everything costs a quarter; the transposed convolution at the
    end still draws borders to the pixel.

    Args:
        num_classes: channels of the logits.
        width: channels of the finest maps.
        stride: 1, the paper's resolution, or 2.

    Returns:
        The stem, (N, 3, H, W) → (N, c, H/stride, W/stride), the head,
        (N, width, H/stride, W/stride) → (N, num_classes, H, W), and c.

    Raises:
        ValueError: ``stride`` is neither 1 nor 2.
    """
    if stride == 1:
        return nn.Identity(), nn.Conv2d(width, num_classes, kernel_size=1), 3
    if stride == 2:
        stem = nn.Conv2d(3, width, kernel_size=4, stride=2, padding=1)
        head = nn.ConvTranspose2d(width, num_classes, kernel_size=4, stride=2, padding=1)
        return stem, head, width
    raise ValueError(f"stem_stride: expected 1 or 2, got {stride}")


def pad_to_even(image: Tensor) -> Tensor:
    """Repeat the last row or column where a picture's height or width is odd.

    Args:
        image: (N, C, H, W).

    Returns:
        (N, C, H + H % 2, W + W % 2).
    """
    H, W = image.shape[-2:]
    return F.pad(image, (0, W % 2, 0, H % 2), mode="replicate") if H % 2 or W % 2 else image
