"""Convolutions that answer for every anchor of every place, and the order of their answers."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from cvgen_course.precision import at_least_float32


class DensePredictions(NamedTuple):
    """What a network says about every anchor of N images.

    Attributes:
        logits: float32 (N, A, L), L numbers for each anchor: of its classes, or of "object" alone.
        deltas: float32 (N, A, 4), how each anchor should move; see `encode_boxes`.
        anchors: float32 (A, 4), the same for all images.
        image_size: (H, W) in pixels.
    """

    logits: Tensor
    deltas: Tensor
    anchors: Tensor
    image_size: tuple[int, int]


def anchors_per_place(sizes: tuple[tuple[float, ...], ...], ratios: tuple[float, ...]) -> int:
    """Return how many anchors stand at each place of each map.

    Args:
        sizes: sides of the anchors in pixels, as many for each map.
        ratios: heights of the anchors divided by their widths.

    Raises:
        ValueError: two maps have different numbers of sizes: their answers come from convolutions
            of one shape.
    """
    counts = [len(of_map) for of_map in sizes]
    if len(set(counts)) != 1:
        raise ValueError(f"sizes: expected as many for each map, got {counts}")
    return counts[0] * len(ratios)


def per_anchor(x: Tensor, num_anchors: int) -> Tensor:
    """Give each anchor its numbers, in the order of `grid_anchors`: rows, columns, anchors.

    Args:
        x: float (N, num_anchors · L, H, W), a convolution's output: L channels for each anchor.
        num_anchors: anchors at each place.

    Returns:
        (N, H · W · num_anchors, L), float32 at least: boxes are made of such numbers.
    """
    N, channels, H, W = x.shape
    x = at_least_float32(x).permute(0, 2, 3, 1)  # (N, H, W, num_anchors · L)
    return x.reshape(N, H * W * num_anchors, channels // num_anchors)
