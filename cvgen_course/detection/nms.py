"""Non-maximum suppression: of boxes that overlap much, only the best stays."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.detection.boxes import box_area, box_iou
from cvgen_course.require import require

BLOCK = 192
"""How many boxes are decided about at once: a choice of speed, the result is the same."""


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Return which boxes stay when each box that is kept suppresses those that it overlaps.

    By decreasing score, a box is kept unless its IoU with a box kept before is above the threshold.
    A suppressed box suppresses nothing. Of equal scores, the lower index comes first. An empty box
    has IoU 0 with everything: it is never suppressed and suppresses nothing.

    Args:
        boxes: float (N, 4), xyxy, in pixels.
        scores: float (N,).
        threshold: the largest IoU that two kept boxes may have, in [0, 1].

    Returns:
        The indices of the kept boxes, int64 (K,), by decreasing score.

    Raises:
        TypeError: ``boxes`` or ``scores`` is no floating-point tensor.
        ValueError: the shapes do not belong together, a score is NaN, a box has no finite area, or
            the threshold is no IoU.

    Source:
        Felzenszwalb et al., "Object Detection with Discriminatively Trained Part Based Models",
        PAMI 2010, section 7.3; with the IoU as the overlap in Girshick et al., "Rich Feature
        Hierarchies", CVPR 2014, arXiv:1311.2524, section 2.2.
    """
    require(boxes=(boxes, "N 4", "float"), scores=(scores, "N", "float"))
    _require_values(boxes, scores, threshold)
    one_group = torch.zeros_like(scores, dtype=torch.int64)
    return _keep_best(boxes, scores, one_group, threshold)


def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """Return which boxes stay when only boxes of the same group can suppress each other.

    Args:
        boxes: float (N, 4), xyxy, in pixels.
        scores: float (N,).
        groups: int64 (N,), e.g. a box's class, or the pyramid level that it comes from.
        threshold: the largest IoU that two kept boxes of a group may have, in [0, 1].

    Returns:
        The indices of the kept boxes, int64 (K,), by decreasing score; of equal scores, the lower
        index first.

    Raises:
        TypeError: ``boxes`` or ``scores`` is no floating-point tensor, or ``groups`` no int64 one.
        ValueError: the shapes do not belong together, a score is NaN, a box has no finite area, or
            the threshold is no IoU.
    """
    require(
        boxes=(boxes, "N 4", "float"), scores=(scores, "N", "float"), groups=(groups, "N", "int64")
    )
    _require_values(boxes, scores, threshold)
    return _keep_best(boxes, scores, groups, threshold)


@torch.no_grad()
def _keep_best(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """Decide about a block of boxes, let those that stay suppress others, go on with what is left.

    The boxes stand group after group, the best of each group first. So whatever a block's boxes may
    suppress is in the block itself or belongs to its last group, which may go on after it.
    """
    best_first = _best_first(scores)
    waiting = best_first[groups[best_first].argsort(stable=True)]
    kept = torch.zeros_like(waiting, dtype=torch.bool)
    while len(waiting):
        block, waiting = waiting[:BLOCK], waiting[BLOCK:]
        group = groups[block]
        overlaps = box_iou(boxes[block], boxes[block]) > threshold
        stays = _stays(overlaps & (group[:, None] == group))
        kept[block[stays]] = True

        num_rivals = int((groups[waiting] == group[-1]).sum())
        if num_rivals:
            rivals, others = waiting[:num_rivals], waiting[num_rivals:]
            block = block[stays & (group == group[-1])]
            iou = box_iou(boxes[block], boxes[rivals]).amax(dim=0)
            waiting = torch.cat([rivals[iou <= threshold], others])
    return best_first[kept[best_first]]


def _best_first(scores: Tensor) -> Tensor:
    return scores.argsort(descending=True, stable=True)


def _stays(overlaps: Tensor) -> Tensor:
    """Return which boxes stay, bool (B,), given which overlap too much, bool (B, B), best first.

    A box stays if no better one that stays overlaps it. Only one answer fits that sentence for
    every box: the one that a loop over the boxes finds. So guess that all stay, and correct the
    guess by the sentence until nothing changes. Each round settles at least the best unsettled box.
    """
    suppresses = overlaps.triu(diagonal=1).float()  # a row's box is better than its columns'
    stays = torch.ones_like(suppresses[0])
    while True:
        before, stays = stays, (stays @ suppresses == 0).float()
        if torch.equal(stays, before):
            return stays.bool()


def _require_values(boxes: Tensor, scores: Tensor, threshold: float) -> None:
    if scores.isnan().any():
        raise ValueError(
            f"scores: expected numbers, got NaN for box {int(scores.isnan().nonzero()[0])}; "
            "did the training diverge?"
        )
    endless = ~box_area(boxes).isfinite()
    if endless.any():
        index = int(endless.nonzero()[0])
        raise ValueError(
            f"boxes: expected finite areas, got {boxes[index].tolist()} as box {index}; "
            "did the training diverge?"
        )
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold: expected an IoU in [0, 1], got {threshold}")
