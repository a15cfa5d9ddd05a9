"""CIFAR-10: 32×32 photographs of ten classes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from cvgen_course.data.download import fetch, unpack
from cvgen_course.data.folders import Place, locate, matching, read_words
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.data.pictures import read_pixels
from cvgen_course.data.splits import require_split, shuffled_parts
from cvgen_course.errors import DataError

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_ALIASES = ("cifar10", "CIFAR10", "cifar-10")


def load_cifar10(split: str, root: str | os.PathLike[str] | None = None) -> LabelledImages:
    """Load CIFAR-10 (Krizhevsky, 2009, "Learning multiple layers of features from tiny images").

    Items are ``ImageItem``: ``image`` float32 (3, 32, 32) in [-1, 1], ``label`` int64. Two folder
    shapes are read:

    - the publisher's ``cifar-10-batches-py``, by torchvision, which checks each file: ``"test"``
    is the
      published test set, ``"val"`` a seeded tenth of the published training set;
    - sheets ``cifar10_batch_*.png`` (one image per row: 1,024 RGB pixels) with one
      ``cifar10_batch_*_labels.txt`` (one label a line). Sheets publish no splits: seeded parts of
      80, 10 and 10 %.

    A download is checked by the checksum that torchvision carries.

    Raises:
        ValueError, DataError: as ``load``.
    """
    require_split(split)
    place = Place("cifar10", _ALIASES, ("cifar*10*batch*",), _download, "torchvision's CIFAR10")
    folder = locate(place, root)
    if (folder / "cifar-10-batches-py").is_dir():
        return _read_batches(folder, split)
    return _read_sheets(folder, split)


def _read_batches(folder: Path, split: str) -> LabelledImages:
    """Read the publisher's batches; they are pickled, so torchvision checks their MD5 first."""
    from torchvision.datasets import CIFAR10

    try:
        published = CIFAR10(folder, train=split != "test", download=False)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"{str(folder / 'cifar-10-batches-py')!r} is damaged or incomplete ({error}). "
            "Delete that folder and load again, or restore it."
        ) from error
    images, labels = published.data.transpose(0, 3, 1, 2), np.array(published.targets)
    if split != "test":
        train, val = shuffled_parts("cifar10", len(labels), 0.9, 0.1)
        index = train if split == "train" else val
        images, labels = images[index], labels[index]
    return LabelledImages(images, labels, CLASSES)


def _read_sheets(folder: Path, split: str) -> LabelledImages:
    sheets = sorted(
        matching(folder, "cifar10_batch_*.png"),
        key=lambda path: int(re.findall(r"\d+", path.stem)[-1]),
    )
    texts = matching(folder, "cifar10_batch_*labels.txt")
    if not sheets or not texts:
        raise DataError(f"{str(folder)!r}: expected sheets and a file of labels; restore them.")
    rows = [read_pixels(sheet) for sheet in sheets]  # (n, 1024, 3) each
    words = [word for text in texts for word in read_words(text)]
    if any(row.shape[1] != 1024 for row in rows) or sum(map(len, rows)) != len(words):
        raise DataError(
            f"{str(folder)!r}: expected rows of 1024 pixels and a label for each, got sheets "
            f"{[row.shape[:2] for row in rows]} and {len(words)} labels. Restore the files."
        )
    if not set(words) <= set("0123456789"):
        raise DataError(f"{str(texts[0])!r}: expected labels 0 to 9, got others. Restore the file.")
    parts = dict(
        zip(
            ("train", "val", "test"),
            shuffled_parts("cifar10", len(words), 0.8, 0.1, 0.1),
            strict=True,
        )
    )
    images = np.concatenate(rows).reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)[parts[split]]
    return LabelledImages(images, np.array(words, np.int64)[parts[split]], CLASSES)


def _download(folder: Path) -> None:
    from torchvision.datasets import CIFAR10

    archive = fetch(CIFAR10.url, folder / CIFAR10.filename, CIFAR10.tgz_md5)
    unpack(archive, folder)
    archive.unlink()
