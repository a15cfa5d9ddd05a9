"""Oxford-IIIT Pet: cats and dogs, each with a trimap."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch.utils.data import Dataset

from cvgen_course.data.download import fetch, unpack
from cvgen_course.data.folders import Place, locate
from cvgen_course.data.items import IGNORE, SegmentationItem
from cvgen_course.data.pictures import read_image, read_mask
from cvgen_course.data.splits import require_split, shuffled_parts
from cvgen_course.errors import DataError

CLASSES = ("background", "pet")
_INNER = "oxford-iiit-pet"


class OxfordPet(Dataset[SegmentationItem]):
    """Oxford-IIIT Pet (Parkhi, Vedaldi, Zisserman, Jawahar, 2012); items are ``SegmentationItem``.

    ``image`` float32 (3, H, W) in [-1, 1], sizes differ; ``mask`` int64 (H, W): 0 background, 1
    pet, ``IGNORE`` on the border that the trimap leaves open. ``"test"`` is the published one;
    ``"val"`` is a seeded tenth of the published ``trainval``, ``"train"`` the rest. torchvision's
    loader lists the files; a download (800 MB) is checked by the checksums that torchvision
    carries.

    Attributes:
        classes: background and pet.
        ignore_index: ``IGNORE``.
    """

    classes = CLASSES
    ignore_index = IGNORE

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        from torchvision import datasets

        require_split(split)
        lists = tuple(f"{_INNER}/annotations/{name}.txt" for name in ("trainval", "test"))
        markers = (*lists, f"{_INNER}/images/*.jpg", f"{_INNER}/annotations/trimaps/*.png")
        aliases = ("oxford_pet", "oxford-pet")
        folder = locate(Place("oxford_pet", aliases, markers, _download, "torchvision"), root)
        try:
            published = datasets.OxfordIIITPet(
                folder, "test" if split == "test" else "trainval", "segmentation", download=False
            )
            pairs = list(zip(published._images, published._segs, strict=True))
            if not pairs:
                raise ValueError("its list in annotations is empty")
        except (RuntimeError, OSError, ValueError) as error:
            raise DataError(
                f"{str(folder)!r} is no complete Oxford-IIIT Pet ({error}). Restore it, or delete "
                "it and load again."
            ) from error
        if split != "test":
            train, val = shuffled_parts("oxford_pet", len(pairs), 0.9, 0.1)
            pairs = [pairs[i] for i in (train if split == "train" else val)]
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> SegmentationItem:
        image_path, trimap_path = self._pairs[index]
        image, trimap = read_image(image_path), read_mask(trimap_path)
        if trimap.shape != image.shape[1:] or trimap.min() < 1 or trimap.max() > 3:
            raise DataError(f"{str(trimap_path)!r}: expected a trimap of 1, 2 and 3; restore it.")
        table = torch.tensor([IGNORE, 1, 0, IGNORE])  # 1 pet, 2 background, 3 border
        return SegmentationItem(image, table[trimap])


def _download(folder: Path) -> None:
    from torchvision.datasets import OxfordIIITPet

    for url, md5 in OxfordIIITPet._RESOURCES:
        archive = fetch(url, folder / url.rsplit("/", 1)[-1], md5)
        unpack(archive, folder / _INNER)
    for url, _ in OxfordIIITPet._RESOURCES:
        (folder / url.rsplit("/", 1)[-1]).unlink()
