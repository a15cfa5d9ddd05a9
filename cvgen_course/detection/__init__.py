"""Object detection and instance segmentation: which objects are there, and where does each end?

Boxes and anchors, non-maximum suppression, RoI Align, average precision, and five networks: Faster
R-CNN, YOLO, SSD, RetinaNet, Mask R-CNN.
"""

from cvgen_course.detection.anchors import grid_anchors, pyramid_anchors
from cvgen_course.detection.assignment import Assignment, assign_objects
from cvgen_course.detection.augmentation import flip_and_turn_objects
from cvgen_course.detection.average_precision import average_precision, precision_recall
from cvgen_course.detection.backbone import Backbone, FeaturePyramid
from cvgen_course.detection.box_coding import decode_boxes, encode_boxes
from cvgen_course.detection.boxes import (
    box_area,
    box_iou,
    clip_boxes,
    cxcywh_to_xyxy,
    generalized_box_iou,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)
from cvgen_course.detection.claims import match_detections
from cvgen_course.detection.decode_yolo import decode_yolo
from cvgen_course.detection.dense_head import DensePredictions
from cvgen_course.detection.detections import Detections, select_detections
from cvgen_course.detection.faster_rcnn import FasterRCNN
from cvgen_course.detection.focal_loss import focal_loss, focal_loss_per_item
from cvgen_course.detection.hard_negative_mining import hard_negative_mining
from cvgen_course.detection.mask_rcnn import MaskRCNN
from cvgen_course.detection.masks import crop_masks, mask_iou, mask_loss, paste_masks
from cvgen_course.detection.matching import IGNORED, NEGATIVE, match_anchors
from cvgen_course.detection.metrics import DetectionMetrics, detection_metrics
from cvgen_course.detection.nms import batched_nms, nms
from cvgen_course.detection.retinanet import RetinaNet
from cvgen_course.detection.roi_align import roi_align
from cvgen_course.detection.roi_pool import roi_pool
from cvgen_course.detection.rpn import RPN
from cvgen_course.detection.rpn_loss import rpn_loss
from cvgen_course.detection.sampling import sample_balanced
from cvgen_course.detection.ssd import SSD
from cvgen_course.detection.targets import DetectionSet, Target, Targets, pad_targets
from cvgen_course.detection.yolo import YOLO

__all__ = [
    "IGNORED",
    "NEGATIVE",
    "RPN",
    "SSD",
    "YOLO",
    "Assignment",
    "Backbone",
    "DensePredictions",
    "DetectionMetrics",
    "DetectionSet",
    "Detections",
    "FasterRCNN",
    "FeaturePyramid",
    "MaskRCNN",
    "RetinaNet",
    "Target",
    "Targets",
    "assign_objects",
    "average_precision",
    "batched_nms",
    "box_area",
    "box_iou",
    "clip_boxes",
    "crop_masks",
    "cxcywh_to_xyxy",
    "decode_boxes",
    "decode_yolo",
    "detection_metrics",
    "encode_boxes",
    "flip_and_turn_objects",
    "focal_loss",
    "focal_loss_per_item",
    "generalized_box_iou",
    "grid_anchors",
    "hard_negative_mining",
    "mask_iou",
    "mask_loss",
    "match_anchors",
    "match_detections",
    "nms",
    "pad_targets",
    "paste_masks",
    "precision_recall",
    "pyramid_anchors",
    "roi_align",
    "roi_pool",
    "rpn_loss",
    "sample_balanced",
    "select_detections",
    "xywh_to_xyxy",
    "xyxy_to_cxcywh",
    "xyxy_to_xywh",
]
