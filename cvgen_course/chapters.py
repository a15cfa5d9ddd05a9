"""The one list of chapters: table of contents, library pages, README and tests follow it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from cvgen_course.errors import CourseError


class Chapter(NamedTuple):
    """One chapter; it has the same name in all trees.

    Attributes:
        number: its place in the course.
        name: one word, the package's name in the library, e.g. ``"segmentation"``.
        title: the lecture's title.
        teaches: what one learns in it, a line.
        minutes: how long its notebook runs on two fast cores, in profile ``cpu``; None where the
            chapter is still to come.
        gigabytes: the most memory that its notebook needs meanwhile.
        exercises: how many of its exercises are checked by programs.
        points: that these give.
        written: points of its written question, which a teacher grades.
        result: what it arrives at, a line, with the number of the figure or table; may be empty.
        shown: what is on its picture, for who can't see it; empty where it has none.
    """

    number: int
    name: str
    title: str
    teaches: str
    minutes: int | None = None
    gigabytes: float = 0.0
    exercises: int = 0
    points: int = 0
    written: int = 0
    result: str = ""
    shown: str = ""

    @property
    def folder(self) -> str:
        """Its folder in ``solutions/`` and ``lectures/``, e.g. ``"01_segmentation"``."""
        return f"{self.number:02d}_{self.name}"

    @property
    def picture(self) -> Path:
        """A picture of what it arrives at, cut from one of its figures, 192 × 192 pixels."""
        return Path(__file__).parent / "pictures" / f"{self.name}.png"

    @property
    def page(self) -> str:
        """Its page in the book, e.g. ``"01_segmentation/segmentation"``."""
        return f"{self.folder}/{self.name}"


CHAPTERS = (
    Chapter(
        0,
        "introduction",
        "Introduction",
        "the tasks of computer vision, supervised and unsupervised learning, explicit and implicit density",
        minutes=1,
        gigabytes=1.2,
        result="explicit and implicit models of the same glyphs, side by side (0.6), and the map of the course (0.7)",
        shown="Digits; the same size of dust; and ghosts of digits.",
    ),
    Chapter(
        1,
        "segmentation",
        "Semantic segmentation",
        "pixel metrics and losses, upsampling, FCN, DeconvNet, U-Net",
        minutes=2,
        gigabytes=1.5,
        exercises=10,
        points=24,
        written=6,
        result="three networks on the same scenes, class by class (1.18), and where their errors live (1.21)",
        shown="A scene in flat colours, one for each class: discs, a star, a square.",
    ),
    Chapter(
        2,
        "detection",
        "Object detection",
        "boxes, anchors, NMS, AP; Faster R-CNN, YOLO, SSD, RetinaNet, Mask R-CNN",
        minutes=3,
        gigabytes=2.0,
        exercises=14,
        points=28,
        written=6,
        result="masks of single objects (2.20); accuracy against speed of five detectors (2.21)",
        shown="A scene of coloured shapes, each with a white box and its name.",
    ),
    Chapter(
        3,
        "autoencoders",
        "Autoencoders",
        "PCA, autoencoder, transfer learning, VAE, VQ-VAE",
        minutes=2,
        gigabytes=1.4,
        exercises=10,
        points=23,
        written=6,
        result="a glyph in 49 words, and back (3.18)",
        shown="Three digits, their blurred copies, and sharper ones.",
    ),
    Chapter(
        4,
        "pixelcnn",
        "PixelCNN",
        "chain rule, masked convolutions, PixelCNN, PixelRNN, the prior over VQ codes",
        minutes=3,
        gigabytes=1.4,
        exercises=9,
        points=23,
        written=6,
        result="half a glyph, completed five times (4.13); words from a prior, painted by a decoder (4.23)",
        shown="Upper halves of digits above grey, and several ways to complete them.",
    ),
    Chapter(
        5,
        "gan",
        "Generative adversarial networks",
        "the minimax game, saturating and non-saturating losses, DCGAN, BigGAN",
        minutes=6,
        gigabytes=1.7,
        exercises=10,
        points=26,
        written=6,
        result="a generator told which digit to draw (5.16); quality against variety (5.18)",
        shown="Rows of digits, each row of one class, drawn by a network.",
    ),
    Chapter(
        6,
        "evaluation",
        "Evaluation",
        "Inception Score, FID, and what they miss; the models of chapters 03 to 05 in one table",
        minutes=10,
        gigabytes=1.9,
        exercises=8,
        points=22,
        written=6,
        result="which damage which metric sees (6.10); five models in one table (Table 6.1)",
        shown="A cloud of points with a ring of eight spots in it.",
    ),
    Chapter(
        7,
        "cyclegan",
        "CycleGAN",
        "unpaired image-to-image translation, measured against a known truth",
        minutes=7,
        gigabytes=1.6,
        exercises=9,
        points=25,
        written=6,
        result="stripes without one pair (7.9), each loss taken away (7.10), and what a cycle smuggles (7.15)",
        shown="Brown animals, and the same animals with black and white stripes.",
    ),
    Chapter(
        8,
        "modern_gans",
        "Modern GANs",
        "Progressive GAN, StyleGAN 1/2/3, ProjectedGAN, StyleGAN-XL, EG3D",
    ),
    Chapter(9, "flows", "Flows", "change of variables, Glow, FFJORD; flow matching"),
)

READY = tuple(chapter for chapter in CHAPTERS if chapter.minutes is not None)
"""The chapters that are written."""

PICTURED = tuple(chapter for chapter in READY if chapter.shown)
"""Those of them that have a picture."""


def find(name: str) -> Chapter:
    """Return the chapter of a name or folder, e.g. ``"detection"`` or ``"02_detection"``.

    Raises:
        CourseError: there is none.
    """
    for chapter in CHAPTERS:
        if name in (chapter.name, chapter.folder):
            return chapter
    names = ", ".join(chapter.name for chapter in CHAPTERS)
    raise CourseError(f"chapter: expected one of {names}, got {name!r}")


def table(address: str) -> str:
    """Return the table of the chapters, as Markdown.

    Args:
        address: of a chapter's page or notebook, e.g. ``"lectures/{page}.ipynb"``.
    """
    rows = ["| Chapter | What it teaches | min |", "|---|---|--:|"]
    for chapter in CHAPTERS:
        title, teaches, minutes = chapter.title, f"*to come:* {chapter.teaches}", ""
        if chapter in READY:
            title = f"[{chapter.title}]({address.format(page=chapter.page)})"
            teaches, minutes = chapter.teaches, str(chapter.minutes)
        rows.append(f"| {chapter.number:02d} {title} | {teaches} | {minutes} |")
    return "\n".join(rows)


def numbers(address: str) -> str:
    """Return the table of what each written chapter takes and gives, as Markdown.

    Args:
        address: of a chapter's page or notebook, e.g. ``"lectures/{page}.ipynb"``.
    """
    rows = [
        "| Chapter | min | GB | exercises | points | what it arrives at (figure) |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for c in READY:
        gives = f"{c.points} + {c.written}" if c.exercises else "–"
        link = f"[{c.number:02d} {c.title}]({address.format(page=c.page)})"
        rows.append(
            f"| {link} | {c.minutes} | {c.gigabytes:.1f} | {c.exercises or '–'} | {gives} "
            f"| {c.result} |"
        )
    minutes = sum(c.minutes or 0 for c in READY)
    exercises, points = sum(c.exercises for c in READY), sum(c.points for c in READY)
    written, most = sum(c.written for c in READY), max(c.gigabytes for c in READY)
    rows.append(f"| together | {minutes} | {most:.1f} | {exercises} | {points} + {written} | |")
    return "\n".join(rows)


def fill(text: str, content: str, mark: str = "chapters") -> str:
    """Return a page with other content between two marks; as it is without them.

    Args:
        text: of the page.
        content: what is to stand there.
        mark: the marks' name: ``<!-- chapters -->`` and ``<!-- /chapters -->``.
    """
    begin, end = f"<!-- {mark} -->\n", f"\n<!-- /{mark} -->"
    between = re.compile(f"{begin}.*?{end}", re.DOTALL)
    return between.sub(lambda _: f"{begin}\n{content}\n{end}", text)
