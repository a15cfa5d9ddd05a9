"""SSD: one stage, default boxes on maps of several sizes, and hard negative mining."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.assignment import assign_objects
from cvgen_course.detection.backbone import STRIDES, Backbone
from cvgen_course.detection.box_coding import decode_boxes, encode_boxes
from cvgen_course.detection.dense_head import DensePredictions, anchors_per_place, per_anchor
from cvgen_course.detection.detections import Detections, select_detections
from cvgen_course.detection.hard_negative_mining import hard_negative_mining
from cvgen_course.detection.targets import Targets, require_targets

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""By which deltas are multiplied: one over the "variances" of the authors' code."""


class SSD(nn.Module):
    """A one-stage detector that reads each size of object from a map of its own.

    Args:
        num_classes: C, the background included.
        width: of the backbone.
        num_convs: of the backbone.
        sizes: sides of the default boxes in pixels, some for the maps of stride 8 and 16 each.
        ratios: heights of the default boxes divided by their widths.
        num_detections: how many an image may have, at most.
        hard_negative_mining: how negatives are chosen; a student's own, for instance.

    Source:
        Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv:1512.02325.

    Note:
        Two maps instead of six, since our images are small. Default boxes of one map differ in
        size and ratio as anchors do; the paper ties sizes to maps by a formula (its equation 4).
    """

    def __init__(
        self,
        num_classes: int,
        *,
        width: int = 32,
        num_convs: int = 2,
        sizes: tuple[tuple[float, ...], ...] = ((13, 18), (24, 32)),
        ratios: tuple[float, ...] = (0.7, 1.0, 1.4),
        num_detections: int = 50,
        hard_negative_mining: Callable[[Tensor, Tensor], Tensor] = hard_negative_mining,
    ) -> None:
        super().__init__()
        self.num_classes, self.num_detections = num_classes, num_detections
        self.hard_negative_mining = hard_negative_mining
        self.sizes, self.ratios = sizes, ratios
        self.backbone = Backbone(width, num_convs)
        self.num_anchors = anchors_per_place(sizes, ratios)
        channels = self.backbone.channels[1:]
        self.class_logits = nn.ModuleList(
            nn.Conv2d(c, self.num_anchors * num_classes, 3, padding=1) for c in channels
        )
        self.box_deltas = nn.ModuleList(
            nn.Conv2d(c, self.num_anchors * 4, 3, padding=1) for c in channels
        )

    def forward(self, images: Tensor) -> DensePredictions:
        """Say what is at every default box; ``images`` are float32 (N, 3, H, W) in [-1, 1]."""
        maps = self.backbone(images)[1:]
        logits = [
            per_anchor(conv(x), self.num_anchors)
            for conv, x in zip(self.class_logits, maps, strict=True)
        ]
        deltas = [
            per_anchor(conv(x), self.num_anchors)
            for conv, x in zip(self.box_deltas, maps, strict=True)
        ]
        shapes = [(x.shape[-2], x.shape[-1]) for x in maps]
        anchors = pyramid_anchors(shapes, STRIDES[1:], self.sizes, self.ratios).to(images.device)
        size = (images.shape[-2], images.shape[-1])
        return DensePredictions(torch.cat(logits, dim=1), torch.cat(deltas, dim=1), anchors, size)

    def losses(self, predictions: DensePredictions, targets: Targets) -> dict[str, Tensor]:
        """Return the classes' loss over positives and the hardest negatives, and the boxes'."""
        require_targets(targets, self.num_classes, len(predictions.logits))
        assigned = assign_objects(predictions.anchors, targets, 0.5, 0.5)
        positive = assigned.labels > 0  # (N, A)
        cross_entropy = F.cross_entropy(
            predictions.logits.flatten(0, 1), assigned.labels.flatten(), reduction="none"
        ).view_as(positive)
        counted = self.hard_negative_mining(cross_entropy.detach(), positive)
        anchors = predictions.anchors.expand_as(assigned.boxes)[positive]
        wanted = encode_boxes(assigned.boxes[positive], anchors, WEIGHTS)
        box_loss = F.smooth_l1_loss(predictions.deltas[positive], wanted, reduction="sum")
        num_positive = positive.sum().clamp(min=1)
        return {
            "classes": cross_entropy[counted].sum() / num_positive,
            "boxes": box_loss / num_positive,
        }

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """Find objects in images, float32 (N, 3, H, W) in [-1, 1]; in evaluation mode."""
        predictions = self(images)
        boxes = decode_boxes(predictions.deltas, predictions.anchors, WEIGHTS)
        scores = predictions.logits.softmax(dim=-1)[..., 1:]
        return select_detections(
            boxes, scores, predictions.image_size, num_detections=self.num_detections
        )
