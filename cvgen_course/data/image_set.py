"""A data set of small images with one label each, all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cvgen_course.data.items import ImageItem
from cvgen_course.data.pictures import to_float


class LabelledImages(Dataset[ImageItem]):
    """Images of one size with one label each; items are ``ImageItem``.

    ``image`` float32 (C, H, W) in [-1, 1]; ``label`` int64 without dimensions.

    Args:
        images: uint8 (N, C, H, W).
        labels: whole numbers (N,), positions in ``classes``.
        classes: the classes' names.

    Attributes:
        classes: the classes' names.
        labels: all labels, int64 (N,).
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> None:
        self._images = torch.from_numpy(np.ascontiguousarray(images))
        self.labels = torch.from_numpy(labels.astype(np.int64))
        self.classes = tuple(classes)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def images(self) -> Tensor:
        """All images, float32 (N, C, H, W) in [-1, 1]."""
        return to_float(self._images)

    def pixels_of(self, name: str) -> np.ndarray:
        """Return the images of a class, uint8 (n, C, H, W)."""
        return self._images[self.labels == self.classes.index(name)].numpy()

    def __getitem__(self, index: int) -> ImageItem:
        return ImageItem(to_float(self._images[index]), self.labels[index])

    def __getitems__(self, indices: Sequence[int]) -> list[ImageItem]:
        """Return several items: what a batch is made of, many times faster than one by one."""
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        images, labels = to_float(self._images[chosen]), self.labels[chosen]
        return [ImageItem(*item) for item in zip(images.unbind(), labels.unbind(), strict=True)]
