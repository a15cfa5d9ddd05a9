"""Pictures as they are measured: their pixels, and what of their files may change a number."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvgen_course.data.pictures import SIXTEEN_BITS, read_pixels, to_float
from cvgen_course.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
"""The ends of the names of picture files, in lower case."""


class LoadedPicture(NamedTuple):
    """An image, and what its file says of it.

    Attributes:
        image: float32 in [-1, 1], (3, H, W); (1, H, W) where all its pixels are grey.
        format: of its file, e.g. ``"PNG"``; empty where it comes from none.
        transparent: whether some of its pixels are.
    """

    image: Tensor
    format: str = ""
    transparent: bool = False


def read_picture(path: Path) -> LoadedPicture:
    """Read a picture file; of 16 bits the upper eight are kept, and transparency is dropped.

    Raises:
        DataError: the file can't be read as a picture.
    """
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as image:
            kind = str(image.format)
            if image.has_transparency_data and image.mode not in SIXTEEN_BITS:
                pixels = np.array(image.convert("RGBA"))
            else:
                pixels = read_pixels(BytesIO(content), path.name)
    except Exception as error:  # Pillow's readers raise some ten kinds, with no common ancestor
        raise DataError(f"{str(path)!r} can't be read as a picture ({error}).") from error
    return to_picture(torch.from_numpy(pixels).permute(2, 0, 1), kind)


def to_picture(pixels: Tensor, kind: str = "") -> LoadedPicture:
    """Return pixels as a picture, with one channel where all channels are the same.

    Many programs write grey images in three channels: it is the pixels that count.

    Args:
        pixels: (C, H, W): uint8, or float32 in [-1, 1]; C is 1, 3, or 4 with opacity.
        kind: the file's format.
    """
    opacity, pixels = pixels[3:], pixels[:3]
    if len(pixels) == 3 and bool((pixels[0] == pixels[1:]).all()):
        pixels = pixels[:1]
    image = pixels if pixels.is_floating_point() else to_float(pixels)
    return LoadedPicture(image.contiguous(), kind, bool((opacity < 255).any()))
