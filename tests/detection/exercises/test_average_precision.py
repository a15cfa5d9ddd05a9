import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.detection.average_precision import precision_recall
from cvgen_course.detection.exercises.average_precision import EXERCISE


def loop(scores, hits, num_objects, num_points=None):
    order = sorted(range(len(scores)), key=lambda d: -scores[d].item())
    found, curve = 0, []
    for counted, d in enumerate(order, start=1):
        found += bool(hits[d])
        curve.append((found, found / counted))
    if num_points is None:
        levels = list(range(1, num_objects + 1))
    else:
        levels = [num_objects * k / (num_points - 1) for k in range(num_points)]
    best = [max((p for f, p in curve if f >= level - 1e-9), default=0.0) for level in levels]
    return sum(best) / len(best)


def masked_table_in_float32(scores, hits, num_objects, num_points=None):
    tp = hits[scores.argsort(descending=True, stable=True)].float().cumsum(0)
    precision = tp / torch.arange(1, len(tp) + 1)
    recall = tp / num_objects
    if num_points is None:
        points = torch.arange(1, num_objects + 1) / num_objects - 0.5 / num_objects
    else:
        points = torch.linspace(0, 1, num_points)
    if len(tp) == 0:
        return torch.tensor(0.0)
    table = precision * (recall >= points[:, None])
    return table.amax(dim=1).mean()


def numpy_with_sentinels(scores, hits, num_objects, num_points=None):
    order = np.argsort(-scores.numpy(), kind="stable")
    tp = np.cumsum(hits.numpy()[order])
    recall = np.concatenate([[0.0], tp / num_objects, [1.0]])
    precision = np.concatenate([[0.0], tp / np.arange(1, len(tp) + 1), [0.0]])
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    if num_points is None:
        step = np.where(recall[1:] != recall[:-1])[0]
        return np.sum((recall[step + 1] - recall[step]) * precision[step + 1])
    total = 0.0
    for t in np.linspace(0, 1, num_points):
        reached = precision[1:-1][recall[1:-1] >= t]
        total += reached.max() / num_points if len(reached) else 0.0
    return total


def searches(scores, hits, num_objects, num_points=None):
    if not hits.any():
        return 0
    tp = hits[torch.sort(-scores, stable=True).indices].cumsum(0).double()
    envelope = (tp / torch.arange(1, 1 + len(tp))).flip(0).cummax(0)[0].flip(0)
    recall = tp / num_objects
    if num_points is None:
        return torch.trapezoid(envelope.repeat_interleave(2), _corners(recall)).item()
    at = torch.searchsorted(recall, torch.linspace(0, 1, num_points, dtype=torch.float64))
    return torch.cat([envelope, torch.zeros(1)])[at].sum() / num_points


def trapezia(scores, hits, num_objects, num_points=None):
    """Interpolated precision is level wherever recall grows: a trapezium is a rectangle there."""
    if num_points is not None or not hits.any():
        return loop(scores, hits, num_objects, num_points)
    precision, recall = curve(scores, hits, num_objects)
    envelope = precision.flip(0).cummax(0).values.flip(0)
    start = torch.zeros(1)
    return torch.trapezoid(torch.cat([envelope[:1], envelope]), torch.cat([start, recall]))


def _corners(recall):
    """Return where each step begins and ends."""
    return torch.stack([torch.cat([torch.zeros(1), recall[:-1]]), recall], dim=1).flatten()


def unstable(scores, hits, num_objects, num_points=None):
    order = scores.argsort().flip(0)
    ranked = -torch.arange(len(scores)).float()
    return loop(ranked, hits[order], num_objects, num_points)


def hits_first_among_equals(scores, hits, num_objects, num_points=None):
    pairs = sorted(zip(scores.tolist(), hits.tolist(), strict=True), reverse=True)
    scores = -torch.arange(len(pairs)).float()
    return loop(scores, torch.tensor([hit for _, hit in pairs]), num_objects, num_points)


def more_than_the_point(scores, hits, num_objects, num_points=None):
    if num_points is None or not hits.any():
        return loop(scores, hits, num_objects, num_points)
    precision, recall = curve(scores, hits, num_objects)
    points = torch.linspace(0, 1, num_points, dtype=torch.float64)
    return (precision * (recall > points[:, None])).amax(dim=1).mean()


def curve(scores, hits, num_objects):
    tp = hits[scores.argsort(descending=True, stable=True)].double().cumsum(0)
    return tp / torch.arange(1, len(tp) + 1), tp / num_objects


def always_eleven_points(scores, hits, num_objects, num_points=None):
    return loop(scores, hits, num_objects, num_points and 11)


def eleven_points_by_default(scores, hits, num_objects, num_points=11):
    return loop(scores, hits, num_objects, num_points)


def without_the_ends(scores, hits, num_objects, num_points=None):
    if num_points is None or not hits.any():
        return loop(scores, hits, num_objects, num_points)
    precision, recall = curve(scores, hits, num_objects)
    points = torch.arange(1, num_points + 1) / num_points
    return (precision * (recall >= points[:, None])).amax(dim=1).mean()


def trapezia_of_the_raw_curve(scores, hits, num_objects, num_points=None):
    if num_points is not None or not hits.any():
        return loop(scores, hits, num_objects, num_points)
    precision, recall = curve(scores, hits, num_objects)
    return torch.trapezoid(
        torch.cat([torch.ones(1), precision]), torch.cat([torch.zeros(1), recall])
    )


def first_step_missing(scores, hits, num_objects, num_points=None):
    if num_points is not None or not hits.any():
        return loop(scores, hits, num_objects, num_points)
    precision, recall = curve(scores, hits, num_objects)
    envelope = precision.flip(0).cummax(0).values.flip(0)
    return (recall.diff() * envelope[1:]).sum()


def fails_without_detections(scores, hits, num_objects, num_points=None):
    precision, recall = curve(scores, hits, num_objects)
    points = torch.linspace(0, 1, num_points or 10001, dtype=torch.float64)
    return (precision * (recall >= points[:, None])).amax(dim=1).mean()


def nan_without_hits(scores, hits, num_objects, num_points=None):
    if not hits.any():
        return float("nan")
    return loop(scores, hits, num_objects, num_points)


def no_scores_below_zero(scores, hits, num_objects, num_points=None):
    return loop(scores.clamp(0, 1), hits, num_objects, num_points)


def precision_over_objects(scores, hits, num_objects, num_points=None):
    if not hits.any():
        return 0.0
    precision, recall = curve(scores, hits, num_objects)
    del precision
    return fails_without_detections_of(recall, recall, num_points)


def fails_without_detections_of(precision, recall, num_points):
    points = torch.linspace(0, 1, num_points or 1001, dtype=torch.float64)
    return (precision * (recall >= points[:, None])).amax(dim=1).mean()


def one_more_for_safety(scores, hits, num_objects, num_points=None):
    tp = hits[scores.argsort(descending=True, stable=True)].double().cumsum(0)
    if len(tp) == 0:
        return 0.0
    precision = tp / (torch.arange(1, len(tp) + 1) + 1)
    return fails_without_detections_of(precision, tp / num_objects, num_points)


def f1(scores, hits, num_objects, num_points=None):
    precision, recall = curve(scores, hits, num_objects)
    return (2 * precision * recall / (precision + recall).clamp(min=1e-9)).max().item()


def sorts_in_place(scores, hits, num_objects, num_points=None):
    result = loop(scores, hits, num_objects, num_points)
    scores.copy_(scores.sort(descending=True).values)
    return result


def a_list_of_one(*args, **kwargs):
    return torch.tensor([loop(*args, **kwargs)])


def percent(*args, **kwargs):
    return 100 * loop(*args, **kwargs)


def both_curves(scores, hits, num_objects, num_points=None):
    return curve(scores, hits, num_objects)


RIGHT = [loop, masked_table_in_float32, numpy_with_sentinels, searches, trapezia]
WRONG = [
    *(unstable, hits_first_among_equals, more_than_the_point, always_eleven_points),
    *(eleven_points_by_default, without_the_ends, trapezia_of_the_raw_curve, first_step_missing),
    *(fails_without_detections, nan_without_hits, no_scores_below_zero, precision_over_objects),
    *(one_more_for_safety, f1, sorts_in_place, a_list_of_one, percent, both_curves),
]
NO_BATCH = "the exercise has one list; more dimensions before it are needed by the metrics only"
ON_THE_CPU = "the check runs on the CPU"
ZEROS = "precision.new_zeros(*precision.shape[:-1], 1)"
POINTS = "torch.arange(num_points, dtype=recall.dtype, device=recall.device)"
EQUIVALENT = {
    "precision_recall: 0 -> -1": NO_BATCH,
    "interpolated: 1 -> 0": NO_BATCH,
    "precision_at: 1 -> 0": NO_BATCH,
    "precision_at: 1 -> 2": NO_BATCH,
    f"precision_at: torch.cat([precision, {ZEROS}], dim=-1) -> torch.cat([precision, {ZEROS}])": (
        NO_BATCH
    ),
    f"precision_at: {ZEROS} -> precision.new_zeros(1)": NO_BATCH,
    f"precision_at: {ZEROS} -> precision.new_zeros(1, *precision.shape[:-1])": NO_BATCH,
    "precision_at: points.expand(*recall.shape[:-1], num_points) -> points.expand(num_points)": (
        NO_BATCH
    ),
    "precision_at: points.expand(*recall.shape[:-1], num_points) -> "
    "points.expand(num_points, *recall.shape[:-1])": NO_BATCH,
    "precision_recall: torch.arange(1, len(found) + 1, device=found.device) -> "
    "torch.arange(1, len(found) + 1)": ON_THE_CPU,
    f"precision_at: {POINTS} -> torch.arange(num_points, dtype=recall.dtype)": ON_THE_CPU,
    f"precision_at: {POINTS} -> torch.arange(num_points, device=recall.device)": (
        "whole numbers times a float64 Python number become float32, which is precise enough here"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_average_precision_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_average_precision_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_average_precision_must_not_come_from_the_courses_own_curve():
    def answer(scores, hits, num_objects, num_points=None):
        precision_recall(scores, hits, num_objects)
        return loop(scores, hits, num_objects, num_points)

    assert graded(EXERCISE, answer).points == 0.0


def test_average_precision_mutants_lose_points():
    helpers = ("precision_recall", "interpolated", "precision_at")
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=helpers)
