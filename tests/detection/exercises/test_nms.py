import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchvision import ops

from cvgen_course.detection.boxes import box_iou
from cvgen_course.detection.exercises.nms import EXERCISE


def own_iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def loop_over_numbers(boxes, scores, threshold):
    boxes, scores = boxes.tolist(), scores.tolist()
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: scores[i], reverse=True):
        if all(own_iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)


def best_of_what_is_left(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[box_iou(boxes[best][None], boxes[rest])[0] <= threshold]
    return torch.stack(kept) if kept else order


def flags(boxes, scores, threshold):
    N = len(boxes)
    order = torch.sort(scores, descending=True, stable=True).indices
    suppressed = torch.zeros(N, dtype=torch.bool)
    iou = box_iou(boxes, boxes).tolist()
    for place, i in enumerate(order.tolist()):
        if suppressed[i]:
            continue
        for j in order[place + 1 :].tolist():
            if iou[i][j] > threshold:
                suppressed[j] = True
    return order[~suppressed[order]]


def rows_of_a_matrix(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order].double()
    corner = torch.max(boxes[:, None, :2], boxes[:, :2])
    shared = (torch.min(boxes[:, None, 2:], boxes[:, 2:]) - corner).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    too_much = shared > threshold * (area[:, None] + area - shared)  # no division, no 0 / 0
    keep = torch.ones(len(boxes), dtype=torch.bool)
    for i in range(len(boxes)):
        if keep[i]:
            keep[i + 1 :] &= ~too_much[i, i + 1 :]
    return order[keep]


def numpy_with_a_small_number_in_the_union(boxes, scores, threshold):
    x1, y1, x2, y2 = boxes.double().numpy().T
    area = (x2 - x1) * (y2 - y1)
    order = np.argsort(-scores.numpy(), kind="stable")
    kept = []
    while order.size > 0:
        i, rest = order[0], order[1:]
        kept.append(int(i))
        w = np.clip(np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]), 0, None)
        h = np.clip(np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]), 0, None)
        iou = w * h / (area[i] + area[rest] - w * h + 1e-9)
        order = rest[iou <= threshold]
    return torch.tensor(kept, dtype=torch.int64)


def until_nothing_changes(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    too_much = (box_iou(boxes[order], boxes[order]) > threshold).tril(-1)
    keep, before = torch.ones(len(order), dtype=torch.bool), None
    while before is None or not torch.equal(keep, before):
        before, keep = keep, ~(too_much & keep).any(dim=1)
    return order[keep]


def in_int32(boxes, scores, threshold):
    return loop_over_numbers(boxes, scores, threshold).int()


def a_mask(boxes, scores, threshold):
    mask = torch.zeros(len(boxes), dtype=torch.bool)
    mask[loop_over_numbers(boxes, scores, threshold)] = True
    return mask


def the_boxes(boxes, scores, threshold):
    return boxes[loop_over_numbers(boxes, scores, threshold)]


def a_list(boxes, scores, threshold):
    return loop_over_numbers(boxes, scores, threshold).tolist()


def floats(boxes, scores, threshold):
    return loop_over_numbers(boxes, scores, threshold).float()


def nothing_is_float(boxes, scores, threshold):
    return torch.tensor(loop_over_numbers(boxes, scores, threshold).tolist())


def nothing_fails(boxes, scores, threshold):
    kept = [scores.argmax()]
    return loop_over_numbers(boxes, scores, threshold) if kept else None


def last_of_equal_ones_first(boxes, scores, threshold):
    order = scores.argsort(stable=True).flip(0)
    return order[loop_over_numbers(boxes[order], -torch.arange(len(order)), threshold)]


def only_positive_scores(boxes, scores, threshold):
    kept = loop_over_numbers(boxes, scores, threshold)
    return kept[scores[kept] > 0]


def always_one_half(boxes, scores, threshold):
    return loop_over_numbers(boxes, scores, 0.5)


def empty_boxes_are_nan(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = torch.max(boxes[best, :2], boxes[rest, :2])
        shared = (torch.min(boxes[best, 2:], boxes[rest, 2:]) - corner).clamp(min=0).prod(-1)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
        order = rest[shared / (area[best] + area[rest] - shared) <= threshold]
    return torch.stack(kept) if kept else order


def only_the_last_kept_one(boxes, scores, threshold):
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if not kept or own_iou(boxes[i].tolist(), boxes[kept[-1]].tolist()) <= threshold:
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def scores_are_crossed_out(boxes, scores, threshold):
    kept = []
    while (scores > -100).any():
        best = scores.argmax()
        kept.append(best)
        scores[box_iou(boxes[best][None], boxes)[0] > threshold] = -1000
        scores[best] = -1000
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


def boxes_grow_in_place(boxes, scores, threshold):
    boxes[:, 2:] -= 0.01
    return loop_over_numbers(boxes, scores, threshold)


def distances_may_be_negative(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = torch.max(boxes[best, :2], boxes[rest, :2])
        shared = (torch.min(boxes[best, 2:], boxes[rest, 2:]) - corner).prod(-1)  # no clamp
        area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
        order = rest[~(shared / (area[best] + area[rest] - shared) > threshold)]
    return torch.stack(kept) if kept else order


def only_neighbours_in_the_order(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    iou = box_iou(boxes[order], boxes[order]).diagonal(1)
    return order[torch.cat([torch.ones(len(order[:1])) > 0, iou <= threshold])]


def rounded_coordinates(boxes, scores, threshold):
    return loop_over_numbers(boxes.round(), scores, threshold)


RIGHT = [
    *(loop_over_numbers, best_of_what_is_left, flags, rows_of_a_matrix),
    *(numpy_with_a_small_number_in_the_union, until_nothing_changes),
]
WRONG = [
    *(a_mask, the_boxes, a_list, floats, in_int32, nothing_is_float, nothing_fails),
    *(last_of_equal_ones_first, only_positive_scores, always_one_half, empty_boxes_are_nan),
    *(only_the_last_kept_one, scores_are_crossed_out, boxes_grow_in_place),
    *(distances_may_be_negative, only_neighbours_in_the_order, rounded_coordinates),
]
OTHER_GROUPS = "in nms, all boxes are of one group: others come from batched_nms only"
EQUIVALENT = {
    "nms: torch.zeros_like(scores, dtype=torch.int64) -> torch.zeros_like(scores)": (
        "any numbers will do as names of groups"
    ),
    "nms: torch.zeros_like -> torch.ones_like": "the one group's number does not matter",
    "_keep_best: :BLOCK -> :": "all boxes at once take more time, that is all",
    "_keep_best: (:, None) -> (None, :)": OTHER_GROUPS,
    "_keep_best: -1 -> +1": OTHER_GROUPS,
    "_keep_best: 1 -> 2": OTHER_GROUPS,
    "_keep_best: 1 -> 0": OTHER_GROUPS,
    "_keep_best: :num_rivals -> :": OTHER_GROUPS,
    "_keep_best: [rivals[iou <= threshold], others] -> [others, rivals[iou <= threshold]]": (
        OTHER_GROUPS
    ),
    "_stays: torch.ones_like -> torch.zeros_like": "any guess leads to the one solution",
    "_stays: 0 -> -1": "the last row has the same shape as the first",
    "_stays: torch.equal(stays, before) -> torch.equal(before, stays)": "it is symmetric",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_nms_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_nms_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("vision", [ops.nms, torch.ops.torchvision.nms])
def test_nms_must_not_come_from_torchvision(vision):
    assert graded(EXERCISE, lambda *args: vision(*args)).points == 0.0


def test_nms_mutants_lose_points(monkeypatch):
    monkeypatch.setattr("support.mutants.LOOP_BUDGET", 1_000)  # a turn takes half a millisecond
    # Without _best_first: some machines' sort is stable even where that was not asked for.
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, ("_keep_best", "_stays"), SEEDS[1:2])
