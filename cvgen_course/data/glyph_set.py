"""``glyphs`` as a data set: drawn once, cached, read as tensors."""

from __future__ import annotations

import os

import torch

from cvgen_course.data import glyphs
from cvgen_course.data.cache import Arrays
from cvgen_course.data.drawn import drawn_split
from cvgen_course.data.image_set import LabelledImages

SIZES = {"train": 10_000, "val": 1_000, "test": 1_000}
ARRAYS = ("images", "labels", "slants", "thicknesses")


class Glyphs(LabelledImages):
    """Drawn digits, with what the generator knows about each.

    Args:
        arrays: as ``glyphs.draw_split`` returns them.

    Attributes:
        slants: how far upright strokes lean to the right, in degrees, float32 (N,).
        thicknesses: of the strokes, in pixels, float32 (N,).
    """

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays["images"], arrays["labels"], glyphs.CLASSES)
        self.slants = torch.from_numpy(arrays["slants"])
        self.thicknesses = torch.from_numpy(arrays["thicknesses"])


def load_glyphs(
    split: str, root: str | os.PathLike[str] | None = None, size: int | None = None, seed: int = 0
) -> Glyphs:
    """Draw a split of glyphs, or read it where it was drawn before; items are ``ImageItem``.

    ``image`` float32 (1, 28, 28) in [-1, 1], white on black; ``label`` int64, the digit.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: the folder to cache in; the user's cache folder where it is None.
        size: how many; 10,000, 1,000 and 1,000 where it is None. The first n are always the same.
        seed: another seed draws others of the same kind.

    Raises:
        ValueError: an unknown split or a size below 1.
    """
    return Glyphs(drawn_split(glyphs, SIZES, ARRAYS, split, root, size, seed))
