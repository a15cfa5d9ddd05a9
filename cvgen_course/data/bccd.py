"""BCCD: red cells, white cells and platelets in blood smears, with boxes."""

from __future__ import annotations

import os

from torch.utils.data import Dataset

from cvgen_course.data.folders import Place, locate, read_words
from cvgen_course.data.items import DetectionItem
from cvgen_course.data.pictures import read_image
from cvgen_course.data.splits import require_split
from cvgen_course.data.voc_xml import read_boxes

CLASSES = ("background", "RBC", "WBC", "Platelets")
_PLACE = Place(
    "bccd",
    ("bccd", "BCCD_Dataset"),
    ("BCCD/Annotations", "BCCD/JPEGImages", "BCCD/ImageSets/Main"),
    None,
    "GitHub (Shenggan/BCCD_Dataset, MIT licence)",
)


class BCCD(Dataset[DetectionItem]):
    """BCCD with its published splits; items are ``DetectionItem``.

    ``image`` float32 (3, 480, 640) in [-1, 1]; ``boxes`` float32 (K, 4), x1, y1, x2, y2 with x2, y2
    exclusive; ``labels`` int64 (K,): 1 red cell, 2 white cell, 3 platelet. The files count pixels
    from 1 and include the last one, so x1 = xmin − 1 and x2 = xmax. Boxes whose two corners are
    one point (two in the published data, in BloodImage_00338 and BloodImage_00343) mark nothing:
    left out.

    Attributes:
        classes: background and the three kinds of cell.
    """

    classes = CLASSES

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        require_split(split)
        self._folder = locate(_PLACE, root) / "BCCD"
        self._names = read_words(self._folder / "ImageSets" / "Main" / f"{split}.txt")

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> DetectionItem:
        name = self._names[index]
        image = read_image(self._folder / "JPEGImages" / f"{name}.jpg")
        boxes = read_boxes(self._folder / "Annotations" / f"{name}.xml", CLASSES)
        return DetectionItem(image, *boxes)
