"""What a detector answers, and how thousands of scored boxes become a few."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.detection.boxes import clip_boxes
from cvgen_course.detection.nms import batched_nms
from cvgen_course.precision import at_least_float32


class Detections(NamedTuple):
    """What a detector found in one image, by decreasing score.

    Attributes:
        boxes: float32 (D, 4), x1, y1, x2, y2 in pixels, inside the image.
        scores: float32 (D,), in [0, 1].
        labels: int64 (D,), from 1.
        masks: bool (D, H, W), or None where the detector draws none.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor | None = None


def select_detections(
    boxes: Tensor,
    scores: Tensor,
    image_size: tuple[int, int],
    *,
    num_detections: int = 50,
    min_score: float = 0.02,
    nms_threshold: float = 0.5,
) -> list[Detections]:
    """Turn the scored boxes of N images into detections: threshold, class-wise NMS, the best few.

    Args:
        boxes: float (N, A, 4), or (N, A, C - 1, 4) where each class has boxes of its own.
        scores: float (N, A, C - 1), of each box for each class but the background.
        image_size: (H, W) in pixels, to which boxes are clipped.
        num_detections: how many NMS may keep of an image, at most; it gets to see four times as
            many of the image's scores.
        min_score: what scores less is no detection.
        nms_threshold: of two boxes of one class with a larger IoU the better one stays.

    Returns:
        N `Detections`, without masks, in float32 at least.

    Raises:
        ValueError: a score is NaN.
    """
    boxes, scores = at_least_float32(boxes), at_least_float32(scores)
    N, A, num_objects = scores.shape  # num_objects = C - 1
    if scores.isnan().any():
        raise ValueError("scores: expected numbers, got NaN; has the training diverged?")
    scores, chosen = scores.flatten(1).topk(min(4 * num_detections, A * num_objects))  # (N, n)
    labels = chosen % num_objects + 1
    if boxes.ndim == 3:
        chosen = chosen // num_objects
    else:
        boxes = boxes.flatten(1, 2)
    boxes = boxes.gather(1, chosen[..., None].expand(-1, -1, 4))  # (N, n, 4)
    boxes = clip_boxes(boxes, *image_size)

    keep = (scores > min_score) & (boxes[..., 2:] > boxes[..., :2]).all(dim=-1)
    image = torch.arange(N, device=scores.device)[:, None].expand_as(keep)[keep]
    boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
    kept = batched_nms(boxes, scores, image * (num_objects + 1) + labels, nms_threshold)
    image, boxes, scores, labels = image[kept], boxes[kept], scores[kept], labels[kept]
    found = []
    for number in range(N):
        mine = (image == number).nonzero()[:num_detections, 0]
        found.append(Detections(boxes[mine], scores[mine], labels[mine]))
    return found
