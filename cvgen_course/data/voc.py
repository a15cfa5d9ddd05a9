"""Pascal VOC 2012, semantic segmentation."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from cvgen_course.data.download import fetch, unpack
from cvgen_course.data.folders import Place, locate
from cvgen_course.data.items import IGNORE, SegmentationItem
from cvgen_course.data.pictures import read_image, read_mask
from cvgen_course.data.splits import require_split, shuffled_parts
from cvgen_course.errors import DataError

CLASSES = (
    "background",
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person"),
    *("pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


class VOCSegmentation(Dataset[SegmentationItem]):
    """Pascal VOC 2012 (Everingham et al., 2015), segmentation; items are ``SegmentationItem``.

    ``image`` float32 (3, H, W) in [-1, 1], sizes differ; ``mask`` int64 (H, W): 0 background, 1
    to 20 classes, ``IGNORE`` the uncertain border. Labels of the challenge's test set are not
    public, so ``"test"`` is the published validation set (1,449 images), as papers report it;
    ``"val"`` is a seeded tenth of the published training set (1,464), ``"train"`` the rest.
    torchvision's loader lists the files; a download (2 GB) is checked by the checksum that
    torchvision carries.

    Attributes:
        classes: background and the 20 classes.
        ignore_index: ``IGNORE``.
    """

    classes = CLASSES
    ignore_index = IGNORE

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        from torchvision import datasets

        self._pairs = list_pairs(datasets.VOCSegmentation, "Segmentation", "voc", split, root)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> SegmentationItem:
        image_path, mask_path = self._pairs[index]
        image, mask = read_image(image_path), read_mask(mask_path)
        known = ((mask < len(CLASSES)) | (mask == IGNORE)).all()
        if mask.shape != image.shape[1:] or not known:
            raise DataError(f"{str(mask_path)!r}: expected classes 0 to 20 and 255; restore it.")
        return SegmentationItem(image, mask)


def list_pairs(
    loader: Callable[..., Any],
    lists: str,
    name: str,
    split: str,
    root: str | os.PathLike[str] | None,
) -> list[tuple[Path, Path]]:
    """List the images of a split of VOC 2012, each with the file of its annotation.

    Args:
        loader: torchvision's class for the task.
        lists: the folder in ``ImageSets`` with the task's published lists.
        name: the data set's name in ``load``; the seeded tenth follows from it.
        split: ``"test"`` is the published validation set, ``"val"`` a seeded tenth of the
            published training set, ``"train"`` the rest.
        root: as in ``load``.

    Raises:
        ValueError: an unknown split.
        DataError: the data is missing, incomplete, or can't be downloaded.
    """
    require_split(split)
    markers = tuple(f"VOCdevkit/VOC2012/ImageSets/{lists}/{part}.txt" for part in ("train", "val"))
    folder = locate(Place(name, ("voc", "VOC"), markers, _download, "torchvision"), root)
    try:
        published = loader(
            folder, year="2012", image_set="val" if split == "test" else "train", download=False
        )
        columns = (map(Path, published.images), map(Path, published.targets))
        pairs = list(zip(*columns, strict=True))
        if not pairs:
            raise ValueError(f"its list in ImageSets/{lists} is empty")
    except (RuntimeError, OSError, ValueError) as error:
        raise DataError(
            f"{str(folder)!r} is no complete VOC 2012 ({error}). Restore it, or delete it and "
            "load again."
        ) from error
    if split == "test":
        return pairs
    train, val = shuffled_parts(name, len(pairs), 0.9, 0.1)
    return [pairs[i] for i in (train if split == "train" else val)]


def _download(folder: Path) -> None:
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    published = DATASET_YEAR_DICT["2012"]
    archive = fetch(published["url"], folder / published["filename"], published["md5"])
    unpack(archive, folder)
    archive.unlink()
