"""MNIST and Fashion-MNIST, from the publishers' IDX files.

torchvision's classes read only their own folder shape; this reads the same files wherever they lie,
packed (``.gz``) or not. The download uses torchvision's addresses and checksums.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from cvgen_course.data.download import fetch
from cvgen_course.data.folders import Place, locate
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.data.splits import require_split, shuffled_parts
from cvgen_course.errors import DataError

DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_MARKERS = (
    "train-images-idx3-ubyte*",
    "train-labels-idx1-ubyte*",
    "t10k-images-idx3-ubyte*",
    "t10k-labels-idx1-ubyte*",
)


def load_mnist(split: str, root: str | os.PathLike[str] | None = None) -> LabelledImages:
    """Load MNIST (LeCun, Cortes, Burges, 1998): 28×28 handwritten digits.

    Items are ``ImageItem``: ``image`` float32 (1, 28, 28) in [-1, 1], ``label`` int64. ``"test"``
    is the published test set (10,000); ``"val"`` a seeded tenth of the published training set,
    ``"train"`` the rest. Checked by the checksums that torchvision carries when downloaded.

    Raises:
        ValueError, DataError: as ``load``.
    """
    place = Place(
        "mnist", ("mnist", "MNIST", "MNIST/raw"), _MARKERS, _download_mnist, "torchvision"
    )
    return _read(place, split, root, DIGITS)


def load_fashion_mnist(split: str, root: str | os.PathLike[str] | None = None) -> LabelledImages:
    """Load Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017, arXiv 1708.07747): 28×28 clothes.

    Items, splits and checks as those of MNIST.

    Raises:
        ValueError, DataError: as ``load``.
    """
    aliases = ("fashion_mnist", "fashion-mnist", "FashionMNIST", "FashionMNIST/raw")
    place = Place("fashion_mnist", aliases, _MARKERS, _download_fashion_mnist, "torchvision")
    return _read(place, split, root, CLOTHES)


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of bytes, packed with gzip or not.

    Args:
        path: the file; where it is missing, the same name with ``.gz``.

    Returns:
        uint8, of the shape that the file's head declares.

    Raises:
        DataError: missing, truncated or damaged.
    """
    packed = path.with_name(path.name + ".gz")
    path = packed if packed.exists() and not path.exists() else path
    advice = "Restore this file from where the data set came from, or delete it."
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{str(path)!r} can't be read ({error}). {advice}") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":  # 8 stands for unsigned bytes
        raise DataError(f"{str(path)!r}: expected an IDX file of bytes, got another head. {advice}")
    num_dimensions = content[3]
    start = 4 + 4 * num_dimensions
    shape = tuple(int(n) for n in np.frombuffer(content[4:start].ljust(start - 4, b"\0"), ">u4"))
    if len(content) - start != math.prod(shape):
        raise DataError(
            f"{str(path)!r}: expected {math.prod(shape)} bytes for shape {shape}, got "
            f"{len(content) - start}: it is truncated or damaged. {advice}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _read(
    place: Place, split: str, root: str | os.PathLike[str] | None, classes: tuple[str, ...]
) -> LabelledImages:
    require_split(split)
    folder = locate(place, root)
    prefix = "t10k" if split == "test" else "train"
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte")
    top = labels.max(initial=0)
    if not images.size or images.shape != (*labels.shape, 28, 28) or top >= len(classes):
        raise DataError(
            f"{str(folder)!r}: expected images (N, 28, 28) and as many labels below "
            f"{len(classes)}, got {images.shape} and labels {labels.shape} up to {top}. "
            "Restore the files."
        )
    if split != "test":
        train, val = shuffled_parts(place.name, len(labels), 0.9, 0.1)
        index = train if split == "train" else val
        images, labels = images[index], labels[index]
    return LabelledImages(images[:, None], labels, classes)


def _download_mnist(folder: Path) -> None:
    from torchvision.datasets import MNIST

    _fetch_all(MNIST.mirrors, MNIST.resources, folder)


def _download_fashion_mnist(folder: Path) -> None:
    from torchvision.datasets import FashionMNIST

    _fetch_all(FashionMNIST.mirrors, FashionMNIST.resources, folder)


def _fetch_all(mirrors: list[str], resources: list[tuple[str, str]], folder: Path) -> None:
    for name, md5 in resources:
        for mirror in mirrors:
            try:
                fetch(mirror + name, folder / name, md5)
                break
            except DataError:
                if mirror == mirrors[-1]:
                    raise
