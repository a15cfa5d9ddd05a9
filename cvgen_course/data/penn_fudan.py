"""Penn-Fudan: pedestrians on streets and campuses, with a mask for each."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch.utils.data import Dataset

from cvgen_course.data.download import fetch, unpack
from cvgen_course.data.folders import Place, locate, matching
from cvgen_course.data.instances import scene_item
from cvgen_course.data.items import SceneItem
from cvgen_course.data.pictures import read_image, read_mask
from cvgen_course.data.splits import SPLITS, require_split, shuffled_parts
from cvgen_course.errors import DataError

CLASSES = ("background", "pedestrian")
URL = "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip"


class PennFudan(Dataset[SceneItem]):
    """Penn-Fudan pedestrians (Wang, Shi, Song, Shen, 2007), 170 images; items are ``SceneItem``.

    ``image`` float32 (3, H, W) in [-1, 1], sizes differ; ``mask`` int64 (H, W), 1 on pedestrians;
    ``instances`` bool (K, H, W); ``boxes`` float32 (K, 4) of the masks; ``labels`` int64 (K,),
    all 1. No splits are published: seeded parts of 70, 15 and 15 %. The publisher gives no
    checksum, so that a download is checked by the archive's own CRCs and its structure.

    Attributes:
        classes: background and pedestrian.
    """

    classes = CLASSES

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        require_split(split)
        markers = ("PNGImages/*.png", "PedMasks/*_mask.png")
        aliases = ("PennFudanPed", "penn_fudan", "penn_fudan/PennFudanPed")
        folder = locate(Place("penn_fudan", aliases, markers, _download, URL), root)
        images = matching(folder / "PNGImages", "*.png")
        parts = shuffled_parts("penn_fudan", len(images), 0.7, 0.15, 0.15)
        self._images = [images[i] for i in parts[SPLITS.index(split)]]
        self._masks = [folder / "PedMasks" / f"{path.stem}_mask.png" for path in self._images]
        missing = [path for path in self._masks if not path.exists()]
        if missing:
            raise DataError(
                f"{str(missing[0])!r} is missing. Restore it, or delete {str(folder)!r}."
            )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> SceneItem:
        image = read_image(self._images[index])
        pixels = read_mask(self._masks[index])
        if pixels.shape != image.shape[1:]:
            raise DataError(f"{str(self._masks[index])!r}: expected the image's size; restore it.")
        # Whatever the numbers, count 0, 1, 2, …
        numbers, ids = pixels.unique(return_inverse=True)
        if numbers[0] != 0:  # no background at all
            ids = ids + 1
        return scene_item(image, ids, torch.ones(int(ids.max()), dtype=torch.int64))


def _download(folder: Path) -> None:
    archive = fetch(URL, folder.parent / "PennFudanPed.zip")
    unpack(archive, folder.parent)  # the archive holds one folder, PennFudanPed
    archive.unlink()
