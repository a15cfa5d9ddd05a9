"""``glyphs`` as a data set: drawn once, cached, read as tensors."""

from __future__ import annotations

import os

from cvgen_course.data import glyphs
from cvgen_course.data.drawn import drawn_split
from cvgen_course.data.image_set import LabelledImages

SIZES = {"train": 10_000, "val": 1_000, "test": 1_000}
ARRAYS = ("images", "labels")


def load_glyphs(
    split: str, root: str | os.PathLike[str] | None = None, size: int | None = None, seed: int = 0
) -> LabelledImages:
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
    arrays = drawn_split(glyphs, SIZES, ARRAYS, split, root, size, seed)
    return LabelledImages(arrays["images"], arrays["labels"], glyphs.CLASSES)
