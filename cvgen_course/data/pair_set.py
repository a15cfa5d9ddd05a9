"""``pairs`` as a data set: drawn once, cached, read as tensors."""

from __future__ import annotations

import os
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from cvgen_course.data import pairs
from cvgen_course.data.cache import Arrays
from cvgen_course.data.drawn import drawn_split
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.data.pictures import to_float
from cvgen_course.data.unpaired import UnpairedImages

SIZES = {"train": 2000, "val": 250, "test": 250}
ARRAYS = ("a", "b", "truths", "neither", "animals")


class UnpairedAnimals(UnpairedImages):
    """Plain animals and striped ones, with what the generator knows; items are ``UnpairedItem``.

    ``a`` (plain) and ``b`` (striped, another animal): float32 (3, 32, 32) in [-1, 1].

    Args:
        arrays: as ``pairs.draw_split`` returns them.
    """

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays["a"], arrays["b"], pairs.DOMAINS)
        self._arrays = arrays

    @cached_property
    def truths(self) -> Tensor:
        """The true translation of each plain animal: the same picture with stripes.

        float32 (N, 3, 32, 32) in [-1, 1]. It is there to measure with; who trains with it has
        paired images. (A striped animal has no such one: its brown could have been any.)
        """
        return to_float(torch.from_numpy(self._arrays["truths"]))

    @cached_property
    def animals(self) -> Tensor:
        """How much of each pixel of ``a`` is animal, float32 (N, 1, 32, 32) in [0, 1]."""
        return torch.from_numpy(self._arrays["animals"])[:, None].float() / 255

    @cached_property
    def neither(self) -> Tensor:
        """Animals whose coat is neither plain nor rightly striped, float32 (N, 3, 32, 32)."""
        return to_float(torch.from_numpy(self._arrays["neither"]))

    def labelled(self) -> LabelledImages:
        """Return all images with labels: 0 plain, 1 striped, 2 neither."""
        parts = [self._arrays[name] for name in ("a", "b", "neither")]
        labels = np.repeat([0, 1, 2], [len(part) for part in parts])
        return LabelledImages(np.concatenate(parts), labels, (*pairs.DOMAINS, pairs.NEITHER))


def load_pairs(
    split: str, root: str | os.PathLike[str] | None = None, size: int | None = None, seed: int = 0
) -> UnpairedAnimals:
    """Draw a split of pairs, or read it where it was drawn before.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: the folder to cache in; the user's cache folder where it is None.
        size: how many animals of each domain; 2,000, 250 and 250 where it is None. The first n are
            always the same.
        seed: another seed draws others of the same kind.

    Raises:
        ValueError: an unknown split or a size below 1.
    """
    return UnpairedAnimals(drawn_split(pairs, SIZES, ARRAYS, split, root, size, seed))
