"""A folder of picture files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cvgen_course.errors import CourseError, DataError
from cvgen_course.experiments.evaluation.pictures import SUFFIXES, LoadedPicture, read_picture
from cvgen_course.files import is_content

AT_ONCE = 250
"""Files whose hashes are computed side by side."""


class ImageFolder:
    """The pictures in a folder and in its subfolders, in the order of their paths.

    Args:
        argument: who named it, for messages.
        folder: other files in it do not matter.

    Raises:
        CourseError: there is no picture.
    """

    def __init__(self, argument: str, folder: Path) -> None:
        self.argument, self.folder = argument, folder
        files = [path for path in folder.rglob("*") if is_content(path.relative_to(folder))]
        self.paths = sorted(
            (path for path in files if path.suffix.lower() in SUFFIXES), key=Path.as_posix
        )
        if not self.paths:
            raise CourseError(
                f"{argument}: expected a folder with images ({', '.join(SUFFIXES)}), got "
                f"{str(folder)!r} with none, {len(files)} other entries"
            )

    def __len__(self) -> int:
        return len(self.paths)

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Go through the files' hashes; see `Source`."""
        with ThreadPoolExecutor() as pool:
            for paths in self._parts(AT_ONCE):
                yield len(paths), b"".join(pool.map(_digest, paths))

    def batches(self, size: int) -> Iterator[list[LoadedPicture | str]]:
        """Go through the pictures; see `Source`."""
        with ThreadPoolExecutor() as pool:
            for paths in self._parts(size):
                yield [*pool.map(self._read, paths)]

    def _parts(self, size: int) -> Iterator[list[Path]]:
        for first in range(0, len(self.paths), size):
            yield self.paths[first : first + size]

    def _read(self, path: Path) -> LoadedPicture | str:
        try:
            return read_picture(path)
        except DataError:
            return path.relative_to(self.folder).as_posix()


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return bytes(32)  # it counts as unreadable later on
