"""``scenes`` as a data set: drawn once, cached, read as tensors."""

from __future__ import annotations

import os
from functools import cached_property

import torch
from torch import Tensor
from torch.utils.data import Dataset

from cvgen_course.data import scenes
from cvgen_course.data.cache import Arrays
from cvgen_course.data.drawn import drawn_split
from cvgen_course.data.instances import scene_item
from cvgen_course.data.items import SceneItem, SegmentationItem
from cvgen_course.data.pictures import to_float

SIZES = {"train": 2000, "val": 250, "test": 250}
ARRAYS = ("images", "ids", "labels")


class Scenes(Dataset[SceneItem]):
    """Drawn scenes with everything known about them; items are ``SceneItem``.

    ``image`` float32 (3, 64, 64) in [-1, 1]; ``mask`` int64 (64, 64); ``instances`` bool (K, 64,
    64); ``boxes`` float32 (K, 4); ``labels`` int64 (K,), 3 ≤ K ≤ 8. What counts as visible: see
    ``scenes.py``.

    ``__getitems__(indices)`` is a batch for a training: what has one size in all scenes, images
    (N, 3, 64, 64) and masks (N, 64, 64), as a ``SegmentationItem``. A ``DataLoader`` takes it as it
    is with ``collate_fn=lambda batch: batch``.

    Args:
        arrays: ``images`` uint8 (N, 3, 64, 64); ``ids`` uint8 (N, 64, 64), 0 where no object is
            visible, else the object's number from 1; ``labels`` uint8 (N, 8), each object's
            class, 0 after the last.

    Attributes:
        classes: the classes' names; a label is a position in it.
    """

    classes = scenes.CLASSES

    def __init__(self, arrays: Arrays) -> None:
        self._images = torch.from_numpy(arrays["images"])
        self._ids = torch.from_numpy(arrays["ids"])
        self._labels = torch.from_numpy(arrays["labels"])

    def __len__(self) -> int:
        return len(self._images)

    @cached_property
    def images(self) -> Tensor:
        """All images, float32 (N, 3, 64, 64) in [-1, 1]."""
        return to_float(self._images)

    @cached_property
    def masks(self) -> Tensor:
        """All semantic masks, int64 (N, 64, 64)."""
        # A table per scene from an object's number to its class, with background in front.
        table = torch.nn.functional.pad(self._labels.long(), (1, 0))  # (N, 1 + 8)
        return table.gather(1, self._ids.long().flatten(1)).view(self._ids.shape)

    def __getitem__(self, index: int) -> SceneItem:
        ids, labels = self._ids[index].long(), self._labels[index].long()
        return scene_item(to_float(self._images[index]), ids, labels[labels > 0])

    def __getitems__(self, indices: list[int]) -> SegmentationItem:
        return SegmentationItem(self.images[indices], self.masks[indices])


def load_scenes(
    split: str, root: str | os.PathLike[str] | None = None, size: int | None = None, seed: int = 0
) -> Scenes:
    """Draw a split of scenes, or read it where it was drawn before.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: the folder to cache in; the user's cache folder where it is None.
        size: how many scenes; 2,000, 250 and 250 where it is None. The first n are the same for
            every size.
        seed: another seed is another world of the same kind.

    Raises:
        ValueError: an unknown split or a size below 1.
    """
    return Scenes(drawn_split(scenes, SIZES, ARRAYS, split, root, size, seed))
