"""A split of one of the course's data sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from cvgen_course.data import load
from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.pictures import LoadedPicture, to_picture

AT_ONCE = 50
"""Images whose bytes are hashed together."""


class NamedSet:
    """The images of a data set, without their labels.

    Args:
        argument: who named it, for messages.
        name: a data set's name.
        split: ``"train"``, ``"val"`` or ``"test"``.

    Raises:
        CourseError: there is no such split, the data is missing, or its items hold two images.
    """

    def __init__(self, argument: str, name: str, split: str) -> None:
        self.argument = argument
        try:
            self.items: Any = load(name, split)
        except ValueError as error:
            raise CourseError(f"{argument}: {error}") from None
        if not hasattr(self.items[0], "image"):
            raise CourseError(
                f"{argument}: expected a data set with one image an item, got {name}, which has "
                "two domains; name a folder, or an .npz file, with the images of one of them"
            )

    def __len__(self) -> int:
        return len(self.items)

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Go through the images' shapes and bytes; see `Source`."""
        for images in self._parts(AT_ONCE):
            parts = (repr(tuple(x.shape)).encode() + x.numpy().tobytes() for x in images)
            yield len(images), b"".join(parts)

    def batches(self, size: int) -> Iterator[list[LoadedPicture | str]]:
        """Go through the images; see `Source`."""
        for images in self._parts(size):
            yield [to_picture(image) for image in images]

    def _parts(self, size: int) -> Iterator[list[Tensor]]:
        for first in range(0, len(self), size):
            numbers = range(first, min(first + size, len(self)))
            yield [item.image for item in self._several(numbers)]

    def _several(self, numbers: Sequence[int]) -> list[Any]:
        if hasattr(self.items, "__getitems__"):
            return self.items.__getitems__(numbers)
        return [self.items[i] for i in numbers]
