"""Sheets of samples: pictures of what a model makes of the same noise, as its training goes on."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from cvgen_course.data.pictures import to_bytes
from cvgen_course.errors import CourseError
from cvgen_course.files import replacing

NAMES = "samples-*.png"
"""What all sheets in a run's folder are called."""
GAP = 2
"""Pixels of white around each image."""


def write_sheet(folder: Path, step: int, images: Tensor) -> None:
    """Write a sheet of samples, e.g. ``samples-0001000.png``.

    Args:
        folder: the run's folder; is made where it is missing.
        step: how many steps have been done.
        images: in rows, float (rows, columns, C, H, W) in [-1, 1]; C is 1 or 3.

    Raises:
        CourseError: the folder can't be written, or the disk is full.
    """
    path = folder / NAMES.replace("*", f"{step:07d}")
    picture = Image.fromarray(tiled(images).cpu().squeeze(-1).numpy())
    try:
        with replacing(path) as file:
            picture.save(file, "PNG")
    except OSError as error:
        raise CourseError(
            f"{str(path)!r} can't be written ({error}). Make room, or name another folder with "
            "--out."
        ) from error


def tiled(images: Tensor) -> Tensor:
    """Return images side by side, in their rows, on white.

    Args:
        images: float (rows, columns, C, H, W) in [-1, 1]; what is beyond is cut off.

    Returns:
        uint8 (rows · (H + 2) + 2, columns · (W + 2) + 2, C); a single image comes without white.
    """
    channels = images.shape[2]
    sheet = make_grid(images.flatten(0, 1).float(), images.shape[1], GAP, pad_value=1.0)
    pixels = sheet[:channels].permute(1, 2, 0)  # it has three channels, grey or not
    return to_bytes(pixels)
