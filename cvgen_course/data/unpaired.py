"""Two domains of images that have nothing to do with each other, all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cvgen_course.data.image_set import LabelledImages
from cvgen_course.data.items import UnpairedItem
from cvgen_course.data.pictures import to_float


class UnpairedImages(Dataset[UnpairedItem]):
    """Images of two domains; items are ``UnpairedItem``.

    ``a`` and ``b``: float32 (C, H, W) in [-1, 1]. The data set is as long as its longer domain; the
    shorter one begins again. Which ``a`` an image of ``b`` comes with says nothing: a batch takes
    both in the same order, and nobody shuffles them against each other.

    Args:
        a: of the first domain, uint8 (N, C, H, W), N at least 1.
        b: of the second, uint8 (M, C, H, W), M at least 1.
        classes: the domains' names.

    Attributes:
        classes: the domains' names.

    Raises:
        ValueError: a domain is empty, or images of the two have different sizes or channels.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray, classes: Sequence[str]) -> None:
        for name, images in zip("ab", (a, b), strict=True):
            if images.ndim != 4 or not len(images):
                raise ValueError(
                    f"{name}: expected at least one image, (N, C, H, W), got shape {images.shape}"
                )
        if a.shape[1:] != b.shape[1:]:
            raise ValueError(
                "b: expected images of the same channels, height and width as in a, "
                f"{a.shape[1:]}, got {b.shape[1:]}; resize them first"
            )
        self._a, self._b = (torch.from_numpy(np.ascontiguousarray(each)) for each in (a, b))
        self.classes = tuple(classes)

    def __len__(self) -> int:
        return max(self.sizes)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many images each domain has."""
        return len(self._a), len(self._b)

    @cached_property
    def a(self) -> Tensor:
        """All images of the first domain, float32 (N, C, H, W) in [-1, 1]."""
        return to_float(self._a)

    @cached_property
    def b(self) -> Tensor:
        """All images of the second domain, float32 (M, C, H, W) in [-1, 1]."""
        return to_float(self._b)

    def __getitem__(self, index: int) -> UnpairedItem:
        index = range(len(self))[index]  # an IndexError where there is no such item
        a, b = self._a[index % len(self._a)], self._b[index % len(self._b)]
        return UnpairedItem(to_float(a), to_float(b))

    def __getitems__(self, indices: Sequence[int]) -> UnpairedItem:
        """Return a batch: (n, C, H, W) of each domain."""
        everything = range(len(self))  # as in __getitem__
        chosen = torch.tensor([everything[index] for index in indices], dtype=torch.int64)
        a, b = self._a[chosen % len(self._a)], self._b[chosen % len(self._b)]
        return UnpairedItem(to_float(a), to_float(b))

    def labelled(self) -> LabelledImages:
        """Return all images with their domain as a label, 0 or 1: what a judge learns from."""
        images = torch.cat([self._a, self._b]).numpy()
        labels = np.repeat([0, 1], [len(self._a), len(self._b)])
        return LabelledImages(images, labels, self.classes)


def two_classes(items: LabelledImages, a: str, b: str) -> UnpairedImages:
    """Return two classes of a data set as the two domains.

    Args:
        items: e.g. CIFAR-10.
        a: the first domain's class, e.g. ``"horse"``.
        b: the second one's, e.g. ``"deer"``.

    Raises:
        ValueError: the data set has no such class, or no images of it.
    """
    for name, chosen in {"a": a, "b": b}.items():
        if chosen not in items.classes:
            raise ValueError(f"{name}: expected one of {', '.join(items.classes)}, got {chosen!r}")
    of_a, of_b = (items.pixels_of(chosen) for chosen in (a, b))
    return UnpairedImages(of_a, of_b, (a, b))
