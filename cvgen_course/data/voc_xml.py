"""Boxes from annotation files in the XML format of Pascal VOC, in which other sets come too."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cvgen_course.errors import DataError

LARGEST = 1_000_000
"""No picture has more pixels in a row: a larger coordinate is none, and infinity neither."""


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
        DataError: the file is missing or damaged, names another class, or a box is inside out, has
            no number where it should, or one that is no pixel.
    """
    boxes, labels, difficult = [], [], []
    try:
        root = ET.parse(path).getroot()
        if root.tag != "annotation":
            raise ValueError(f"expected <annotation>, got <{root.tag}>")
        for thing in root.iter("object"):
            x1, y1, x2, y2 = (_coordinate(thing, key) for key in ("xmin", "ymin", "xmax", "ymax"))
            if (x1, y1) == (x2, y2):
                continue
            if x2 < x1 or y2 < y1:
                raise ValueError(f"box {x1, y1, x2, y2} is inside out")
            labels.append(_label(thing, classes))
            boxes.append([x1 - 1, y1 - 1, x2, y2])
            difficult.append(thing.findtext("difficult", "").strip() == "1")
    except (OSError, ET.ParseError, ValueError, LookupError) as error:
        # LookupError: its first line names an encoding that there is not
        raise DataError(
            f"{str(path)!r} can't be read as boxes of {', '.join(classes[1:])} ({error}). "
            "Restore it."
        ) from error
    return (
        torch.tensor(boxes).reshape(-1, 4),
        torch.tensor(labels, dtype=torch.int64),
        torch.tensor(difficult, dtype=torch.bool),
    )


def _coordinate(thing: ET.Element, key: str) -> float:
    text = thing.findtext(f"bndbox/{key}", "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1 <= value <= LARGEST:
        raise ValueError(f"{key}: expected a number from 1 on, got {text!r}")
    return value


def _label(thing: ET.Element, classes: Sequence[str]) -> int:
    name = thing.findtext("name", "").strip()
    if name not in classes[1:]:
        raise ValueError(f"name: expected one of these classes, got {name!r}")
    return classes.index(name)
