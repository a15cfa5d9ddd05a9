"""The graded exercises of the chapter on detection, in the lecture's order."""

from __future__ import annotations

from typing import Any

from cvgen_course.checks import Exercise, check_by_name
from cvgen_course.detection.exercises import (
    average_precision,
    box_iou,
    decode_boxes,
    decode_yolo,
    encode_boxes,
    focal_loss,
    grid_anchors,
    hard_negative_mining,
    mask_loss,
    match_anchors,
    nms,
    roi_align,
    rpn_loss,
)

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (
        box_iou,
        grid_anchors,
        match_anchors,
        encode_boxes,
        decode_boxes,
        nms,
        average_precision,
        rpn_loss,
        roi_align,
        decode_yolo,
        hard_negative_mining,
        focal_loss,
        mask_loss,
    )
}


def check(name: str, namespace: dict[str, Any]) -> float:
    """Check a student's answer, show a table of what passed, and return the points.

    Args:
        name: the exercise's name, which is the name of the student's function.
        namespace: where to find it: ``globals()``.

    Returns:
        The points, a float in [0, full points].
    """
    return check_by_name(EXERCISES, name, namespace)
