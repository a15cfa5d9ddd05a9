"""Boxes from annotation files in the XML format of Pascal VOC, in which other sets come too."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cvgen_course.errors import DataError


def read_boxes(path: Path, classes: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Read the boxes of one annotation file.

    The files count pixels from 1 and include the last one, so x1 = xmin − 1 and x2 = xmax. Boxes
    that are one point are left out.

    Args:
        path: the file.
        classes: names of the classes; the first is the background, which no object may be.

    Returns:
        Boxes float32 (K, 4), x1, y1, x2, y2 with x2, y2 exclusive; labels int64 (K,), each an
        index into ``classes``; and which objects are marked as difficult, bool (K,).

    Raises:
        DataError: the file is missing or damaged, names another class, or a box is inside out.
    """
    boxes, labels, difficult = [], [], []
    try:
        for thing in ET.parse(path).getroot().iter("object"):
            corners = (thing.findtext(f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax"))
            x1, y1, x2, y2 = (float(corner or "nan") for corner in corners)
            if (x1, y1) == (x2, y2):
                continue
            if not (1 <= x1 <= x2 and 1 <= y1 <= y2):
                raise ValueError(f"box {x1, y1, x2, y2}")
            labels.append(classes.index(thing.findtext("name", ""), 1))
            boxes.append([x1 - 1, y1 - 1, x2, y2])
            difficult.append(thing.findtext("difficult", "").strip() == "1")
    except (OSError, ET.ParseError, ValueError) as error:
        raise DataError(
            f"{str(path)!r} can't be read as boxes of {', '.join(classes[1:])} ({error}). "
            "Restore it."
        ) from error
    return (
        torch.tensor(boxes).reshape(-1, 4),
        torch.tensor(labels, dtype=torch.int64),
        torch.tensor(difficult, dtype=torch.bool),
    )
