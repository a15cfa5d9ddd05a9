"""What a generator draws, drawn once and then read from the cache."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

from cvgen_course.data.cache import Arrays, cached
from cvgen_course.data.folders import cache_folder
from cvgen_course.data.splits import require_split
from cvgen_course.provenance import code_hash


def drawn_split(
    generator: ModuleType,
    sizes: dict[str, int],
    names: Collection[str],
    split: str,
    root: str | os.PathLike[str] | None,
    size: int | None,
    seed: int,
) -> Arrays:
    """Draw the first ``size`` items of a split, or read them where they were drawn before.

    Args:
        generator: a module of this package with ``draw_split(split, size, seed)``. When its code
            changes, all is drawn anew.
        sizes: how many items each split has where ``size`` is None.
        names: of the arrays that it draws; a file in the cache that lacks one is damaged.
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: the folder to cache in; the user's cache folder where it is None.
        size: how many items.
        seed: of the world to draw.

    Raises:
        ValueError: an unknown split or a size below 1.
    """
    require_split(split)
    size = sizes[split] if size is None else size
    if size < 1:
        raise ValueError(f"size: expected at least 1, got {size}")
    name = generator.__name__
    folder = Path(root).expanduser() if root is not None else cache_folder()
    path = folder / name.rpartition(".")[2] / f"{split}-{size}-{seed}-{code_hash(name)}.npz"
    return cached(path, lambda: generator.draw_split(split, size, seed), names)
