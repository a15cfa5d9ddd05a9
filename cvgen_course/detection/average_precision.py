"""Precision and recall of a ranked list, and the area under their curve."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.require import require


def precision_recall(scores: Tensor, hits: Tensor, num_objects: int) -> tuple[Tensor, Tensor]:
    """Return precision and recall if only the best k detections count, for each k.

    Args:
        scores: float (D,), in any order.
        hits: bool (D,), whether a detection found an object that none before it has found.
        num_objects: how many objects there are, at least 1.

    Returns:
        Precision and recall, both float64 (D,), in [0, 1]; entry k - 1 counts the k detections
        with the largest scores. Of two with the same score the first in the list comes first.

    Raises:
        TypeError: ``scores`` is no floating-point tensor, or ``hits`` no bool tensor.
        ValueError: the shapes differ, a score is NaN, or there are fewer objects than 1 or hits.

    Source:
        Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010,
        section 4.2.
    """
    _require_ranked(scores, hits, num_objects)
    order = scores.argsort(descending=True, stable=True)
    found = hits[order].cumsum(dim=0).double()  # (D,)
    counted = torch.arange(1, len(found) + 1, device=found.device)
    return found / counted, found / num_objects


def average_precision(
    scores: Tensor, hits: Tensor, num_objects: int, num_points: int | None = None
) -> float:
    """Return the average precision of a ranked list: one number for precision at every recall.

    The interpolated precision at recall r is the largest precision at any recall >= r, and 0 where
    the list does not get that far. It is averaged over r: over the whole interval [0, 1], or over
    a number of evenly spaced points.

    Args:
        scores: float (D,), in any order.
        hits: bool (D,), whether a detection found an object that none before it has found.
        num_objects: how many objects there are, at least 1.
        num_points: None for the exact area (Pascal VOC since 2010), or how many values of recall
            from 0 to 1: 11 (VOC 2007) or 101 (COCO).

    Returns:
        The average precision, in [0, 1]; 0 where there are no detections.

    Raises:
        TypeError: ``scores`` is no floating-point tensor, or ``hits`` no bool tensor.
        ValueError: the shapes differ, a score is NaN, there are fewer objects than 1 or hits, or
            ``num_points`` is less than 2.

    Source:
        Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010,
        section 4.2, equations 1 and 2; "The Pascal Visual Object Classes Challenge: A
        Retrospective", IJCV 2015, section 3.4.1, for the area.
    """
    precision, recall = precision_recall(scores, hits, num_objects)
    if num_points is None:
        steps = recall.diff(prepend=recall.new_zeros(1))  # (D,), what each detection adds
        return float((steps * interpolated(precision)).sum())
    return float(precision_at(precision, recall, num_points).mean())


def interpolated(precision: Tensor) -> Tensor:
    """Return, for each place of a ranked list, the largest precision there or further down.

    Args:
        precision: float (..., D).

    Returns:
        (..., D), never rising from left to right.
    """
    return precision.flip(-1).cummax(dim=-1).values.flip(-1)


def precision_at(precision: Tensor, recall: Tensor, num_points: int) -> Tensor:
    """Return the interpolated precision at evenly spaced values of recall.

    Args:
        precision: float64 (..., D).
        recall: float64 (..., D), never falling from left to right.
        num_points: how many values of recall, from 0 to 1, at least 2.

    Returns:
        float64 (..., num_points); 0 where the recall is never reached.

    Raises:
        ValueError: ``num_points`` is less than 2.
    """
    if num_points < 2:
        raise ValueError(f"num_points: expected None or at least 2, got {num_points}")
    precision = interpolated(precision)
    precision = torch.cat([precision, precision.new_zeros(*precision.shape[:-1], 1)], dim=-1)
    # As floating-point numbers, i · (1/100) and i/100 are not always the same, and a recall may be
    # exactly there. COCO multiplies.
    points = torch.arange(num_points, dtype=recall.dtype, device=recall.device)
    points = points * (1 / (num_points - 1))
    first = torch.searchsorted(recall, points.expand(*recall.shape[:-1], num_points).contiguous())
    return precision.gather(-1, first)


def _require_ranked(scores: Tensor, hits: Tensor, num_objects: int) -> None:
    require(scores=(scores, "D", "float"), hits=(hits, "D", "bool"))
    if scores.isnan().any():
        raise ValueError("scores: expected numbers, got NaN; has the training diverged?")
    if num_objects < 1:
        raise ValueError(
            f"num_objects: expected at least 1, got {num_objects}; recall is not defined without "
            "objects"
        )
    if hits.sum() > num_objects:
        raise ValueError(
            f"num_objects: expected at least the number of hits, {int(hits.sum())}, got "
            f"{num_objects}; an object can be found only once"
        )
