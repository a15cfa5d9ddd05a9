"""DSB2018: cell nuclei under the microscope, with a mask for each nucleus."""

from __future__ import annotations

import io
import os
import zipfile
from collections import defaultdict
from pathlib import PurePosixPath

import torch
from torch.utils.data import Dataset

from cvgen_course.data.folders import Place, locate, matching
from cvgen_course.data.instances import number_masks, scene_item
from cvgen_course.data.items import SceneItem
from cvgen_course.data.pictures import read_image, read_mask
from cvgen_course.data.splits import SPLITS, require_split, shuffled_parts
from cvgen_course.errors import DataError
from cvgen_course.files import is_content

CLASSES = ("background", "nucleus")
_PLACE = Place(
    "dsb2018",
    ("dsb2018", "dsb2018-nuclei"),
    ("stage1_train*.zip",),
    None,
    "the Broad Bioimage Benchmark Collection (BBBC038, stage 1, CC0), as stage1_train*.zip",
)


class DSB2018(Dataset[SceneItem]):
    """Nuclei of the 2018 Data Science Bowl (Caicedo et al., 2019), stage 1.

    Items are ``SceneItem``:
    ``image`` float32 (3, H, W) in [-1, 1]; ``mask`` int64 (H, W), 1 on nuclei; ``instances`` bool
    (K, H, W); ``boxes`` float32 (K, 4); ``labels`` int64 (K,), all 1. Read straight from the zip
    file. Where two published masks overlap, the one whose file comes first by name keeps the
    pixel. There are no published splits with labels: seeded parts of 70, 15 and 15 %.

    Attributes:
        classes: background and nucleus.
    """

    classes = CLASSES

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        require_split(split)
        folder = locate(_PLACE, root)
        self._path = matching(folder, "stage1_train*.zip")[0]
        images, self._masks = self._list()
        parts = shuffled_parts("dsb2018", len(images), 0.7, 0.15, 0.15)
        keys = sorted(images)
        self._items = [(images[keys[i]], keys[i]) for i in parts[SPLITS.index(split)]]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> SceneItem:
        name, key = self._items[index]
        try:
            with zipfile.ZipFile(self._path) as archive:
                members = (name, *self._masks[key])
                files = [(io.BytesIO(archive.read(member)), member) for member in members]
        except Exception as error:  # what zipfile and its decoders raise has no common ancestor
            raise self._damaged(error) from error
        image = read_image(*files[0])
        masks = [read_mask(*file).numpy() for file in files[1:]]
        if any(mask.shape != image.shape[1:] for mask in masks):
            raise self._damaged(f"a mask of {name!r} has another size than the image")
        ids = torch.from_numpy(number_masks(masks, *image.shape[1:]))
        return scene_item(image, ids, torch.ones(int(ids.max()), dtype=torch.int64))

    def _list(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Return each image's member name and its masks' names, by the image's key."""
        try:
            with zipfile.ZipFile(self._path) as archive:
                names = sorted(archive.namelist())
        except Exception as error:  # as above
            raise self._damaged(error) from error
        images, masks = {}, defaultdict(list)
        for name in names:
            path = PurePosixPath(name)
            if path.suffix != ".png" or not is_content(path):
                continue
            *_, key, kind, _file = ("", "", *path.parts)
            if kind == "images":
                images[key] = name
            elif kind == "masks":
                masks[key].append(name)
        if not images or set(images) != set(masks):
            raise self._damaged("expected <key>/images/*.png with <key>/masks/*.png beside it")
        return images, masks

    def _damaged(self, why: object) -> DataError:
        return DataError(
            f"{str(self._path)!r} is damaged ({why}). Restore it from {_PLACE.source}."
        )
