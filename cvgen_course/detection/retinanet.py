"""RetinaNet: one stage, every anchor of a feature pyramid, and the focal loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.assignment import assign_objects
from cvgen_course.detection.backbone import STRIDES, Backbone, FeaturePyramid
from cvgen_course.detection.box_coding import decode_boxes, encode_boxes
from cvgen_course.detection.dense_head import DensePredictions, anchors_per_place, per_anchor
from cvgen_course.detection.detections import Detections, select_detections
from cvgen_course.detection.focal_loss import focal_loss
from cvgen_course.detection.targets import Targets, require_targets


class RetinaNetHead(nn.Module):
    """Two small subnets that all levels of the pyramid share: one for classes, one for boxes.

    Args:
        channels: of the pyramid's maps, a multiple of 8 (the groups of the group norm).
        num_anchors: at each place.
        num_classes: C, the background included.
        num_convs: 3 × 3 convolutions in a subnet, before its last one.
        prior: the probability that every anchor gives to every class before training.

    Source:
        Lin et al., ICCV 2017, arXiv:1708.02002, sections 4 and 4.1 ("Initialization").
    """

    def __init__(
        self,
        channels: int,
        num_anchors: int,
        num_classes: int,
        num_convs: int = 2,
        prior: float = 0.01,
    ) -> None:
        super().__init__()
        self.num_anchors = num_anchors
        self.class_tower = _tower(channels, num_convs)
        self.box_tower = _tower(channels, num_convs)
        self.class_logits = nn.Conv2d(channels, num_anchors * (num_classes - 1), 3, padding=1)
        self.box_deltas = nn.Conv2d(channels, num_anchors * 4, 3, padding=1)
        for conv in (self.class_logits, self.box_deltas):
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(cast(Tensor, conv.bias))
        # Nearly all anchors are background. Believed at first, they would drown everything else.
        nn.init.constant_(cast(Tensor, self.class_logits.bias), -math.log((1 - prior) / prior))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits (N, A, C - 1) and deltas (N, A, 4) of all levels, one after another."""
        logits = [
            per_anchor(self.class_logits(self.class_tower(x)), self.num_anchors) for x in maps
        ]
        deltas = [per_anchor(self.box_deltas(self.box_tower(x)), self.num_anchors) for x in maps]
        return torch.cat(logits, dim=1), torch.cat(deltas, dim=1)


class RetinaNet(nn.Module):
    """A one-stage detector whose loss does not listen to easy anchors.

    Args:
        num_classes: C, the background included.
        width: of the backbone.
        num_convs: of the backbone.
        channels: of the pyramid.
        sizes: sides of the anchors in pixels, some for each level.
        ratios: heights of the anchors divided by their widths.
        num_detections: how many an image may have, at most.
        focal_loss: the loss of the classes; a student's own, for instance.

    Source:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv:1708.02002.

    Note:
        The paper regresses boxes with the L1 loss, smoothed; its thresholds of 0.4 and 0.5 and
        γ = 2, α = 0.25 are ours, too. The pyramid has levels of stride 4 and 8 (the paper's: 8 to
        128), since our images are small.
    """

    low, high = 0.4, 0.5

    def __init__(
        self,
        num_classes: int,
        *,
        width: int = 32,
        num_convs: int = 2,
        channels: int = 64,
        sizes: tuple[tuple[float, ...], ...] = ((12, 15, 18), (21, 26, 32)),
        ratios: tuple[float, ...] = (1.0,),
        num_detections: int = 50,
        focal_loss: Callable[[Tensor, Tensor], Tensor] = focal_loss,
    ) -> None:
        super().__init__()
        self.num_classes, self.num_detections = num_classes, num_detections
        self.focal_loss = focal_loss
        self.sizes, self.ratios = sizes, ratios
        self.backbone = Backbone(width, num_convs)
        self.pyramid = FeaturePyramid(self.backbone.channels, channels, len(sizes))
        self.head = RetinaNetHead(channels, anchors_per_place(sizes, ratios), num_classes)

    def forward(self, images: Tensor) -> DensePredictions:
        """Say what is at every anchor; ``images`` are float32 (N, 3, H, W) in [-1, 1]."""
        maps = self.pyramid(self.backbone(images))
        logits, deltas = self.head(maps)
        shapes = [(x.shape[-2], x.shape[-1]) for x in maps]
        anchors = pyramid_anchors(shapes, STRIDES[: len(maps)], self.sizes, self.ratios)
        size = (images.shape[-2], images.shape[-1])
        return DensePredictions(logits, deltas, anchors.to(images.device), size)

    def losses(self, predictions: DensePredictions, targets: Targets) -> dict[str, Tensor]:
        """Return the focal loss of the classes and the smooth L1 loss of the boxes."""
        require_targets(targets, self.num_classes, len(predictions.logits))
        assigned = assign_objects(predictions.anchors, targets, self.low, self.high)
        positive = assigned.labels > 0
        anchors = predictions.anchors.expand_as(assigned.boxes)[positive]
        wanted = encode_boxes(assigned.boxes[positive], anchors)
        box_loss = F.smooth_l1_loss(predictions.deltas[positive], wanted, reduction="sum", beta=0.1)
        return {
            "classes": self.focal_loss(predictions.logits, assigned.labels),
            "boxes": box_loss / positive.sum().clamp(min=1),
        }

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """Find objects in images, float32 (N, 3, H, W) in [-1, 1]; in evaluation mode."""
        predictions = self(images)
        boxes = decode_boxes(predictions.deltas, predictions.anchors)
        return select_detections(
            boxes,
            predictions.logits.sigmoid(),
            predictions.image_size,
            num_detections=self.num_detections,
        )


def _tower(channels: int, num_convs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(num_convs):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(8, channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
