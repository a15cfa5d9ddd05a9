"""Pictures as they are measured: their pixels, and what of their files may change a number."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from cvgen_course.data.pictures import SIXTEEN_BITS, read_pixels, to_float
from cvgen_course.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
"""The ends of the names of picture files, in lower case."""


class Picture(NamedTuple):
    """An image, and what its file says of it.

    Attributes:
        image: float32 in [-1, 1], (3, H, W); (1, H, W) where all its pixels are grey.
        format: of its file, e.g. ``"PNG"``; empty where it comes from none.
        transparent: whether some of its pixels are.
    """

    image: Tensor
    format: str = ""
    transparent: bool = False


def read_picture(path: Path) -> Picture:
    """Read a picture file; of 16 bits the upper eight are kept, and transparency is dropped.

    Raises:
        DataError: the file can't be read as a picture.
    """
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as image:
            kind, transparent = str(image.format), _is_transparent(image)
    except Exception as error:  # Pillow's readers raise some ten kinds, with no common ancestor
        raise DataError(f"{str(path)!r} can't be read as a picture ({error}).") from error
    pixels = torch.from_numpy(read_pixels(BytesIO(content), repr(str(path))))
    return Picture(to_image(pixels.permute(2, 0, 1)), kind, transparent)


def to_image(pixels: Tensor) -> Tensor:
    """Return pixels in [-1, 1], as one channel where all channels are the same.

    Many programs write grey images in three channels: it is the pixels that count.

    Args:
        pixels: uint8 or float32 (C, H, W), C is 1 or 3; of float32, in [-1, 1] already.
    """
    if len(pixels) == 3 and bool((pixels[0] == pixels[1:]).all()):
        pixels = pixels[:1]
    return (to_float(pixels) if pixels.dtype == torch.uint8 else pixels).contiguous()


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data or image.mode in SIXTEEN_BITS:
        return False
    least, _ = image.convert("RGBA").getchannel("A").getextrema()
    return int(least) < 255  # type: ignore[arg-type]  # of one channel, two numbers
