"""Which anchor answers for which object, and which for none."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

NEGATIVE = -1
"""The anchor answers for no object: it should say "background"."""

IGNORED = -2
"""The anchor is neither right nor wrong: it does not enter the loss."""


def match_anchors(iou: Tensor, low: float, high: float, keep_best: bool = True) -> Tensor:
    """Return for each anchor the object that it answers for.

    An anchor gets the object with which it has its largest IoU (of several the first), if that IoU
    is at least ``high``. Below ``low`` it is negative, between the two it is ignored. With
    ``keep_best`` an object's best anchors are matched, too, however small the IoU: small objects
    would go without an anchor otherwise.

    Args:
        iou: float (..., A, K), of A anchors with K objects.
        low: below it an anchor is negative.
        high: from it on an anchor is matched.
        keep_best: whether an anchor that is among the best of some object (ties included), with an
            IoU over 0, keeps the object that it overlaps most.

    Returns:
        int64 (..., A): in [0, K), or `NEGATIVE`, or `IGNORED`. All `NEGATIVE` where K is 0.

    Raises:
        TypeError: ``iou`` is no floating-point tensor.
        ValueError: it has fewer than two dimensions, or not 0 <= low <= high with high over 0.

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, section 3.1.2.

    Note:
        An object's best anchor keeps the object that it overlaps most itself, which may be another:
        then the first object goes without. The paper leaves this open.
    """
    require(iou=(iou, "... A K", "float"))
    if not 0 <= low <= high or high == 0:
        raise ValueError(
            f"low, high: expected 0 <= low <= high and high over 0, got {low} and {high}"
        )
    if iou.numel() == 0:  # there is no largest of nothing
        return torch.full(iou.shape[:-1], NEGATIVE, dtype=torch.int64, device=iou.device)
    largest, index = at_least_float32(iou).max(dim=-1)  # (..., A)
    matched = largest >= high
    if keep_best:
        best_of_object = iou.amax(dim=-2, keepdim=True)  # (..., 1, K)
        matched |= ((iou == best_of_object) & (iou > 0)).any(dim=-1)
    unmatched = torch.where(largest < low, NEGATIVE, IGNORED)
    return torch.where(matched, index, unmatched)
