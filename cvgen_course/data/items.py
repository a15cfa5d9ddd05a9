"""What the data sets hand out: one named tuple per kind of item."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

IGNORE = 255
"""The label of pixels that count neither in a loss nor in a metric (void, unknown border)."""


class ImageItem(NamedTuple):
    """An image and its class.

    Attributes:
        image: float32 (C, H, W) in [-1, 1].
        label: int64, no dimensions.
    """

    image: Tensor
    label: Tensor


class SegmentationItem(NamedTuple):
    """An image and the class of each of its pixels.

    Attributes:
        image: float32 (3, H, W) in [-1, 1].
        mask: int64 (H, W); 0 is background unless the data set says otherwise, ``IGNORE`` is void.
    """

    image: Tensor
    mask: Tensor


class DetectionItem(NamedTuple):
    """An image and the boxes around its objects.

    Attributes:
        image: float32 (3, H, W) in [-1, 1].
        boxes: float32 (K, 4), x1, y1, x2, y2 in pixels; x2 and y2 are exclusive.
        labels: int64 (K,), from 1; 0 is background.
        difficult: bool (K,), which objects the annotators themselves could hardly recognise; None
            where nobody said.
    """

    image: Tensor
    boxes: Tensor
    labels: Tensor
    difficult: Tensor | None = None


class SceneItem(NamedTuple):
    """An image with everything that the tasks of computer vision ask of it.

    Attributes:
        image: float32 (3, H, W) in [-1, 1].
        mask: int64 (H, W), the class of each pixel, 0 is background.
        instances: bool (K, H, W), the visible pixels of each object; no pixel belongs to two.
        boxes: float32 (K, 4), x1, y1, x2, y2 of the visible pixels; x2 and y2 are exclusive.
        labels: int64 (K,), the class of each object, from 1.
    """

    image: Tensor
    mask: Tensor
    instances: Tensor
    boxes: Tensor
    labels: Tensor


class UnpairedItem(NamedTuple):
    """Two images that have nothing to do with each other, one of each domain.

    Attributes:
        a: float32 (3, H, W) in [-1, 1], from the first domain.
        b: float32 (3, H, W) in [-1, 1], from the second domain.
    """

    a: Tensor
    b: Tensor
