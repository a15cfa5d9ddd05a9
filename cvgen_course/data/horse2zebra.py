"""horse2zebra: photographs of horses and of zebras that have nothing to do with each other."""

from __future__ import annotations

import os
from pathlib import Path

from torch.utils.data import Dataset

from cvgen_course.data.download import fetch, unpack
from cvgen_course.data.folders import Place, locate, matching
from cvgen_course.data.items import UnpairedItem
from cvgen_course.data.pictures import read_image
from cvgen_course.data.splits import require_split, shuffled_parts
from cvgen_course.errors import DataError

DOMAINS = ("horse", "zebra")
URL = "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/horse2zebra.zip"
FEWEST = 2
"""Training images of a domain, of which a tenth, though at least one, is ``"val"``."""


class Horse2Zebra(Dataset[UnpairedItem]):
    """horse2zebra (Zhu, Park, Isola, Efros, 2017, arXiv 1703.10593); items are ``UnpairedItem``.

    ``a`` (a horse) and ``b`` (a zebra): float32 (3, 256, 256) in [-1, 1]. The data set is as long
    as its longer domain; the shorter one begins again. ``"test"`` is the published one; ``"val"``
    a seeded tenth of the published training images of each domain. The authors give no checksum,
    so that a download is checked by the archive's own CRCs and its structure.

    Attributes:
        classes: the domains' names, ``("horse", "zebra")``.
    """

    classes = DOMAINS

    def __init__(self, split: str, root: str | os.PathLike[str] | None = None) -> None:
        require_split(split)
        markers = tuple(f"{folder}/*.jpg" for folder in ("trainA", "trainB", "testA", "testB"))
        place = Place("horse2zebra", ("horse2zebra",), markers, _download, URL)
        folder = locate(place, root)
        self._a = _part(folder, "A", split)
        self._b = _part(folder, "B", split)

    def __len__(self) -> int:
        return max(self.sizes)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many images each domain has."""
        return len(self._a), len(self._b)

    def __getitem__(self, index: int) -> UnpairedItem:
        index = range(len(self))[index]  # an IndexError where there is no such item
        a, b = self._a[index % len(self._a)], self._b[index % len(self._b)]
        return UnpairedItem(read_image(a), read_image(b))


def _part(folder: Path, domain: str, split: str) -> list[Path]:
    published = "test" if split == "test" else "train"
    paths = matching(folder / f"{published}{domain}", "*.jpg")
    if split == "test":
        return paths
    if len(paths) < FEWEST:
        raise DataError(
            f"{str(folder / f'train{domain}')!r}: expected at least {FEWEST} pictures *.jpg, "
            f"got {len(paths)}. Restore the folder."
        )
    train, val = shuffled_parts(f"horse2zebra {domain}", len(paths), 0.9, 0.1)
    return [paths[i] for i in (train if split == "train" else val)]


def _download(folder: Path) -> None:
    archive = fetch(URL, folder.parent / "horse2zebra.zip")
    unpack(archive, folder.parent)  # the archive holds one folder, horse2zebra
    archive.unlink()
