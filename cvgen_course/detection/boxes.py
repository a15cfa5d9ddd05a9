"""Boxes as two corners: their area, how much two of them overlap, and other ways to write them.

All functions compute in float32 at least, and return what they have computed: float16 does not
hold the area of a box of 300 × 300 pixels, and bfloat16 not every whole pixel. (float32 holds areas
up to 3e38: sides, and distances between boxes that are compared, have to be less than 1e19.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def box_area(boxes: Tensor) -> Tensor:
    """Return the area of each box, in square pixels.

    Args:
        boxes: float (..., 4), x1, y1, x2, y2 in pixels, x2 and y2 exclusive.

    Returns:
        (...), at least 0, float32 at least; 0 where x2 <= x1 or y2 <= y1.

    Raises:
        TypeError: ``boxes`` is no floating-point tensor.
        ValueError: its last dimension has not the length 4.
    """
    require(boxes=(boxes, "... 4", "float"))
    x1, y1, x2, y2 = at_least_float32(boxes).unbind(-1)
    return (x2 - x1).clamp(min=0) * (y2 - y1).clamp(min=0)


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Return the intersection over union (IoU) of each box with each other box.

    A box with x2 <= x1 or y2 <= y1 is empty: its IoU with any box is 0, with itself, too.

    Args:
        boxes1: float (..., N, 4), x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
        boxes2: float (..., M, 4); the dimensions before the last two broadcast.

    Returns:
        (..., N, M), in [0, 1], float32 at least.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: an argument is not of shape (..., N, 4), or the two don't go together.

    Source:
        Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010,
        section 4.2, equation 3.

    Note:
        There a box contains its last row and column of pixels; here it ends before x2 and y2.
    """
    require(boxes1=(boxes1, "... N 4", "float"), boxes2=(boxes2, "... M 4", "float"))
    intersection, union = intersection_and_union(boxes1, boxes2)
    return intersection.div_(_without_zeros(union))


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Return the generalized IoU of each box with each other box.

    From the IoU is subtracted what share of the hull, the smallest box around both, belongs to
    neither: so boxes that don't touch have a gradient, too.

    Args:
        boxes1: float (..., N, 4), x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
        boxes2: float (..., M, 4); the dimensions before the last two broadcast.

    Returns:
        (..., N, M), in [-1, 1], float32 at least; 0 where the hull is empty.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: an argument is not of shape (..., N, 4), or the two don't go together.

    Source:
        Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, arXiv:1902.09630,
        algorithm 1.
    """
    require(boxes1=(boxes1, "... N 4", "float"), boxes2=(boxes2, "... M 4", "float"))
    intersection, union = intersection_and_union(boxes1, boxes2)
    left1, top1, right1, bottom1 = _columns(boxes1)  # (..., N, 1)
    left2, top2, right2, bottom2 = _rows(boxes2)  # (..., 1, M)
    hull = right1.maximum(right2).sub_(left1.minimum(left2)).clamp_(min=0)  # its width
    hull = hull.mul_(bottom1.maximum(bottom2).sub_(top1.minimum(top2)).clamp_(min=0))  # its area
    empty_share = (hull - union).div_(_without_zeros(hull))
    return intersection.div_(_without_zeros(union)).sub_(empty_share)


def clip_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return the boxes cut off at an image's border; a box outside the image becomes empty.

    Args:
        boxes: float (..., 4), x1, y1, x2, y2 in pixels.
        height: of the image.
        width: of the image.

    Returns:
        (..., 4), float32 at least, x in [0, width] and y in [0, height].

    Raises:
        TypeError: ``boxes`` is no floating-point tensor.
        ValueError: its last dimension has not the length 4.
    """
    require(boxes=(boxes, "... 4", "float"))
    x1, y1, x2, y2 = at_least_float32(boxes).unbind(-1)
    x1, x2 = x1.clamp(0, width), x2.clamp(0, width)
    y1, y2 = y1.clamp(0, height), y2.clamp(0, height)
    return torch.stack([x1, y1, x2, y2], dim=-1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Return centre and size of each box.

    Args:
        boxes: float (..., 4), x1, y1, x2, y2.

    Returns:
        (..., 4), float32 at least: centre x, centre y, width, height.

    Raises:
        TypeError: ``boxes`` is no floating-point tensor.
        ValueError: its last dimension has not the length 4.
    """
    require(boxes=(boxes, "... 4", "float"))
    x1, y1, x2, y2 = at_least_float32(boxes).unbind(-1)
    return torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Return the corners of boxes that are given by centre and size.

    Args:
        boxes: float (..., 4), centre x, centre y, width, height.

    Returns:
        (..., 4), float32 at least: x1, y1, x2, y2.

    Raises:
        TypeError: ``boxes`` is no floating-point tensor.
        ValueError: its last dimension has not the length 4.
    """
    require(boxes=(boxes, "... 4", "float"))
    xc, yc, w, h = at_least_float32(boxes).unbind(-1)
    return torch.stack([xc - w / 2, yc - h / 2, xc + w / 2, yc + h / 2], dim=-1)


def xyxy_to_xywh(boxes: Tensor) -> Tensor:
    """Return the upper left corner and the size of each box, as COCO's annotations have them.

    Args:
        boxes: float (..., 4), x1, y1, x2, y2.

    Returns:
        (..., 4), float32 at least: x1, y1, width, height.

    Raises:
        TypeError: ``boxes`` is no floating-point tensor.
        ValueError: its last dimension has not the length 4.
    """
    require(boxes=(boxes, "... 4", "float"))
    x1, y1, x2, y2 = at_least_float32(boxes).unbind(-1)
    return torch.stack([x1, y1, x2 - x1, y2 - y1], dim=-1)


def xywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Return the corners of boxes that are given by their upper left corner and their size.

    Args:
        boxes: float (..., 4), x1, y1, width, height.

    Returns:
        (..., 4), float32 at least: x1, y1, x2, y2.

    Raises:
        TypeError: ``boxes`` is no floating-point tensor.
        ValueError: its last dimension has not the length 4.
    """
    require(boxes=(boxes, "... 4", "float"))
    x, y, w, h = at_least_float32(boxes).unbind(-1)
    return torch.stack([x, y, x + w, y + h], dim=-1)


def intersection_and_union(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Return the areas of what each pair of boxes shares and of what it covers, (..., N, M).

    In place, since new memory costs more than arithmetic: 10,000 × 1,000 pairs are 40 MB each time.
    """
    left1, top1, right1, bottom1 = _columns(boxes1)  # (..., N, 1)
    left2, top2, right2, bottom2 = _rows(boxes2)  # (..., 1, M)
    width = right1.minimum(right2).sub_(left1.maximum(left2)).clamp_(min=0)  # (..., N, M)
    height = bottom1.minimum(bottom2).sub_(top1.maximum(top2)).clamp_(min=0)
    intersection = width.mul_(height)
    union = box_area(boxes1)[..., :, None] + box_area(boxes2)[..., None, :]
    return intersection, union.sub_(intersection)


def _columns(boxes: Tensor) -> tuple[Tensor, ...]:
    """Return x1, y1, x2, y2 of the N boxes, (..., N, 1)."""
    return at_least_float32(boxes)[..., :, None, :].unbind(-1)


def _rows(boxes: Tensor) -> tuple[Tensor, ...]:
    """Return x1, y1, x2, y2 of the M boxes, (..., 1, M), each of them in one piece of memory."""
    return at_least_float32(boxes).movedim(-1, 0).unsqueeze(-2).contiguous().unbind(0)


def _without_zeros(areas: Tensor) -> Tensor:
    """Return the areas with 1 for 0: what is divided by them is 0 there, and its gradient stays."""
    return areas.masked_fill(areas <= 0, 1)
