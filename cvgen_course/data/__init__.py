"""Data sets: drawn ones that need nothing, and real ones, all through ``load(name, split)``."""

from cvgen_course.data.items import (
    IGNORE,
    DetectionItem,
    ImageItem,
    SceneItem,
    SegmentationItem,
    UnpairedItem,
)
from cvgen_course.data.loading import NAMES, load
from cvgen_course.data.pictures import to_bytes
from cvgen_course.data.scenes import CLASSES
from cvgen_course.data.unpaired import UnpairedImages, two_classes

__all__ = [
    "CLASSES",
    "IGNORE",
    "NAMES",
    "DetectionItem",
    "ImageItem",
    "SceneItem",
    "SegmentationItem",
    "UnpairedImages",
    "UnpairedItem",
    "load",
    "to_bytes",
    "two_classes",
]
