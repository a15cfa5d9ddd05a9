"""Boxes relative to anchors: the four numbers that a detector's network predicts."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cvgen_course.detection.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

LARGEST_LOG_SCALE = math.log(1000 / 16)
"""`decode_boxes` makes no box more than 62.5 times as wide or high as its anchor."""

Weights = tuple[float, float, float, float]


def encode_boxes(boxes: Tensor, anchors: Tensor, weights: Weights = (1.0, 1.0, 1.0, 1.0)) -> Tensor:
    """Return where boxes lie relative to their anchors, in units that don't depend on size.

    With centre (x, y), width w and height h of the box, and those of the anchor with index a:

        dx = w1 · (x - x_a) / w_a,  dy = w2 · (y - y_a) / h_a,
        dw = w3 · log(w / w_a),     dh = w4 · log(h / h_a).

    Args:
        boxes: float (..., 4), x1, y1, x2, y2, with x1 < x2 and y1 < y2.
        anchors: float (..., 4), x1, y1, x2, y2, likewise; an anchor for each box.
        weights: w1, w2, w3, w4, by which the four numbers are multiplied.

    Returns:
        (..., 4), float32 at least: dx, dy, dw, dh; all 0 where a box is its anchor.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes don't go together.

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, equation 2. The weights are one
        over the standard deviations of Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083, 2.3.
    """
    require(boxes=(boxes, "... 4", "float"), anchors=(anchors, "... 4", "float"))
    x, y, w, h = xyxy_to_cxcywh(boxes).unbind(-1)
    x_a, y_a, w_a, h_a = xyxy_to_cxcywh(anchors).unbind(-1)
    w1, w2, w3, w4 = weights
    return torch.stack(
        [w1 * (x - x_a) / w_a, w2 * (y - y_a) / h_a, w3 * (w / w_a).log(), w4 * (h / h_a).log()],
        dim=-1,
    )


def decode_boxes(
    deltas: Tensor, anchors: Tensor, weights: Weights = (1.0, 1.0, 1.0, 1.0)
) -> Tensor:
    """Return the boxes that `encode_boxes` has made deltas of: what a network's answer means.

    Args:
        deltas: float (..., 4): dx, dy, dw, dh.
        anchors: float (..., 4), x1, y1, x2, y2, an anchor for each row of ``deltas``.
        weights: the four numbers by which the deltas were multiplied.

    Returns:
        (..., 4), float32 at least: x1, y1, x2, y2; at most 62.5 times as wide and as high as the
        anchor.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes don't go together.

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, equation 2, solved for the box.

    Note:
        dw and dh, after division by the weights, are clamped at log(1000 / 16): early in training a
        network says what it likes, and its exponential must not overflow. The paper doesn't.
    """
    require(deltas=(deltas, "... 4", "float"), anchors=(anchors, "... 4", "float"))
    parts = at_least_float32(deltas).unbind(-1)
    dx, dy, dw, dh = (part / w for part, w in zip(parts, weights, strict=True))
    x_a, y_a, w_a, h_a = xyxy_to_cxcywh(anchors).unbind(-1)
    w = w_a * dw.clamp(max=LARGEST_LOG_SCALE).exp()
    h = h_a * dh.clamp(max=LARGEST_LOG_SCALE).exp()
    return cxcywh_to_xyxy(torch.stack([x_a + dx * w_a, y_a + dy * h_a, w, h], dim=-1))
