"""Where data sets live: the user's cache folder, ``CVGEN_DATA``, or a folder that the caller names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from cvgen_course.errors import DataError


def cache_folder() -> Path:
    """Return the folder for generated and downloaded data; it need not exist yet.

    ``CVGEN_CACHE`` where it is set; else ``cvgen_course`` in the platform's place for caches
    (``%LOCALAPPDATA%``, ``~/Library/Caches``, ``$XDG_CACHE_HOME`` or ``~/.cache``).
    """
    if named := os.environ.get("CVGEN_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cvgen_course"


def named_root(root: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder that the caller or ``CVGEN_DATA`` names, None where neither does.

    Raises:
        DataError: the folder doesn't exist.
    """
    source = "root" if root is not None else "CVGEN_DATA"
    value = root if root is not None else os.environ.get("CVGEN_DATA") or None
    if value is None:
        return None
    path = Path(value).expanduser()
    if not path.is_dir():
        raise DataError(
            f"{source}: expected a folder that holds data sets, got {str(path)!r}, which "
            f"{'is no folder' if path.exists() else 'does not exist'}. "
            "Name another folder, or none at all to use the cache."
        )
    return path


def dataset_folder(root: Path, names: Iterable[str], marker: str) -> Path | None:
    """Find a data set's folder under a root.

    Args:
        root: a folder of data sets, or the data set's own folder.
        names: folder names that the data set goes by, e.g. ``("fashion_mnist", "fashion-mnist")``.
        marker: a glob pattern that only this data set's own folder matches.

    Returns:
        The first of ``root/<name>`` and ``root`` with something that matches the pattern, else None.
    """
    for folder in (*(root / name for name in names), root):
        if folder.is_dir() and next(folder.glob(marker), None) is not None:
            return folder
    return None
