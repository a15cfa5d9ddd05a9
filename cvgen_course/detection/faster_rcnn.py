"""Faster R-CNN: two stages. Propose boxes, then look into each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.detection.assignment import assign_objects
from cvgen_course.detection.backbone import STRIDES, Backbone, FeaturePyramid
from cvgen_course.detection.box_coding import decode_boxes, encode_boxes
from cvgen_course.detection.dense_head import DensePredictions
from cvgen_course.detection.detections import Detections, select_detections
from cvgen_course.detection.matching import IGNORED
from cvgen_course.detection.roi_align import roi_align
from cvgen_course.detection.rpn import RPN
from cvgen_course.detection.rpn_loss import rpn_loss
from cvgen_course.detection.sampling import sample_balanced
from cvgen_course.detection.targets import Targets, require_targets
from cvgen_course.precision import at_least_float32

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""By which the second stage's deltas are multiplied: proposals are nearly right already."""


class BoxHead(nn.Module):
    """Two layers that look at one region: what is it, and where does it really end?

    Args:
        channels: of the map that regions are cut from.
        size: side of the cut-out.
        hidden: numbers in each of the two layers.
        num_classes: C, the background included.

    Source:
        Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083, section 2; with one box for each class.
    """

    def __init__(self, channels: int, size: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels * size * size, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.class_logits = nn.Linear(hidden, num_classes)
        self.box_deltas = nn.Linear(hidden, 4 * num_classes)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Map (R, channels, size, size) to logits (R, C) and deltas (R, C, 4), float32 at least."""
        x = F.relu(self.fc1(regions.flatten(1)))
        x = F.relu(self.fc2(x))
        logits, deltas = self.class_logits(x), self.box_deltas(x).unflatten(1, (-1, 4))
        return at_least_float32(logits), at_least_float32(deltas)


class FirstStage(NamedTuple):
    """What the second stage starts from.

    Attributes:
        features: the map that regions are cut from, float (N, channels, H / 4, W / 4).
        rpn: what the region proposal network says about every anchor.
    """

    features: Tensor
    rpn: DensePredictions


class Regions(NamedTuple):
    """Boxes of a batch that the second stage looks into, and what it should answer.

    Attributes:
        boxes: float32 (R, 4).
        image_of: int64 (R,), the image of each.
        labels: int64 (R,), the class of its object, or 0 for background.
        object_of: int64 (R,), the object's index in its image; meaningless for background.
        object_boxes: float32 (R, 4), likewise.
    """

    boxes: Tensor
    image_of: Tensor
    labels: Tensor
    object_of: Tensor
    object_boxes: Tensor


class FasterRCNN(nn.Module):
    """A two-stage detector.

    Args:
        num_classes: C, the background included.
        width: of the backbone.
        num_convs: of the backbone.
        channels: of the pyramid.
        hidden: of the box head.
        sizes: sides of the anchors in pixels, some for each level.
        ratios: heights of the anchors divided by their widths.
        num_proposals: how many boxes of an image the second stage looks into, at most.
        num_detections: how many of them may be found to be objects, at most.
        rpn_loss: the first stage's loss; a student's own, for instance.
        roi_align: how regions are cut out, likewise.

    Source:
        Ren et al., "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal
        Networks", NeurIPS 2015, arXiv:1506.01497; on a feature pyramid as Lin et al., CVPR 2017,
        arXiv:1612.03144, section 4.

    Note:
        Both stages are trained together, and regions are cut from the finest map by RoI Align
        (Mask R-CNN's, arXiv:1703.06870) instead of RoI pooling.
    """

    roi_size = 7
    num_samples = 32
    positive_fraction = 0.5

    def __init__(
        self,
        num_classes: int,
        *,
        width: int = 32,
        num_convs: int = 2,
        channels: int = 64,
        hidden: int = 128,
        sizes: tuple[tuple[float, ...], ...] = ((12, 15, 18), (21, 26, 32)),
        ratios: tuple[float, ...] = (1.0,),
        num_proposals: int = 32,
        num_detections: int = 50,
        rpn_loss: Callable[..., tuple[Tensor, Tensor]] = rpn_loss,
        roi_align: Callable[..., Tensor] = roi_align,
    ) -> None:
        super().__init__()
        self.num_classes, self.num_detections = num_classes, num_detections
        self.roi_align = roi_align
        self.backbone = Backbone(width, num_convs)
        self.pyramid = FeaturePyramid(self.backbone.channels, channels, len(sizes))
        self.rpn = RPN(channels, sizes, ratios, num_proposals, rpn_loss)
        self.box_head = BoxHead(channels, self.roi_size, hidden, num_classes)

    def forward(self, images: Tensor) -> FirstStage:
        """Run the first stage; ``images`` are float32 (N, 3, H, W) in [-1, 1]."""
        maps = self.pyramid(self.backbone(images))
        size = (images.shape[-2], images.shape[-1])
        return FirstStage(maps[0], self.rpn(maps, size))

    def losses(self, first: FirstStage, targets: Targets) -> dict[str, Tensor]:
        """Return the four losses: of the proposals and of the second stage, class and box each."""
        require_targets(targets, self.num_classes, len(first.features))
        regions = self.sample_regions(first, targets)
        return self.rpn.losses(first.rpn, targets) | self.box_losses(first.features, regions)

    @torch.no_grad()
    def sample_regions(self, first: FirstStage, targets: Targets) -> Regions:
        """Draw a balanced sample of proposals. The objects' own boxes are proposals, too."""
        proposals, _ = self.rpn.propose(first.rpn)
        proposals = torch.cat([proposals, targets.boxes], dim=1)  # (N, P + K, 4)
        assigned = assign_objects(proposals, targets, 0.5, 0.5, keep_best=False)
        empty = (proposals[..., 2:] <= proposals[..., :2]).any(dim=-1)
        matches = assigned.matches.masked_fill(empty, IGNORED)
        positive, negative = sample_balanced(matches, self.num_samples, self.positive_fraction)
        drawn = positive | negative
        return Regions(
            proposals[drawn],
            drawn.nonzero()[:, 0],
            assigned.labels[drawn],
            matches[drawn],
            assigned.boxes[drawn],
        )

    def box_losses(self, features: Tensor, regions: Regions) -> dict[str, Tensor]:
        """Return the cross-entropy of the regions' classes, and the loss of objects' boxes."""
        logits, deltas = self.look_into(features, regions.boxes, regions.image_of)
        positive = regions.labels > 0
        own = deltas[positive, regions.labels[positive]]  # (num positive, 4)
        wanted = encode_boxes(regions.object_boxes[positive], regions.boxes[positive], WEIGHTS)
        box_loss = F.smooth_l1_loss(own, wanted, beta=1.0, reduction="sum")
        count = max(1, len(regions.labels))
        classes = F.cross_entropy(logits, regions.labels, reduction="sum")
        return {"classes": classes / count, "boxes": box_loss / count}

    def look_into(self, features: Tensor, boxes: Tensor, image_of: Tensor) -> tuple[Tensor, Tensor]:
        """Cut boxes (R, 4) out of the map and return logits (R, C) and deltas (R, C, 4)."""
        scale = 1 / STRIDES[0]
        return self.box_head(self.roi_align(features, boxes, image_of, self.roi_size, scale))

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """Find objects in images, float32 (N, 3, H, W) in [-1, 1]; in evaluation mode."""
        return self.detect_from(self(images))

    @torch.no_grad()
    def detect_from(self, first: FirstStage) -> list[Detections]:
        """Run the second stage on the first one's proposals."""
        proposals, _ = self.rpn.propose(first.rpn)
        N, P, _ = proposals.shape
        image_of = torch.arange(N, device=proposals.device).repeat_interleave(P)
        proposals = proposals.flatten(0, 1)  # (N · P, 4)
        logits, deltas = self.look_into(first.features, proposals, image_of)
        of_objects = deltas[:, 1:]  # (N · P, C - 1, 4)
        boxes = decode_boxes(of_objects, proposals[:, None].expand_as(of_objects), WEIGHTS)
        scores = logits.softmax(dim=-1)[:, 1:]  # (N · P, C - 1)
        empty = (proposals[:, 2:] <= proposals[:, :2]).any(dim=-1, keepdim=True)
        scores = scores.masked_fill(empty, 0.0)
        return select_detections(
            boxes.unflatten(0, (N, P)),
            scores.unflatten(0, (N, P)),
            first.rpn.image_size,
            num_detections=self.num_detections,
        )
