"""How good a detector is: average precision over classes, overlaps and sizes, as COCO counts it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.detection.average_precision import precision_at
from cvgen_course.detection.claims import UNMATCHED, claim_objects, overlapping_pairs
from cvgen_course.detection.detections import Detections
from cvgen_course.detection.metric_inputs import Kind, flatten_detections, flatten_targets
from cvgen_course.detection.ranks import rank_in_group
from cvgen_course.detection.targets import Target

# As COCO computes them: an IoU of exactly 13/20 must fall on the same side.
THRESHOLDS = 0.5 + torch.arange(10, dtype=torch.float64) * ((0.95 - 0.5) / 9)
NUM_RECALLS = 101


class DetectionMetrics(NamedTuple):
    """Average precision (AP), in [0, 1]; NaN where there is no object to be found.

    Attributes:
        ap: the mean over all classes and over the ten thresholds of IoU 0.5, 0.55, …, 0.95.
        ap50: the mean over all classes, with the threshold 0.5 alone.
        ap75: with 0.75 alone.
        ap_small: as ``ap``, of the objects up to the first area.
        ap_medium: of those between the two areas.
        ap_large: of those from the second area.
        per_class: as ``ap``, for each class, float64 (C - 1,); entry c - 1 belongs to class c.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    per_class: Tensor


def detection_metrics(
    detections: Sequence[Detections],
    targets: Sequence[Target],
    num_classes: int,
    kind: Kind = "boxes",
    areas: tuple[float, float] = (32.0**2, 96.0**2),
    max_detections: int = 100,
) -> DetectionMetrics:
    """Return the average precision of a detector over a set of images, as COCO defines it.

    In each image and class the detections claim objects, in the order of their scores: each the
    free object with the largest IoU, if that reaches the threshold. Who gets one is a hit, who gets
    none a miss. The detections of all images, ranked by their scores, then give one AP for each
    class and threshold.

    Neither hit nor miss is a detection in a crowd or of a difficult object, and, where objects of
    one range of sizes are measured, one that gets an object of another size, or none and is itself
    of another size.

    Args:
        detections: of N images; the order within an image matters only among equal scores.
        targets: the truth of the same images, in the same order.
        num_classes: C, the background included.
        kind: whether boxes or masks are compared; areas are the boxes' or the masks' as well.
        areas: where small objects end and where large ones begin, in square pixels; who is exactly
            there is both small and medium, or both medium and large.
        max_detections: how many detections of each class may count in an image, those with the
            largest scores.

    Returns:
        The averages.

    Raises:
        TypeError: a tensor has the wrong type.
        ValueError: lengths or shapes do not belong together, a label is outside [1, C), a score is
            NaN, a box is not finite, a true box has x2 < x1 or y2 < y1, or masks are missing; it
            says in which image.

    Source:
        Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312, and
        the page "Detection Evaluation" of the benchmark.

    Note:
        COCO takes an object's area from its annotated outline, also where boxes are compared. Here
        a box has its own area.
    """
    _require_options(num_classes, kind, areas, max_detections)
    if not detections or len(detections) != len(targets):
        raise ValueError(
            f"targets: expected one for each image, got {len(targets)} for {len(detections)} images"
        )
    found = flatten_detections(detections, num_classes, kind)
    truth = flatten_targets(targets, num_classes, kind)
    found = found.at(_best(found.groups(num_classes), found.scores, max_detections))
    limits = torch.tensor([[0.0, 0.0, *areas], [math.inf, *areas, math.inf]], dtype=torch.float64)
    ignored = ~truth.sought[:, None] | _outside(truth.areas, limits)  # (K, 4)

    masks = (_masks(detections), _masks(targets)) if kind == "masks" else None
    pairs = overlapping_pairs(found, truth, num_classes, masks)
    groups = found.groups(num_classes)
    matches = claim_objects(groups, pairs, ~truth.sought, ignored, THRESHOLDS)  # (D, 4, 10)
    counts = torch.cat([~ignored, ignored.new_zeros(1, 4)])  # (K + 1, 4): the last is `UNMATCHED`
    hit = counts[matches, torch.arange(4)[:, None]]
    counted = torch.where(matches == UNMATCHED, ~_outside(found.areas, limits)[..., None], hit)

    ap = torch.full((num_classes - 1, *hit.shape[1:]), math.nan, dtype=torch.float64)
    for c in range(1, num_classes):
        num_objects = (~ignored[truth.labels == c]).sum(dim=0)  # (4,)
        ranked = (found.labels == c).nonzero()[:, 0]
        ranked = ranked[found.scores[ranked].argsort(descending=True, stable=True)]
        ap[c - 1] = _average_precisions(hit[ranked], counted[ranked], num_objects)
    return DetectionMetrics(
        ap=ap[:, 0].nanmean().item(),
        ap50=ap[:, 0, 0].nanmean().item(),
        ap75=ap[:, 0, 5].nanmean().item(),
        ap_small=ap[:, 1].nanmean().item(),
        ap_medium=ap[:, 2].nanmean().item(),
        ap_large=ap[:, 3].nanmean().item(),
        per_class=ap[:, 0].mean(dim=1),
    )


def _masks(items: Sequence[Detections] | Sequence[Target]) -> list[Tensor]:
    return [item.masks for item in items if item.masks is not None]


def _best(groups: Tensor, scores: Tensor, max_detections: int) -> Tensor:
    """Return the indices of each group's best detections: group by group, by decreasing score."""
    order = scores.argsort(descending=True, stable=True)
    order = order[groups[order].argsort(stable=True)]
    return order[rank_in_group(groups[order]) < max_detections]


def _outside(areas: Tensor, limits: Tensor) -> Tensor:
    """Return which areas (n,) lie outside of each of the ranges; ``limits`` is (2, 4)."""
    return (areas[:, None] < limits[0]) | (areas[:, None] > limits[1])  # (n, 4)


def _average_precisions(hit: Tensor, counted: Tensor, num_objects: Tensor) -> Tensor:
    """Return the AP of one class in each range and with each threshold, (4, 10).

    Args:
        hit: bool (D, 4, 10), by decreasing score.
        counted: bool (D, 4, 10); who is not counted changes neither precision nor recall.
        num_objects: int64 (4,).
    """
    hits, total = (each.movedim(0, -1).cumsum(dim=-1).double() for each in (hit, counted))
    num_objects = num_objects[:, None, None]
    precision, recall = hits / total.clamp(min=1), hits / num_objects.clamp(min=1)  # (4, 10, D)
    ap = precision_at(precision, recall.contiguous(), NUM_RECALLS).mean(dim=-1)
    return ap.where(num_objects[..., 0] > 0, math.nan)


def _require_options(
    num_classes: int, kind: Kind, areas: tuple[float, float], max_detections: int
) -> None:
    if num_classes < 2:
        raise ValueError(
            f"num_classes: expected at least 2, background included, got {num_classes}"
        )
    if kind not in ("boxes", "masks"):
        raise ValueError(f'kind: expected "boxes" or "masks", got {kind!r}')
    if not 0 <= areas[0] <= areas[1]:
        raise ValueError(f"areas: expected 0 <= areas[0] <= areas[1], got {areas}")
    if max_detections < 1:
        raise ValueError(f"max_detections: expected at least 1, got {max_detections}")
