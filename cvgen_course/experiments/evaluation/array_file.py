"""Images in an array in an ``.npz`` file, read a few at a time."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import torch

from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.pictures import LoadedPicture, to_picture

PREFERRED = ("images", "arr_0")
"""Names of the array with the images; where there is none of them, it is the first array."""
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
AT_ONCE = 50
"""Images whose bytes are hashed together."""


class ArrayFile:
    """An array of images: uint8 (N, H, W, C), (N, C, H, W) or (N, H, W), with 1, 3 or 4 channels.

    Nothing in the file is run, and no more of it is in memory than a batch.

    Args:
        argument: who named it, for messages.
        path: an ``.npz`` file, compressed or not.

    Raises:
        CourseError: the file can't be read, or holds something else.
    """

    def __init__(self, argument: str, path: Path) -> None:
        self.argument, self.path = argument, path
        with self._array() as (_, name, shape, dtype, is_fortran):
            self.name, self.shape = name, shape
        self.channels_last = shape[3:] in ((1,), (3,), (4,))
        channels_first = len(shape) == 4 and shape[1] in (1, 3, 4)
        if dtype != np.uint8 or not (len(shape) == 3 or self.channels_last or channels_first):
            raise CourseError(
                f"{argument}: expected images as an array of uint8, (N, H, W, C), (N, C, H, W) or "
                f"(N, H, W), got {name!r} of {dtype} {shape} in {str(path)!r}; statistics alone "
                "are not enough for most metrics"
            )
        if is_fortran:
            raise CourseError(
                f"{argument}: expected an array whose images lie one after another, got one in "
                f"Fortran's order in {str(path)!r}; save numpy.ascontiguousarray(images)"
            )

    def __len__(self) -> int:
        return self.shape[0]

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Go through the array's bytes, its shape first; see `Source`."""
        yield 0, repr(self.shape).encode()
        for pixels in self._parts(AT_ONCE):
            yield len(pixels), pixels.tobytes()

    def batches(self, size: int) -> Iterator[list[LoadedPicture | str]]:
        """Go through the images; see `Source`."""
        for pixels in self._parts(size):
            yield [self._picture(each) for each in torch.from_numpy(pixels)]

    def _picture(self, pixels: torch.Tensor) -> LoadedPicture:
        if pixels.ndim == 2:
            pixels = pixels[None]
        elif self.channels_last:
            pixels = pixels.permute(2, 0, 1)
        return to_picture(pixels)

    def _parts(self, size: int) -> Iterator[np.ndarray]:
        """Go through the array, so many rows at a time."""
        with self._array() as (file, *_):
            for first in range(0, len(self), size):
                shape = (min(size, len(self) - first), *self.shape[1:])
                content = file.read(math.prod(shape))
                if len(content) < math.prod(shape):
                    raise EOFError("it is truncated")
                yield np.frombuffer(content, np.uint8).reshape(shape).copy()

    @contextmanager
    def _array(self) -> Iterator[tuple[IO[bytes], str, tuple[int, ...], np.dtype, bool]]:
        """Open the array: where its data begins, its name, shape and type, and its order."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                members = [m for m in archive.namelist() if m.endswith(".npy")]
                if not members:
                    raise ValueError("it holds no array")
                wanted = [m for m in (f"{name}.npy" for name in PREFERRED) if m in members]
                member = (wanted + members)[0]
                with archive.open(member) as file:
                    shape, fortran, dtype = HEADERS[np.lib.format.read_magic(file)](file)
                    yield file, member.removesuffix(".npy"), shape, dtype, fortran
        except (
            OSError,
            EOFError,
            LookupError,
            ValueError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise CourseError(
                f"{self.argument}: expected an .npz file with an array of images, got "
                f"{str(self.path)!r}, which can't be read ({error})"
            ) from error
