"""The region proposal network: where in the image might there be anything at all?"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.assignment import assign_objects
from cvgen_course.detection.backbone import STRIDES
from cvgen_course.detection.box_coding import decode_boxes, encode_boxes
from cvgen_course.detection.boxes import clip_boxes
from cvgen_course.detection.dense_head import DensePredictions, anchors_per_place, per_anchor
from cvgen_course.detection.nms import batched_nms
from cvgen_course.detection.ranks import rank_in_group
from cvgen_course.detection.rpn_loss import rpn_loss
from cvgen_course.detection.sampling import sample_balanced
from cvgen_course.detection.targets import Targets


class RPNHead(nn.Module):
    """A small network that slides over the maps: for each anchor, "object?" and four deltas.

    Args:
        channels: of the maps.
        num_anchors: at each place.

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, section 3.1 and figure 3.

    Note:
        One logit for each anchor instead of the paper's two; a sigmoid instead of its softmax.
    """

    def __init__(self, channels: int, num_anchors: int) -> None:
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.object_logits = nn.Conv2d(channels, num_anchors, 1)
        self.box_deltas = nn.Conv2d(channels, 4 * num_anchors, 1)

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits (N, A, 1) and deltas (N, A, 4) of all maps, one after another."""
        hidden = [F.relu(self.conv(x)) for x in maps]
        logits = [per_anchor(self.object_logits(x), self.num_anchors) for x in hidden]
        deltas = [per_anchor(self.box_deltas(x), self.num_anchors) for x in hidden]
        return torch.cat(logits, dim=1), torch.cat(deltas, dim=1)


class RPN(nn.Module):
    """The first stage of Faster R-CNN: a few hundred anchors become a few dozen proposals.

    Args:
        channels: of the maps.
        sizes: sides of the anchors in pixels, some for each map.
        ratios: heights of the anchors divided by their widths.
        num_proposals: how many proposals an image gets, at most; non-maximum suppression chooses
            them from five times as many.
        rpn_loss: the loss; a student's own, for instance.

    Source:
        Ren et al., NeurIPS 2015, arXiv:1506.01497, section 3.1; the numbers in section 3.3.

    Note:
        The paper draws 256 anchors of an image for the loss and passes 300 to 2,000 proposals on,
        for images a hundred times as large as ours.
    """

    low, high = 0.3, 0.7
    num_samples = 64
    nms_threshold = 0.7

    def __init__(
        self,
        channels: int,
        sizes: tuple[tuple[float, ...], ...],
        ratios: tuple[float, ...] = (1.0,),
        num_proposals: int = 32,
        rpn_loss: Callable[..., tuple[Tensor, Tensor]] = rpn_loss,
    ) -> None:
        super().__init__()
        self.rpn_loss = rpn_loss
        self.sizes, self.ratios, self.num_proposals = sizes, ratios, num_proposals
        self.head = RPNHead(channels, anchors_per_place(sizes, ratios))

    def forward(self, maps: list[Tensor], image_size: tuple[int, int]) -> DensePredictions:
        """Say of every anchor whether there is an object, and how it should move."""
        logits, deltas = self.head(maps)
        shapes = [(x.shape[-2], x.shape[-1]) for x in maps]
        anchors = pyramid_anchors(shapes, STRIDES[: len(maps)], self.sizes, self.ratios)
        return DensePredictions(logits, deltas, anchors.to(logits.device), image_size)

    def losses(self, predictions: DensePredictions, targets: Targets) -> dict[str, Tensor]:
        """Return the loss of "object?" and that of the boxes, over a balanced sample of anchors."""
        anchors = predictions.anchors
        assigned = assign_objects(anchors, targets, self.low, self.high)
        positive, negative = sample_balanced(assigned.matches, self.num_samples, 0.5)
        labels = torch.full_like(assigned.labels, -1)
        labels[negative], labels[positive] = 0, 1
        encoded = encode_boxes(
            assigned.boxes[positive], anchors.expand_as(assigned.boxes)[positive]
        )
        wanted = encoded.new_zeros(assigned.boxes.shape)
        wanted[positive] = encoded
        logits = predictions.logits.squeeze(-1)  # (N, A)
        objectness, regression = self.rpn_loss(logits, predictions.deltas, labels, wanted)
        return {"objects": objectness, "proposals": regression}

    @torch.no_grad()
    def propose(self, predictions: DensePredictions) -> tuple[Tensor, Tensor]:
        """Return the boxes in which an object is likeliest, the best of each place.

        Returns:
            Proposals float32 (N, P, 4), clipped to the image, the best first, and their scores
            (N, P) in [0, 1]. An image with fewer than P has zeros in the other rows: empty boxes.
        """
        logits = predictions.logits.squeeze(-1)  # (N, A)
        N, A = logits.shape
        logits, chosen = logits.topk(min(5 * self.num_proposals, A))  # (N, n)
        deltas = predictions.deltas.gather(1, chosen[..., None].expand(-1, -1, 4))
        boxes = decode_boxes(deltas, predictions.anchors[chosen])
        boxes = clip_boxes(boxes, *predictions.image_size).flatten(0, 1)  # (N · n, 4)
        image = torch.arange(N, device=boxes.device).repeat_interleave(logits.shape[1])
        scores = logits.flatten().sigmoid()
        kept = batched_nms(boxes, scores, image, self.nms_threshold)
        kept = kept[(boxes[kept, 2:] > boxes[kept, :2]).all(dim=1)]  # not outside of the image

        kept = kept[image[kept].argsort(stable=True)]  # image after image, the best first
        image = image[kept]
        rank = rank_in_group(image)
        few = rank < self.num_proposals
        kept, image, rank = kept[few], image[few], rank[few]
        proposals = boxes.new_zeros(N, self.num_proposals, 4)
        proposals[image, rank] = boxes[kept]
        best = scores.new_zeros(N, self.num_proposals)
        best[image, rank] = scores[kept]
        return proposals, best
