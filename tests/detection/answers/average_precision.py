"""Answers to `average_precision` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def area_by_steps(scores, hits, num_objects, num_points=None):
    order = scores.argsort(descending=True, stable=True)
    tp = hits[order].double().cumsum(0)
    if len(tp) == 0:
        return 0.0
    precision = tp / torch.arange(1, len(tp) + 1)
    recall = tp / num_objects
    best = precision.flip(0).cummax(0).values.flip(0)
    if num_points is None:
        width = torch.diff(recall, prepend=recall.new_zeros(1))
        return (width * best).sum().item()
    total = 0.0
    for i in range(num_points):
        reached = tp * (num_points - 1) >= i * num_objects
        total += precision[reached].max().item() if reached.any() else 0.0
    return total / num_points


def per_hit_loop(scores, hits, num_objects, num_points=None):
    order = sorted(range(len(scores)), key=lambda d: -scores[d].item())
    curve, found = [], 0
    for k, d in enumerate(order, start=1):
        found += int(hits[d])
        curve.append((found, found / k))

    def interpolated(needed):
        return max([p for f, p in curve if f >= needed], default=0.0)

    if num_points is None:
        return sum(interpolated(n) for n in range(1, found + 1)) / num_objects
    return (
        sum(interpolated(i * num_objects / (num_points - 1)) for i in range(num_points))
        / num_points
    )


def numpy_version(scores, hits, num_objects, num_points=None):
    if len(scores) == 0 or not hits.any():
        return torch.tensor(0.0)
    order = np.argsort(-scores.numpy(), kind="stable")
    tp = np.cumsum(hits.numpy()[order])
    precision = tp / np.arange(1, len(tp) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if num_points is None:
        return torch.tensor(float(best[hits.numpy()[order]].sum() / num_objects))
    needed = np.ceil(np.arange(num_points) * num_objects / (num_points - 1) - 1e-9)
    index = np.searchsorted(tp, needed, side="left")
    values = np.where(index < len(tp), best[np.minimum(index, len(tp) - 1)], 0)
    return torch.tensor(float(values.mean()))


def _ranked(scores, hits, num_objects):
    order = scores.argsort(descending=True, stable=True)
    tp = hits[order].double().cumsum(0)
    return tp / torch.arange(1, len(tp) + 1), tp / num_objects


def not_sorted(scores, hits, num_objects, num_points=None):
    if len(scores) == 0:
        return 0.0
    tp = hits.double().cumsum(0)
    precision, recall = tp / torch.arange(1, len(tp) + 1), tp / num_objects
    best = precision.flip(0).cummax(0).values.flip(0)
    if num_points is None:
        return (torch.diff(recall, prepend=torch.zeros(1).double()) * best).sum()
    total = 0.0
    for i in range(num_points):
        reached = tp * (num_points - 1) >= i * num_objects
        total += precision[reached].max().item() if reached.any() else 0.0
    return total / num_points


def not_sorted_loop(scores, hits, num_objects, num_points=None):
    curve, found = [], 0
    for k in range(len(hits)):
        found += int(hits[k])
        curve.append((found, found / (k + 1)))
    if num_points is None:
        return sum(max(p for f, p in curve if f >= n) for n in range(1, found + 1)) / num_objects
    return (
        sum(
            max([p for f, p in curve if f * (num_points - 1) >= i * num_objects], default=0.0)
            for i in range(num_points)
        )
        / num_points
    )


def ascending(scores, hits, num_objects, num_points=None):
    return not_sorted(scores, hits[scores.argsort(stable=True)], num_objects, num_points)


def ties_reversed(scores, hits, num_objects, num_points=None):
    order = scores.argsort(stable=True).flip(0)
    curve, found = [], 0
    for k, d in enumerate(order.tolist()):
        found += int(hits[d])
        curve.append((found, found / (k + 1)))
    if num_points is None:
        return sum(max(p for f, p in curve if f >= n) for n in range(1, found + 1)) / num_objects
    return (
        sum(
            max([p for f, p in curve if f * (num_points - 1) >= i * num_objects], default=0.0)
            for i in range(num_points)
        )
        / num_points
    )


def ties_hits_first_sorted_pairs(scores, hits, num_objects, num_points=None):
    pairs = sorted(zip(scores.tolist(), hits.tolist()), reverse=True)
    curve, found = [], 0
    for k, (_, hit) in enumerate(pairs):
        found += hit
        curve.append((found, found / (k + 1)))
    if num_points is None:
        return sum(max(p for f, p in curve if f >= n) for n in range(1, found + 1)) / num_objects
    return (
        sum(
            max([p for f, p in curve if f * (num_points - 1) >= i * num_objects], default=0.0)
            for i in range(num_points)
        )
        / num_points
    )


def dents_not_filled(scores, hits, num_objects, num_points=None):
    if len(scores) == 0:
        return 0.0
    precision, recall = _ranked(scores, hits, num_objects)
    if num_points is None:
        return (torch.diff(recall, prepend=torch.zeros(1).double()) * precision).sum()
    total = 0.0
    for r in torch.linspace(0, 1, num_points).double():
        index = (recall >= r - 1e-6).nonzero()
        total += precision[index[0, 0]].item() if len(index) else 0.0
    return total / num_points


def dents_not_filled_loop(scores, hits, num_objects, num_points=None):
    order = sorted(range(len(scores)), key=lambda d: -scores[d].item())
    found, curve, area = 0, [], 0.0
    for k, d in enumerate(order, start=1):
        if hits[d]:
            found += 1
            area += found / k
            curve.append((found, found / k))
    if num_points is None:
        return area / num_objects
    total = 0.0
    for i in range(num_points):
        for f, p in curve:
            if f * (num_points - 1) >= i * num_objects:
                total += p
                break
    return total / num_points


def recall_of_all_detections(scores, hits, num_objects, num_points=None):
    return area_by_steps(scores, hits, max(int(hits.sum()), 1), num_points)


def averaged_over_detections(scores, hits, num_objects, num_points=None):
    if len(scores) == 0:
        return 0.0
    if num_points is not None:
        return area_by_steps(scores, hits, num_objects, num_points)
    precision, recall = _ranked(scores, hits, num_objects)
    return precision.flip(0).cummax(0).values.mean()


def maximum_before_not_beyond(scores, hits, num_objects, num_points=None):
    if len(scores) == 0:
        return 0.0
    precision, recall = _ranked(scores, hits, num_objects)
    best = precision.cummax(0).values
    if num_points is None:
        return (torch.diff(recall, prepend=torch.zeros(1).double()) * best).sum()
    r = torch.linspace(0, 1, num_points).double()
    index = torch.searchsorted(recall, r - 1e-6)
    return torch.where(index < len(best), best[index.clamp(max=len(best) - 1)], 0.0).mean()


def trapezoids(scores, hits, num_objects, num_points=None):
    if len(scores) == 0:
        return 0.0
    if num_points is not None:
        return area_by_steps(scores, hits, num_objects, num_points)
    precision, recall = _ranked(scores, hits, num_objects)
    best = precision.flip(0).cummax(0).values.flip(0)
    best, recall = torch.cat([best[:1], best]), torch.cat([torch.zeros(1).double(), recall])
    return torch.trapezoid(best, recall)


def strictly_beyond_r(scores, hits, num_objects, num_points=None):
    if num_points is None:
        return area_by_steps(scores, hits, num_objects)
    precision, recall = _ranked(scores, hits, num_objects)
    values = []
    for i in range(num_points):
        reached = recall > i / (num_points - 1) + 1e-9
        values.append(precision[reached].max().item() if reached.any() else 0.0)
    return sum(values) / num_points


def points_without_one(scores, hits, num_objects, num_points=None):
    if num_points is None:
        return per_hit_loop(scores, hits, num_objects)
    order = sorted(range(len(scores)), key=lambda d: -scores[d].item())
    curve, found = [], 0
    for k, d in enumerate(order, start=1):
        found += int(hits[d])
        curve.append((found, found / k))
    return (
        sum(
            max([p for f, p in curve if f * num_points >= i * num_objects], default=0.0)
            for i in range(num_points)
        )
        / num_points
    )


def always_eleven_points(scores, hits, num_objects, num_points=None):
    if num_points is None:
        return area_by_steps(scores, hits, num_objects)
    return area_by_steps(scores, hits, num_objects, 11)


def area_ends_at_last_recall_and_no_fill(scores, hits, num_objects, num_points=None):
    if not hits.any():
        return 0.0
    precision, recall = _ranked(scores, hits, num_objects)
    if num_points is not None:
        return area_by_steps(scores, hits, num_objects, num_points)
    return (torch.diff(recall, prepend=torch.zeros(1).double()) * precision).sum() / recall[-1]


def precision_off_by_one_and_unsorted(scores, hits, num_objects, num_points=None):
    curve, found = [], 0
    for k in range(len(hits)):
        found += int(hits[k])
        curve.append((found, found / max(k, 1)))
    if num_points is None:
        return sum(max(p for f, p in curve if f >= n) for n in range(1, found + 1)) / num_objects
    return (
        sum(
            max([p for f, p in curve if f * (num_points - 1) >= i * num_objects], default=0.0)
            for i in range(num_points)
        )
        / num_points
    )


def ties_reversed_and_crash_for_no_detections(scores, hits, num_objects, num_points=None):
    order = scores.argsort(stable=True).flip(0)
    tp = hits[order].double().cumsum(0)
    precision, recall = tp / torch.arange(1, len(tp) + 1), tp / num_objects
    best = precision.flip(0).cummax(0).values.flip(0)
    if num_points is None:
        first = recall[0] * best[0]
        return first + ((recall[1:] - recall[:-1]) * best[1:]).sum()
    r = torch.linspace(0, 1, num_points).double()
    return torch.stack(
        [
            precision[recall >= x - 1e-6].max()
            if (recall >= x - 1e-6).any()
            else torch.tensor(0.0).double()
            for x in r
        ]
    ).mean()


def unfilled_and_crash_beyond_last_recall(scores, hits, num_objects, num_points=None):
    precision, recall = _ranked(scores, hits, num_objects)
    if num_points is None:
        return (
            recall[0] * precision[0] + ((recall[1:] - recall[:-1]) * precision[1:]).sum()
        ).item()
    return (
        sum(precision[recall >= i / (num_points - 1)].max().item() for i in range(num_points))
        / num_points
    )


def trapezoids_not_filled(scores, hits, num_objects, num_points=None):
    if len(scores) == 0:
        return 0.0
    if num_points is not None:
        return area_by_steps(scores, hits, num_objects, num_points)
    precision, recall = _ranked(scores, hits, num_objects)
    best = precision
    best, recall = torch.cat([best[:1], best]), torch.cat([torch.zeros(1).double(), recall])
    return torch.trapezoid(best, recall)


def recall_of_all_detections_loop(scores, hits, num_objects, num_points=None):
    order = sorted(range(len(scores)), key=lambda d: -scores[d].item())
    curve, found = [], 0
    for k, d in enumerate(order, start=1):
        found += int(hits[d])
        curve.append((found, found / k))
    if found == 0:
        return 0.0
    if num_points is None:
        return sum(max(p for f, p in curve if f >= n) for n in range(1, found + 1)) / found
    return (
        sum(
            max(p for f, p in curve if f * (num_points - 1) >= i * found) for i in range(num_points)
        )
        / num_points
    )


RIGHT = [area_by_steps, per_hit_loop, numpy_version, trapezoids]
WRONG = {
    not_sorted: "unsorted",  # not sorted
    not_sorted_loop: "unsorted",  # not sorted, loop
    ascending: "worst_first",  # sorted by increasing score
    ties_reversed: "",  # ties in reversed order
    dents_not_filled: "as_it_is",  # dents not filled
    dents_not_filled_loop: "as_it_is",  # dents not filled, loop
    recall_of_all_detections: "only_found",  # recall divided by the number of hits
    strictly_beyond_r: "only_beyond",  # recall > r at points
    points_without_one: "without_one",  # points i / num_points, without 1
    area_ends_at_last_recall_and_no_fill: "as_it_is area_as_it_is reached_only",  # area: dents not filled, divided by the last recall
    precision_off_by_one_and_unsorted: "unsorted",  # precision divided by k - 1, and not sorted
    ties_reversed_and_crash_for_no_detections: "",  # ties reversed; crash for D = 0
    unfilled_and_crash_beyond_last_recall: "as_it_is area_as_it_is",  # area: dents not filled; crash where recall does not reach 1, and for D = 0
    recall_of_all_detections_loop: "only_found",  # recall divided by the number of hits, loop
    ties_hits_first_sorted_pairs: "",  # ties: hits first (sorted pairs)
    averaged_over_detections: "per_detection",  # area: mean over detections, not over recall
    maximum_before_not_beyond: "largest_so_far",  # maximum of precision before, not beyond
    always_eleven_points: "always_eleven",  # 11 points hard-coded
    trapezoids_not_filled: "trapezoids",  # area by trapezoids under the raw curve
}
