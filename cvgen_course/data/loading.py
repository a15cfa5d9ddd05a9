"""One door to every data set: ``load(name, split, root=None)``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from torch.utils.data import Dataset

from cvgen_course.data.bccd import BCCD
from cvgen_course.data.camvid import CamVid
from cvgen_course.data.cifar10 import load_cifar10
from cvgen_course.data.dsb2018 import DSB2018
from cvgen_course.data.glyph_set import load_glyphs
from cvgen_course.data.horse2zebra import Horse2Zebra
from cvgen_course.data.mnist import load_fashion_mnist, load_mnist
from cvgen_course.data.oxford_pet import OxfordPet
from cvgen_course.data.pair_set import load_pairs
from cvgen_course.data.penn_fudan import PennFudan
from cvgen_course.data.scene_set import load_scenes
from cvgen_course.data.splits import require_split
from cvgen_course.data.voc import VOCSegmentation
from cvgen_course.data.voc_detection import VOCDetection

_LOADERS: dict[str, Callable[..., Dataset[Any]]] = {
    "scenes": load_scenes,
    "glyphs": load_glyphs,
    "pairs": load_pairs,
    "mnist": load_mnist,
    "fashion_mnist": load_fashion_mnist,
    "cifar10": load_cifar10,
    "voc": VOCSegmentation,
    "voc_detection": VOCDetection,
    "penn_fudan": PennFudan,
    "oxford_pet": OxfordPet,
    "horse2zebra": Horse2Zebra,
    "camvid": CamVid,
    "dsb2018": DSB2018,
    "bccd": BCCD,
}

NAMES = tuple(_LOADERS)


def load(
    name: str, split: str, root: str | os.PathLike[str] | None = None, **options: Any
) -> Dataset[Any]:
    """Load a split of a data set.

    Args:
        name: one of ``NAMES``.
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: a folder; None means ``CVGEN_DATA`` where it is set, else the user's cache folder.
        **options: what the data set's own loader takes, e.g. ``size`` for ``"scenes"``.

    Raises:
        ValueError: an unknown name or split.
        DataError: the data is missing, damaged, or can't be downloaded; the message says what to
            do.
    """
    if name not in _LOADERS:
        raise ValueError(f"name: expected one of {', '.join(NAMES)}, got {name!r}")
    require_split(split)
    return _LOADERS[name](split, root, **options)
