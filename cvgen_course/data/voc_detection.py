"""Pascal VOC 2012, detection."""

from __future__ import annotations

import os

from torch.utils.data import Dataset

from cvgen_course.data.items import DetectionItem
from cvgen_course.data.pictures import read_image
from cvgen_course.data.voc import CLASSES, list_pairs
from cvgen_course.data.voc_xml import read_boxes


class VOCDetection(Dataset[DetectionItem]):
    """Pascal VOC 2012 (Everingham et al., 2015), detection; items are ``DetectionItem``.

    ``image`` float32 (3, H, W) in [-1, 1], sizes differ; ``boxes`` float32 (K, 4), x1, y1, x2, y2
    with x2, y2 exclusive; ``labels`` int64 (K,), 1 to 20; ``difficult`` bool (K,),
    which of them nobody is asked to find: some images have no other object.

    Boxes of the challenge's test set are not public, so ``"test"`` is the published validation set
    (5,823 images); ``"val"`` is a seeded tenth of the published training set (5,717), ``"train"``
    the rest. Folder and download are those of ``VOCSegmentation``, the splits are not: an image of
    ``"train"`` here may be in ``"val"`` there.

    Attributes:
        classes: background and the 20 classes.
    """

    classes = CLASSES

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        from torchvision import datasets

        self._pairs = list_pairs(datasets.VOCDetection, "Main", "voc_detection", split, root)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> DetectionItem:
        image_path, xml_path = self._pairs[index]
        return DetectionItem(read_image(image_path), *read_boxes(xml_path, CLASSES))
