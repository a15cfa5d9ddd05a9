"""Instance masks and what follows from them: boxes, and a mask of classes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from cvgen_course.data.items import SceneItem


def boxes_of(instances: Tensor) -> Tensor:
    """Return the tight boxes around masks.

    Args:
        instances: bool (K, H, W), none of them empty.

    Returns:
        float32 (K, 4), x1, y1, x2, y2 in pixels, x2 and y2 exclusive: a single pixel has width 1.
    """
    height, width = instances.shape[-2:]
    columns, rows = instances.any(dim=1).byte(), instances.any(dim=2).byte()  # (K, W), (K, H)
    x1, y1 = columns.argmax(dim=1), rows.argmax(dim=1)
    x2, y2 = width - columns.flip(1).argmax(dim=1), height - rows.flip(1).argmax(dim=1)
    return torch.stack([x1, y1, x2, y2], dim=1).float()


def number_masks(masks: Iterable[np.ndarray], height: int, width: int) -> np.ndarray:
    """Number objects by their masks; where two overlap, the earlier one keeps the pixel.

    Args:
        masks: arrays (height, width), zero outside the object; empty ones get no number.
        height: of the picture.
        width: of the picture.

    Returns:
        int64 (height, width), 0 is background, objects are 1, 2, 3, …, each with a pixel at least.
    """
    ids = np.zeros((height, width), np.int64)
    count = 0
    for mask in masks:
        free = (mask > 0) & (ids == 0)
        if free.any():
            count += 1
            ids[free] = count
    return ids


def scene_item(image: Tensor, ids: Tensor, labels: Tensor) -> SceneItem:
    """Make an item from numbered objects.

    Args:
        image: float32 (3, H, W) in [-1, 1].
        ids: int64 (H, W), 0 is background, k + 1 is the k-th object; each has a pixel at least.
        labels: int64 (K,), the class of each object, from 1.
    """
    mask = torch.cat([labels.new_zeros(1), labels])[ids]
    instances = ids == torch.arange(1, len(labels) + 1)[:, None, None]  # (K, H, W)
    return SceneItem(image, mask, instances, boxes_of(instances), labels)
