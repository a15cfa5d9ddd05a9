"""Arrays on disk, written whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from cvgen_course.files import replacing

Arrays = dict[str, np.ndarray]


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays as an uncompressed ``.npz`` file, atomically.

    Raises:
        OSError: the folder can't be written, or the disk is full; ``path`` is as it was before.
    """
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # an array is never `allow_pickle`


def read_arrays(path: Path) -> Arrays | None:
    """Read a ``.npz`` file.

    None where there is none, or where it is damaged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception:  # missing, or damaged in one of many ways
        return None


def cached(path: Path, make: Callable[[], Arrays], names: Collection[str]) -> Arrays:
    """Return what ``make`` makes, from the file where it has been made before.

    A damaged file, or one that lacks an array of ``names``, is made anew. Where the folder can't
    be written (a read-only home, a full disk), the arrays are returned all the same, and made again
    the next time.
    """
    arrays = read_arrays(path)
    if arrays is None or arrays.keys() != set(names):
        arrays = make()
        with contextlib.suppress(OSError):
            save_arrays(path, arrays)
    return arrays
