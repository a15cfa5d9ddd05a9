"""Where data sets live: a cache folder, ``CVGEN_DATA``, or a folder that the caller names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from cvgen_course.errors import DataError
from cvgen_course.files import is_content


@dataclass(frozen=True)
class Place:
    """What a real data set's folder looks like, and how to get one.

    Attributes:
        name: the data set's name in ``load``.
        aliases: names that its folder goes by, the first is used in the cache.
        markers: glob patterns; a folder in which each of them finds something is the data set's.
        download: ``download(folder)`` fills a folder; None where the course downloads nothing.
        source: where the data set comes from, for people.
    """

    name: str
    aliases: tuple[str, ...]
    markers: tuple[str, ...]
    download: Callable[[Path], None] | None
    source: str


def cache_folder() -> Path:
    """Return the folder for generated and downloaded data; it need not exist yet.

    ``CVGEN_CACHE`` where it is set; else ``cvgen_course`` in the platform's place for caches
    (``%LOCALAPPDATA%``, ``~/Library/Caches``, ``$XDG_CACHE_HOME`` or ``~/.cache``).
    """
    if named := os.environ.get("CVGEN_CACHE"):
        return Path(named).expanduser()
    return platformdirs.user_cache_path("cvgen_course", appauthor=False, opinion=False)


def locate(place: Place, root: str | os.PathLike[str] | None) -> Path:
    """Find a real data set's folder; download it into the cache only where nobody named a folder.

    Args:
        place: what to look for.
        root: a folder of data sets or the data set's own; None means ``CVGEN_DATA`` where that is
            set, else the cache.

    Raises:
        DataError: the named folder is missing or has no such data set; or nothing is named and it
            can't be downloaded. The message says what to do.
    """
    source = "root" if root is not None else "CVGEN_DATA"
    named = root if root is not None else os.environ.get("CVGEN_DATA") or None
    if named is None:
        return _from_cache(place)
    base = Path(named).expanduser()
    if not base.is_dir():
        what = "is a file" if base.exists() else "does not exist"
        raise DataError(
            f"{source}: expected a folder that holds data sets, got {str(base)!r}, which {what}. "
            f"Name the folder that {place.name} is in, or none at all."
        )
    for folder in (*(base / alias for alias in place.aliases), base):
        if _is_there(place, folder):
            return folder
    raise DataError(
        f"{source}: expected {place.name} in {str(base)!r}: a folder {place.aliases[0]!r} (or the "
        f"folder itself) with {' and '.join(place.markers)}; there is none. {_advice(place)}"
    )


def _from_cache(place: Place) -> Path:
    folder = cache_folder() / place.aliases[0]
    if _is_there(place, folder):
        return folder
    if place.download is None:
        raise DataError(
            f"{place.name} is not downloaded by the course: get it from {place.source}, and pass "
            f"root=FOLDER or set CVGEN_DATA to the folder that holds {place.aliases[0]!r}."
        )
    place.download(folder)
    if not _is_there(place, folder):
        raise DataError(
            f"{place.name}: what was downloaded to {str(folder)!r} lacks "
            f"{' and '.join(place.markers)}. Delete that folder and try again."
        )
    return folder


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return the paths in a folder that match a glob pattern, sorted; only those of the data.

    Left out are unfinished downloads and what operating systems leave, see ``is_content``.
    """
    found = (path for path in folder.glob(pattern) if is_content(path.relative_to(folder)))
    return sorted(path for path in found if path.suffix != ".part")


def read_words(path: Path) -> list[str]:
    """Read a file of names or labels, separated by white space; a byte order mark is no part.

    Raises:
        DataError: the file is missing, empty or no text.
    """
    try:
        words = path.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{str(path)!r} can't be read ({error}). Restore it.") from error
    if not words:
        raise DataError(f"{str(path)!r} is empty. Restore it.")
    return words


def _is_there(place: Place, folder: Path) -> bool:
    return folder.is_dir() and all(matching(folder, marker) for marker in place.markers)


def _advice(place: Place) -> str:
    if place.download is None:
        return f"Get it from {place.source}."
    return f"Get it from {place.source}, or name no folder to have it downloaded into the cache."
