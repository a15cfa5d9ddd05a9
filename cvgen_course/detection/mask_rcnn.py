"""Mask R-CNN: Faster R-CNN with a third answer for each box, a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.detection.backbone import STRIDES
from cvgen_course.detection.detections import Detections
from cvgen_course.detection.faster_rcnn import FasterRCNN, FirstStage, Regions
from cvgen_course.detection.masks import crop_masks, mask_loss, paste_masks
from cvgen_course.detection.targets import Targets, require_targets
from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


class MaskHead(nn.Module):
    """Convolutions that keep the place, then one step up: a mask for each class.

    Args:
        channels: of the map that regions are cut from.
        num_classes: C, the background included.
        num_convs: 3 × 3 convolutions before the step up.

    Source:
        He et al., ICCV 2017, arXiv:1703.06870, figure 4 (right).
    """

    def __init__(self, channels: int, num_classes: int, num_convs: int = 2) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in range(num_convs)
        )
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.mask_logits = nn.Conv2d(channels, num_classes - 1, 1)

    def forward(self, regions: Tensor) -> Tensor:
        """Map (R, channels, S, S) to logits (R, C - 1, 2 S, 2 S), float32 at least."""
        x = regions
        for conv in self.convs:
            x = F.relu(conv(x))
        return at_least_float32(self.mask_logits(F.relu(self.upsample(x))))


class MaskRCNN(nn.Module):
    """A two-stage detector that also says which pixels of a box belong to the object.

    Args:
        num_classes: C, the background included.
        mask_loss: the loss of the masks; a student's own, for instance.
        **parts: what `FasterRCNN` takes.

    Source:
        He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870.

    Note:
        Masks of 14 × 14 instead of 28 × 28: our objects are small.
    """

    roi_size = 7

    def __init__(
        self,
        num_classes: int,
        *,
        mask_loss: Callable[[Tensor, Tensor, Tensor], Tensor] = mask_loss,
        **parts: Any,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.mask_loss = mask_loss
        self.detector = FasterRCNN(num_classes, **parts)
        self.mask_head = MaskHead(self.detector.pyramid.channels, num_classes)

    def forward(self, images: Tensor) -> FirstStage:
        """Run the first stage; ``images`` are float32 (N, 3, H, W) in [-1, 1]."""
        return self.detector(images)

    def losses(self, first: FirstStage, targets: Targets) -> dict[str, Tensor]:
        """Return Faster R-CNN's four losses, and that of the masks."""
        require_targets(targets, self.num_classes, len(first.features))
        if targets.masks is None:
            raise ValueError("targets: expected masks for Mask R-CNN, got None")
        H, W = first.rpn.image_size
        require(labels=(targets.labels, "N K"), masks=(targets.masks, "N K H W", "bool"), H=H, W=W)
        regions = self.detector.sample_regions(first, targets)
        return (
            self.detector.rpn.losses(first.rpn, targets)
            | self.detector.box_losses(first.features, regions)
            | {"masks": self._mask_loss(first.features, regions, targets.masks)}
        )

    def _mask_loss(self, features: Tensor, regions: Regions, masks: Tensor) -> Tensor:
        positive = regions.labels > 0
        boxes, image_of = regions.boxes[positive], regions.image_of[positive]
        logits = self._mask_logits(features, boxes, image_of)  # (R, C - 1, M, M)
        with torch.no_grad():
            mask_of = image_of * masks.shape[1] + regions.object_of[positive]
            wanted = crop_masks(masks.flatten(0, 1), boxes, mask_of, logits.shape[-1])
        return self.mask_loss(logits, regions.labels[positive], wanted)

    def _mask_logits(self, features: Tensor, boxes: Tensor, image_of: Tensor) -> Tensor:
        align, scale = self.detector.roi_align, 1 / STRIDES[0]
        return self.mask_head(align(features, boxes, image_of, self.roi_size, scale))

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """Find objects and their pixels in images, as `FasterRCNN.detect`."""
        first = self(images)
        found = self.detector.detect_from(first)
        if not found:
            return []
        counts = [len(each.labels) for each in found]
        boxes = torch.cat([each.boxes for each in found])
        labels = torch.cat([each.labels for each in found])
        image_of = torch.arange(len(found)).repeat_interleave(torch.tensor(counts))
        image_of = image_of.to(boxes.device)
        logits = self._mask_logits(first.features, boxes, image_of)
        own = logits[torch.arange(len(labels), device=boxes.device), labels - 1].sigmoid()
        masks = paste_masks(own, boxes, *first.rpn.image_size).split(counts)
        return [each._replace(masks=mask) for each, mask in zip(found, masks, strict=True)]
