"""What each anchor should answer, given the objects of its image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.detection.boxes import box_iou
from cvgen_course.detection.matching import IGNORED, match_anchors
from cvgen_course.detection.targets import Targets


class Assignment(NamedTuple):
    """Which object each anchor of N images answers for.

    Attributes:
        matches: int64 (N, A), the object's index, or ``NEGATIVE``, or ``IGNORED``.
        labels: int64 (N, A), the object's class; 0 for background, -1 for ignored anchors.
        boxes: float32 (N, A, 4), the object's box; meaningless where ``labels`` is not positive.
    """

    matches: Tensor
    labels: Tensor
    boxes: Tensor


def assign_objects(
    anchors: Tensor, targets: Targets, low: float, high: float, *, keep_best: bool = True
) -> Assignment:
    """Match anchors with the objects of each image.

    Args:
        anchors: float32 (A, 4), or (N, A, 4) where each image has its own (proposals).
        targets: the objects of N images.
        low: below this IoU with every object an anchor is background.
        high: from this IoU on it answers for the object.
        keep_best: whether an object's best anchor answers for it, however small the IoU.

    Returns:
        What each anchor should answer. (A batch's padding has IoU 0 with everything, so it is
        matched by nobody.)
    """
    matches = match_anchors(box_iou(anchors, targets.boxes), low, high, keep_best)  # (N, A)
    index = matches.clamp(min=0)
    labels = targets.labels.gather(1, index)
    labels = torch.where(matches >= 0, labels, torch.where(matches == IGNORED, -1, 0))
    boxes = targets.boxes.gather(1, index[..., None].expand(-1, -1, 4))
    return Assignment(matches, labels, boxes)
