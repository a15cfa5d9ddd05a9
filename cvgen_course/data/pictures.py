"""Pictures from files to tensors: the one border where [0, 255] becomes [-1, 1]."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvgen_course.errors import DataError


def to_float(image: Tensor) -> Tensor:
    """Map uint8 in [0, 255] to float32 in [-1, 1]; any shape."""
    return image.float() / 127.5 - 1


def read_pixels(source: Path | BinaryIO, mode: str, name: str = "") -> np.ndarray:
    """Read a picture file.

    Args:
        source: a path or an open binary file.
        mode: Pillow's mode to convert to, ``"RGB"`` or ``"L"``; ``""`` keeps the file's own, so
            that a palette image gives its indices.
        name: what to call the file in an error; its path where it is empty.

    Returns:
        uint8 (H, W, 3) or (H, W).

    Raises:
        DataError: the file is missing, truncated or no picture.
    """
    try:
        with Image.open(source) as image:
            return np.array(image.convert(mode) if mode else image)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f"{name or str(source)!r} can't be read as a picture ({error}). "
            "Restore this file from where the data set came from."
        ) from error


def read_image(source: Path | BinaryIO, name: str = "") -> Tensor:
    """Read a picture as float32 (3, H, W) in [-1, 1]; raises as ``read_pixels``."""
    pixels = read_pixels(source, "RGB", name)  # (H, W, 3)
    return to_float(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())


def read_mask(source: Path | BinaryIO, name: str = "") -> Tensor:
    """Read a picture of class indices as int64 (H, W); raises as ``read_pixels``."""
    pixels = read_pixels(source, "", name)
    if pixels.ndim != 2:
        raise DataError(f"{name or str(source)!r}: expected one channel, got shape {pixels.shape}.")
    return torch.from_numpy(pixels.astype(np.int64))
