"""Cut the chapters' pictures out of the figures of a built book: ``python -m …book.pictures``.

Run from the course's folder, after ``cvgen book`` in profile ``cpu``; then look at what it wrote.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from cvgen_course.book.build import BUILD
from cvgen_course.chapters import PICTURED
from cvgen_course.errors import BookError
from cvgen_course.files import write

SIDE = 192


class Cut(NamedTuple):
    """A square piece of a figure.

    Attributes:
        figure: the figure's anchor, e.g. ``"fig-1-19"``.
        left: of the piece, as a share of the figure's width.
        top: likewise.
        side: likewise.
    """

    figure: str
    left: float
    top: float
    side: float


CUTS = {
    "introduction": Cut("fig-0-6", 0.185, 0.0, 0.323),
    "segmentation": Cut("fig-1-19", 0.823, 0.503, 0.164),
    "detection": Cut("fig-2-20", 0.507, 0.035, 0.233),
    "autoencoders": Cut("fig-3-18", 0.109, 0.01, 0.3),
    "pixelcnn": Cut("fig-4-13", 0.089, 0.013, 0.288),
    "gan": Cut("fig-5-16", 0.086, 0.157, 0.275),
    "evaluation": Cut("fig-6-6", 0.302, 0.179, 0.516),
    "cyclegan": Cut("fig-7-9", 0.236, 0.0155, 0.138),
}


def cut_pictures(root: Path) -> list[Path]:
    """Write the picture of each chapter, from the figures of the book that was built.

    Args:
        root: the course root.

    Returns:
        The files that were written.

    Raises:
        BookError: there is no such figure.
    """
    return [_cut(root, CUTS[chapter.name], chapter.picture) for chapter in PICTURED]


def _cut(root: Path, cut: Cut, path: Path) -> Path:
    figure = root / BUILD / "staged" / "figures" / f"{cut.figure}.png"
    if not figure.is_file():
        raise BookError(f"{figure}: no such figure; build the book first: cvgen book")
    with Image.open(figure) as image:
        left, top, side = (round(share * image.width) for share in cut[1:])
        piece = image.convert("RGB").crop((left, top, left + side, top + side))
    content = BytesIO()
    piece.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(content, "PNG", optimize=True)
    write(path, content.getvalue())
    return path


if __name__ == "__main__":
    for written in cut_pictures(Path()):
        print(written, file=sys.stdout)
