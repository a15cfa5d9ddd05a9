"""Convolutions that answer for every anchor of every place, and the order of their answers."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class DensePredictions(NamedTuple):
    """What a network says about every anchor of N images.

    Attributes:
        logits: float (N, A, L), L numbers for each anchor: of its classes, or of "object" alone.
        deltas: float (N, A, 4), how each anchor should move; see `encode_boxes`.
        anchors: float32 (A, 4), the same for all images.
        image_size: (H, W) in pixels.
    """

    logits: Tensor
    deltas: Tensor
    anchors: Tensor
    image_size: tuple[int, int]


def per_anchor(x: Tensor, num_anchors: int) -> Tensor:
    """Give each anchor its numbers, in the order of `grid_anchors`: rows, columns, anchors.

    Args:
        x: float (N, num_anchors · L, H, W), a convolution's output: L channels for each anchor.
        num_anchors: anchors at each place.

    Returns:
        float (N, H · W · num_anchors, L).
    """
    N, channels, H, W = x.shape
    x = x.permute(0, 2, 3, 1)  # (N, H, W, num_anchors · L)
    return x.reshape(N, H * W * num_anchors, channels // num_anchors)
