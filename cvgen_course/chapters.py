"""The one list of chapters: table of contents, library pages, README and tests follow it."""

from __future__ import annotations

import re
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
    """

    number: int
    name: str
    title: str
    teaches: str
    minutes: int | None = None

    @property
    def folder(self) -> str:
        """Its folder in ``solutions/`` and ``lectures/``, e.g. ``"01_segmentation"``."""
        return f"{self.number:02d}_{self.name}"

    @property
    def page(self) -> str:
        """Its page in the book, e.g. ``"01_segmentation/segmentation"``."""
        return f"{self.folder}/{self.name}"


# fmt: off
CHAPTERS = (
    Chapter(0, "introduction", "Introduction", "the tasks of computer vision, supervised and unsupervised learning, explicit and implicit density", 1),
    Chapter(1, "segmentation", "Semantic segmentation", "pixel metrics and losses, upsampling, FCN, DeconvNet, U-Net", 2),
    Chapter(2, "detection", "Object detection", "boxes, anchors, NMS, AP; Faster R-CNN, YOLO, SSD, RetinaNet, Mask R-CNN", 3),
    Chapter(3, "autoencoders", "Autoencoders", "PCA, autoencoder, transfer learning, VAE, VQ-VAE", 2),
    Chapter(4, "pixelcnn", "PixelCNN", "chain rule, masked convolutions, PixelCNN, PixelRNN, the prior over VQ codes", 3),
    Chapter(5, "gan", "Generative adversarial networks", "the minimax game, saturating and non-saturating losses, DCGAN, BigGAN", 6),
    Chapter(6, "evaluation", "Evaluation", "Inception Score, FID, and what they miss; the models of chapters 03 to 05 in one table", 10),
    Chapter(7, "cyclegan", "CycleGAN", "unpaired image-to-image translation"),
    Chapter(8, "modern_gans", "Modern GANs", "Progressive GAN, StyleGAN 1/2/3, ProjectedGAN, StyleGAN-XL, EG3D"),
    Chapter(9, "flows", "Flows", "change of variables, Glow, FFJORD; flow matching"),
)
# fmt: on

READY = tuple(chapter for chapter in CHAPTERS if chapter.minutes is not None)
"""The chapters that are written."""


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


def fill(text: str, content: str) -> str:
    """Return a page with other content between its marks ``<!-- chapters -->``; as it is without.

    The second mark is ``<!-- /chapters -->``.
    """
    begin, end = "<!-- chapters -->\n", "\n<!-- /chapters -->"
    between = re.compile(f"{begin}.*?{end}", re.DOTALL)
    return between.sub(lambda _: f"{begin}\n{content}\n{end}", text)
