"""One door to every data set: ``load(name, split, root=None)``."""

from __future__ import annotations

import os
from typing import Any

from torch.utils.data import Dataset

from cvgen_course.data.scene_set import load_scenes
from cvgen_course.data.splits import require_split

_LOADERS = {
    "scenes": load_scenes,
}

NAMES = tuple(_LOADERS)


def load(
    name: str, split: str, root: str | os.PathLike[str] | None = None, **options: Any
) -> Dataset:
    """Load a split of a data set.

    Args:
        name: one of ``NAMES``.
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: a folder; None means ``CVGEN_DATA`` where it is set, else the user's cache folder.
        **options: what the data set's own loader takes, e.g. ``size`` for ``"scenes"``.

    Raises:
        ValueError: an unknown name or split.
        DataError: the data is missing, damaged, or can't be downloaded; the message says what to do.
    """
    if name not in _LOADERS:
        raise ValueError(f"name: expected one of {', '.join(NAMES)}, got {name!r}")
    require_split(split)
    return _LOADERS[name](split, root, **options)
