"""YOLO: one stage, no anchors. The cell in which an object's centre lies answers for it."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.detection.backbone import Backbone
from cvgen_course.detection.boxes import box_iou, xyxy_to_cxcywh
from cvgen_course.detection.decode_yolo import decode_yolo
from cvgen_course.detection.detections import Detections, select_detections
from cvgen_course.detection.targets import Targets, require_targets
from cvgen_course.precision import at_least_float32
from cvgen_course.segmentation import conv_block


class Grid(NamedTuple):
    """What YOLO's cells say.

    Attributes:
        raw: float32 (N, 5 B + C - 1, S_h, S_w); see `decode_yolo`.
        image_size: (H, W) in pixels.
    """

    raw: Tensor
    image_size: tuple[int, int]


class YOLO(nn.Module):
    """A one-stage detector that divides the image into cells.

    Args:
        num_classes: C, the background included.
        num_boxes: B, boxes that each cell predicts.
        width: of the backbone.
        num_convs: of the backbone.
        num_detections: how many an image may have, at most.

    Source:
        Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", CVPR 2016,
        arXiv:1506.02640.

    Note:
        Cells of 8 × 8 pixels; the paper has 7 × 7 cells in an image. Outputs pass a sigmoid or a
        softmax (the paper's are linear), and its last, fully connected layers are convolutions.
    """

    coord_weight, no_object_weight = 5.0, 0.5

    def __init__(
        self,
        num_classes: int,
        *,
        num_boxes: int = 2,
        width: int = 32,
        num_convs: int = 2,
        num_detections: int = 50,
    ) -> None:
        super().__init__()
        self.num_classes, self.num_boxes = num_classes, num_boxes
        self.num_detections = num_detections
        self.backbone = Backbone(width, num_convs, num_maps=2)
        channels = self.backbone.channels[-1]
        self.head = nn.Sequential(
            conv_block(channels, channels),
            nn.Conv2d(channels, 5 * num_boxes + num_classes - 1, 1),
        )

    def forward(self, images: Tensor) -> Grid:
        """Let every cell speak; ``images`` are float32 (N, 3, H, W) in [-1, 1]."""
        _, stride8 = self.backbone(images)
        return Grid(at_least_float32(self.head(stride8)), (images.shape[-2], images.shape[-1]))

    def losses(self, grid: Grid, targets: Targets) -> dict[str, Tensor]:
        """Return the parts of the sum of squares, for each object of the batch.

        Source:
            Redmon et al., arXiv:1506.02640, equation 3, divided by the number of objects.
        """
        require_targets(targets, self.num_classes, len(grid.raw))
        B = self.num_boxes
        H, W = grid.image_size
        S_h, S_w = grid.raw.shape[2:]
        cells = grid.raw.permute(0, 2, 3, 1).flatten(1, 2)  # (N, S_h · S_w, 5 B + C - 1)
        offsets = cells[..., : 5 * B].unflatten(-1, (B, 5)).sigmoid()  # x, y, √w, √h, confidence
        probs = cells[..., 5 * B :].softmax(dim=-1)
        object_of = _responsible_cells(targets, grid.image_size, (S_h, S_w))  # (N, S_h · S_w)
        image, cell = (object_of >= 0).nonzero().unbind(1)  # (M,) each
        boxes = targets.boxes[image, object_of[image, cell]]  # (M, 4)
        labels = targets.labels[image, object_of[image, cell]]

        # Of a cell's boxes, the one that fits best already answers for the object.
        with torch.no_grad():
            predicted, _ = decode_yolo(grid.raw, B, grid.image_size)
            predicted = predicted.unflatten(1, (S_h * S_w, B))[image, cell]  # (M, B, 4)
            iou, best = box_iou(predicted, boxes[:, None]).squeeze(-1).max(dim=1)  # (M,)
            centre_x, centre_y, w, h = xyxy_to_cxcywh(boxes).unbind(-1)
            column, row = cell % S_w, cell // S_w
            wanted = torch.stack(
                [
                    centre_x * (S_w / W) - column,
                    centre_y * (S_h / H) - row,
                    (w / W).sqrt(),
                    (h / H).sqrt(),
                ],
                dim=-1,
            )
        responsible = torch.zeros_like(offsets[..., 4], dtype=torch.bool)
        responsible[image, cell, best] = True
        confidence = offsets[..., 4]
        of_object = F.one_hot(labels - 1, self.num_classes - 1)
        squares = {
            "centres and sizes": self.coord_weight
            * (offsets[image, cell, best, :4] - wanted).square().sum(),
            "objects": (confidence[image, cell, best] - iou).square().sum(),
            "no objects": self.no_object_weight * confidence[~responsible].square().sum(),
            "classes": (probs[image, cell] - of_object).square().sum(),
        }
        count = max(1, len(image))
        return {name: square / count for name, square in squares.items()}

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Detections]:
        """Find objects in images, float32 (N, 3, H, W) in [-1, 1]; in evaluation mode."""
        grid = self(images)
        boxes, scores = decode_yolo(grid.raw, self.num_boxes, grid.image_size)
        return select_detections(boxes, scores, grid.image_size, num_detections=self.num_detections)


def _responsible_cells(
    targets: Targets, image_size: tuple[int, int], grid_size: tuple[int, int]
) -> Tensor:
    """Return the object whose centre lies in each cell, int64 (N, S_h · S_w), or -1.

    Of several, the first: a cell can name one class only. The others are lost.
    """
    (H, W), (S_h, S_w) = image_size, grid_size
    N, K, _ = targets.boxes.shape
    x, y, _, _ = xyxy_to_cxcywh(targets.boxes).unbind(-1)  # (N, K) each
    column = (x * (S_w / W)).long().clamp(0, S_w - 1)
    row = (y * (S_h / H)).long().clamp(0, S_h - 1)
    index = torch.arange(K, device=x.device).expand(N, K)
    index = torch.where(targets.labels > 0, index, K)  # the padding loses against every object
    nobody = torch.full((N, S_h * S_w), K, device=x.device)
    first = nobody.scatter_reduce(1, row * S_w + column, index, "amin")
    return torch.where(first == K, -1, first)
