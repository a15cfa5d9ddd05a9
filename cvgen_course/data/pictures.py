"""Pictures from files to tensors: the one border between [0, 255] and [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvgen_course.errors import DataError

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes for grey pictures of 16 bits; ``convert`` would cut them off at 255."""
KINDS = {"I": "whole number", "F": "fraction"}


def to_float(image: Tensor) -> Tensor:
    """Map uint8 in [0, 255] to float32 in [-1, 1]; any shape."""
    return image.float() / 127.5 - 1


def to_bytes(image: Tensor) -> Tensor:
    """Map float in [-1, 1] to the nearest uint8 in [0, 255]; any shape, the rest is cut off."""
    return ((image.clamp(-1, 1) + 1) * 127.5).round().byte()


def read_pixels(source: Path | BinaryIO, name: str = "") -> np.ndarray:
    """Read a picture file in colour.

    Of 16 bits, the upper eight are kept, and transparency is dropped. A camera's note that the
    picture is to be turned is not followed: masks and boxes belong to the pixels as they lie there.

    Args:
        source: a path or an open binary file.
        name: what to call the file in an error; its path where it is empty.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: the file is missing, truncated or no picture, is too large to be one, or holds
            fractions or 32-bit numbers, of which nobody knows what is black and what white.
    """
    return _read(source, name, _colours)


def read_mask(source: Path | BinaryIO, name: str = "") -> Tensor:
    """Read a picture of class indices, with a palette or without.

    Args:
        source: a path or an open binary file.
        name: what to call the file in an error; its path where it is empty.

    Returns:
        int64 (H, W): the numbers in the file, whatever colours a palette gives them.

    Raises:
        DataError: as ``read_pixels``; or it has several channels.
    """
    return torch.from_numpy(_read(source, name, _indices).astype(np.int64))


def _read(
    source: Path | BinaryIO, name: str, convert: Callable[[Image.Image], np.ndarray]
) -> np.ndarray:
    try:
        with Image.open(source) as image:
            return convert(image)
    except Exception as error:  # Pillow's readers raise some ten kinds, with no common ancestor
        raise DataError(
            f"{name or str(source)!r} can't be read as a picture ({error}). "
            "Restore this file from where the data set came from."
        ) from error


def _colours(image: Image.Image) -> np.ndarray:
    if image.mode in SIXTEEN_BITS or (image.mode, image.format) == ("I", "PNG"):  # Pillow 10: "I"
        image = Image.fromarray((np.array(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(
            f"expected 8 or 16 bits in a channel, got a 32-bit {KINDS[image.mode]} per pixel"
        )
    return np.array(image.convert("RGB"))


def _indices(image: Image.Image) -> np.ndarray:
    pixels = np.array(image)
    if pixels.ndim != 2 or image.mode == "F":
        raise ValueError(
            "expected a mask, one whole number per pixel, "
            f"got Pillow's mode {image.mode!r} of shape {pixels.shape}"
        )
    return pixels


def read_image(source: Path | BinaryIO, name: str = "") -> Tensor:
    """Read a picture as float32 (3, H, W) in [-1, 1]; raises as ``read_pixels``."""
    pixels = read_pixels(source, name)  # (H, W, 3)
    return to_float(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())
