"""The graded exercises of the chapter on detection, in the lecture's order."""

from cvgen_course.checks import Exercises
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
    match_detections,
    nms,
    roi_align,
    rpn_loss,
)

EXERCISES = Exercises(
    box_iou,
    grid_anchors,
    match_anchors,
    encode_boxes,
    decode_boxes,
    nms,
    match_detections,
    average_precision,
    rpn_loss,
    roi_align,
    decode_yolo,
    hard_negative_mining,
    focal_loss,
    mask_loss,
)
check = EXERCISES.check
