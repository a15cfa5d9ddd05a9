"""Detections claim objects: who overlaps whom, and who gets whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.detection.masks import mask_intersection
from cvgen_course.detection.metric_inputs import Flat
from cvgen_course.detection.ranks import rank_in_group
from cvgen_course.require import require

UNMATCHED = -1
"""The detection gets no object."""

LAST_CHOICE = -2.0
"""Added to the IoU with an object that does not count: any that does is preferred."""


class Pairs(NamedTuple):
    """P pairs of a detection and an object of the same image and class.

    Attributes:
        detection: place in the row of detections, int64 (P,), never falling.
        object: place in the row of objects, int64 (P,), falling among the pairs of one detection.
        iou: their overlap, float64 (P,).
    """

    detection: Tensor
    object: Tensor
    iou: Tensor

    def at(self, index: Tensor) -> Pairs:
        """Return some of the pairs; ``index`` is bool (P,)."""
        return Pairs(*(part[index] for part in self))


def match_detections(iou: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Return for each detection of an image the object that it finds.

    The detections choose by decreasing score. Each takes, of the objects that none before it has
    taken, the one with the largest IoU, if that reaches the threshold. So each object is found at
    most once, and a second detection of it is a false alarm, unless another object is still free
    that it overlaps enough.

    Args:
        iou: float (D, K), of D detections with K objects; 0 where their classes differ.
        scores: float (D,), in any order.
        threshold: the least IoU, in (0, 1].

    Returns:
        int64 (D,): in [0, K), no number twice, or `UNMATCHED`. Of detections with the same score
        the first in the list chooses first; of objects with the same IoU it takes the last.

    Raises:
        TypeError: ``iou`` or ``scores`` is no floating-point tensor.
        ValueError: the shapes do not go together, a value is NaN, or not 0 < threshold <= 1.

    Source:
        Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312: the
        rule is that of the benchmark's code (`pycocotools.cocoeval`), also among equals.

    Note:
        The development kit of Pascal VOC (VOCevaldet.m, 2007) offers a detection only the object
        with its largest IoU of all. If that is taken, the detection is a false alarm, even where
        another object is free that it overlaps enough.
    """
    require(iou=(iou, "D K", "float"), scores=(scores, "D", "float"))
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold: expected 0 < threshold <= 1, got {threshold}")
    if iou.isnan().any():
        raise ValueError("iou: expected numbers, got NaN")
    if scores.isnan().any():
        raise ValueError("scores: expected numbers, got NaN; has the training diverged?")
    D, K = iou.shape
    order = _best_first(scores)
    pairs = Pairs(
        detection=torch.arange(D).repeat_interleave(K),
        object=torch.arange(K).flip(0).repeat(D),
        iou=iou[order].flip(1).flatten().detach().cpu().double(),
    )
    nobody = torch.zeros(K, dtype=torch.bool)  # is a crowd, or ignored
    least = iou.new_tensor([threshold]).cpu().double()  # as precise as the IoU that it is
    one_group = torch.zeros(D, dtype=torch.int64)
    claimed = claim_objects(one_group, pairs, nobody, nobody[:, None], least)  # (D, 1, 1)
    matches = torch.empty_like(order)
    matches[order] = claimed.flatten().to(order.device)
    return matches


def overlapping_pairs(
    found: Flat,
    truth: Flat,
    num_classes: int,
    masks: tuple[Sequence[Tensor], Sequence[Tensor]] | None = None,
) -> Pairs:
    """Return all pairs and their IoU; with a crowd, the share of the detection that is inside.

    Args:
        found: D detections, one image after another.
        truth: K objects.
        num_classes: C, the background included.
        masks: of each image those of the detections, bool (D, H, W), and those of the objects, to
            be compared; None compares boxes.

    Returns:
        The pairs.

    Raises:
        ValueError: the masks of an image's detections and objects have different sizes.
    """
    detection, object_ = _pairs(found.groups(num_classes), truth.groups(num_classes))
    if masks is None:
        shared = _box_intersections(found.boxes[detection], truth.boxes[object_])
    else:
        shared = _mask_intersections(found.at(detection), truth.at(object_), *masks)
    area, other = found.areas[detection], truth.areas[object_]
    union = torch.where(truth.crowd[object_], area, area + other - shared)
    return Pairs(detection, object_, shared / union.where(union > 0, 1))


def claim_objects(
    groups: Tensor, pairs: Pairs, unlimited: Tensor, ignored: Tensor, thresholds: Tensor
) -> Tensor:
    """Let the detections of each group choose an object, one after another.

    Each takes, of the objects that reach the threshold and are still free, the one with the largest
    IoU, but an ignored one only where there is no other; of equals, the last one. Groups have
    nothing to do with each other, nor have thresholds and ranges: the first of all groups choose at
    the same time, for all thresholds and ranges, then the second.

    Args:
        groups: of each detection, int64 (D,); a group stands together, by decreasing score.
        pairs: which detection overlaps which object of its group.
        unlimited: which objects stay free whoever takes them, bool (K,).
        ignored: which objects do not count in each of A ranges of sizes, bool (K, A).
        thresholds: the least IoU, float64 (T,), each greater than 0.

    Returns:
        The object that a detection gets, in [0, K), or `UNMATCHED`; int64 (D, A, T).
    """
    A, T = ignored.shape[1], len(thresholds)
    matches = torch.full((len(groups), A, T), UNMATCHED)
    pairs = pairs.at(pairs.iou >= thresholds.min())
    if not len(pairs.iou):
        return matches
    choosers, objects, iou = _table(pairs, nobody=len(unlimited))  # (B,), (B, P), (B, P)
    taken = torch.zeros(len(unlimited) + 1, dtype=torch.bool)
    taken[-1] = True  # nobody
    taken = taken[:, None].repeat(1, A * T)
    unlimited = torch.cat([unlimited, unlimited.new_zeros(1)])
    ignored = torch.cat([ignored, ignored.new_zeros(1, A)])
    appeal = iou[:, :, None] + LAST_CHOICE * ignored[objects]  # (B, P, A)

    for turn in _turns(groups[choosers]):
        offered = objects[turn]  # (n, P)
        free = ~taken[offered].unflatten(2, (A, T)) & (iou[turn][:, :, None, None] >= thresholds)
        best, which = appeal[turn][..., None].where(free, -math.inf).max(dim=1)  # (n, A, T)
        gets = best > -math.inf
        object_ = offered.gather(1, which.flatten(1))  # (n, A·T)
        matches[choosers[turn]] = object_.view_as(gets).where(gets, UNMATCHED)
        row, column = (gets.flatten(1) & ~unlimited[object_]).nonzero(as_tuple=True)
        taken[object_[row, column], column] = True
    return matches


def _best_first(scores: Tensor) -> Tensor:
    return scores.argsort(descending=True, stable=True)


def _pairs(detection_groups: Tensor, object_groups: Tensor) -> tuple[Tensor, Tensor]:
    """Return which detection and which object make up each pair, in the order of `Pairs`."""
    last = len(object_groups) - 1
    ordered = last - object_groups.flip(0).argsort(stable=True)  # in a group, the last one first
    sorted_groups = object_groups[ordered]
    start = torch.searchsorted(sorted_groups, detection_groups)  # (D,)
    num = torch.searchsorted(sorted_groups, detection_groups, right=True) - start
    detection = torch.arange(len(num)).repeat_interleave(num)  # (P,)
    return detection, ordered[start[detection] + rank_in_group(detection)]


def _box_intersections(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Return the area that two boxes share, pair by pair."""
    upper_left = boxes1[:, :2].maximum(boxes2[:, :2])
    lower_right = boxes1[:, 2:].minimum(boxes2[:, 2:])
    return (lower_right - upper_left).clamp(min=0).prod(dim=1)


def _mask_intersections(
    found: Flat, truth: Flat, found_masks: Sequence[Tensor], true_masks: Sequence[Tensor]
) -> Tensor:
    """Return the number of pixels that two masks share, pair by pair."""
    shared = torch.zeros_like(found.areas)
    images, sizes = found.image.unique_consecutive(return_counts=True)
    parts = torch.arange(len(shared)).split(sizes.tolist())
    for image, pairs in zip(images.tolist(), parts, strict=True):
        masks1, masks2 = found_masks[image], true_masks[image]
        require(
            **{f"targets[{image}].masks": (masks2, "K H W")},
            **{f"detections[{image}].masks": (masks1, "D H W")},
        )
        of_image = mask_intersection(masks1, masks2).cpu()
        shared[pairs] = of_image[found.number[pairs], truth.number[pairs]]
    return shared


def _table(pairs: Pairs, nobody: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the B detections that are in any pair, and a row of objects and IoUs for each."""
    choosers, row = pairs.detection.unique_consecutive(return_inverse=True)
    column = rank_in_group(pairs.detection)
    objects = torch.full((len(choosers), int(column.max()) + 1), nobody)
    iou = torch.zeros(objects.shape, dtype=pairs.iou.dtype)
    objects[row, column], iou[row, column] = pairs.object, pairs.iou
    return choosers, objects, iou


def _turns(groups: Tensor) -> Sequence[Tensor]:
    """Return who is first in any group, then who is second, and so on; int64 indices."""
    rank = rank_in_group(groups)
    return rank.argsort(stable=True).split(rank.bincount().tolist())
