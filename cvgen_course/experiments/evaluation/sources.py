"""Where images come from: a folder, an array in a file, a data set of the course."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from cvgen_course.data import NAMES
from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.array_file import ArrayFile
from cvgen_course.experiments.evaluation.image_folder import ImageFolder
from cvgen_course.experiments.evaluation.named_set import NamedSet
from cvgen_course.experiments.evaluation.pictures import LoadedPicture

Advance = Callable[[int], None]
"""What is told how many images have been done since it was last told."""


class Source(Protocol):
    """Images in a certain order, of which only a batch need be in memory.

    Attributes:
        argument: who named them, for messages.
    """

    argument: str

    def __len__(self) -> int:
        """Return how many there are, the unreadable ones included."""

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Go through all that the images follow from.

        Yields:
            A number of images, and bytes: theirs, or a hash of them.
        """

    def batches(self, size: int) -> Iterator[list[LoadedPicture | str]]:
        """Go through the images, so many at a time; a file's name stands for an unreadable one."""


def find_source(argument: str, text: str) -> Source:
    """Return the images that somebody means.

    Args:
        argument: whose text it is, for messages.
        text: a data set's name, perhaps with a split (``"mnist:test"``; else ``train``); or the
            path of a folder or of an ``.npz`` file. A name comes first: ``./mnist`` is a folder.

    Raises:
        CourseError: there is no such thing, or nothing in it.
    """
    name, _, split = text.partition(":")
    if name in NAMES:
        return NamedSet(argument, name, split or "train")
    path = Path(text).expanduser()
    if path.is_dir():
        return ImageFolder(argument, path)
    if path.suffix == ".npz" and path.is_file():
        return ArrayFile(argument, path)
    what = "which is another file" if path.exists() else "which does not exist"
    raise CourseError(
        f"{argument}: expected a folder of images, an .npz file, or a data set (one of "
        f"{', '.join(NAMES)}; mnist:test names a split), got {text!r}, {what}"
    )


def content_digest(source: Source, advance: Advance) -> str:
    """Return the SHA-256 of all that a source's images follow from, their order included."""
    digest = hashlib.sha256()
    for num, content in source.contents():
        digest.update(content)
        advance(num)
    return digest.hexdigest()
