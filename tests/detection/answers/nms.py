"""Answers to `nms` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def _iou(a, b):
    """(N, M), 0 for empty boxes (the text allows ref.box_iou; this stands for it)."""
    wh = (
        torch.minimum(a[:, None, 2:], b[None, :, 2:])
        - torch.maximum(a[:, None, :2], b[None, :, :2])
    ).clamp(min=0)
    inter = wh[..., 0] * wh[..., 1]
    area = lambda c: (c[:, 2] - c[:, 0]).clamp(min=0) * (c[:, 3] - c[:, 1]).clamp(min=0)
    union = area(a)[:, None] + area(b)[None] - inter
    return torch.where(inter > 0, inter / union, torch.zeros_like(inter))


def greedy_kept_list(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def alive_mask(boxes, scores, threshold):
    order = torch.sort(scores, descending=True, stable=True).indices
    over = _iou(boxes[order], boxes[order]) > threshold
    alive = torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1 :] &= ~over[i, i + 1 :]
    return order[alive]


def while_remaining(boxes, scores, threshold):
    remaining = torch.argsort(-scores, stable=True)
    kept = []
    while len(remaining) > 0:
        best, remaining = remaining[0], remaining[1:]
        kept.append(best.item())
        remaining = remaining[_iou(boxes[best][None], boxes[remaining])[0] <= threshold]
    return torch.tensor(kept, dtype=torch.long)


def suppressed_boxes_suppress(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    over = _iou(boxes[order], boxes[order]) > threshold
    return order[~over.triu(diagonal=1).any(dim=0)]


def suppressed_boxes_suppress_loop(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for n, i in enumerate(order):
        good = True
        for j in order[:n]:
            if iou[i, j] > threshold:
                good = False
        if good:
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def at_threshold_suppressed(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] < threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def at_threshold_suppressed_while(boxes, scores, threshold):
    remaining = torch.argsort(-scores, stable=True)
    kept = []
    while len(remaining) > 0:
        best, remaining = remaining[0], remaining[1:]
        kept.append(best.item())
        remaining = remaining[~(_iou(boxes[best][None], boxes[remaining])[0] >= threshold)]
    return torch.tensor(kept, dtype=torch.long)


def worst_first(boxes, scores, threshold):
    order = scores.argsort(stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def not_sorted(boxes, scores, threshold):
    iou = _iou(boxes, boxes)
    kept = []
    for i in range(len(boxes)):
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def returned_by_index(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(sorted(kept), dtype=torch.int64)


def returned_by_index_mask(boxes, scores, threshold):
    iou = _iou(boxes, boxes)
    alive = torch.zeros(len(boxes), dtype=torch.bool)
    for i in scores.argsort(descending=True, stable=True):
        if not (iou[i][alive] > threshold).any():
            alive[i] = True
    return alive.nonzero()[:, 0]


def positions_in_sorted_list(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order]
    iou = _iou(boxes, boxes)
    kept = []
    for i in range(len(boxes)):
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def ties_reversed(boxes, scores, threshold):
    order = scores.argsort(stable=True).flip(0).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def ties_reversed_numpy(boxes, scores, threshold):
    order = np.argsort(scores.numpy(), kind="stable")[::-1]
    iou = _iou(boxes, boxes).numpy()
    kept = []
    while len(order) > 0:
        i = order[0]
        kept.append(int(i))
        order = order[1:][iou[i, order[1:]] <= threshold]
    return torch.tensor(kept, dtype=torch.int64)


def endless_for_empty_box(boxes, scores, threshold):
    remaining = scores.argsort(descending=True, stable=True)
    kept = []
    while len(remaining) > 0:
        best = remaining[0]
        kept.append(best.item())
        remaining = remaining[_iou(boxes[best][None], boxes[remaining])[0] <= threshold]
    return torch.tensor(kept, dtype=torch.int64)


def negative_scores_never_kept(boxes, scores, threshold):
    s = scores.clone()
    kept = []
    while len(s) and s.max() > 0:
        best = s.argmax()
        kept.append(best.item())
        s[_iou(boxes[best][None], boxes)[0] > threshold] = 0
        s[best] = 0
    return torch.tensor(kept, dtype=torch.int64)


def scores_changed_in_place(boxes, scores, threshold):
    kept = []
    for _ in range(len(scores)):
        best = scores.argmax()
        if scores[best] == -float("inf"):
            break
        kept.append(best.item())
        scores[_iou(boxes[best][None], boxes)[0] > threshold] = -float("inf")
        scores[best] = -float("inf")
    return torch.tensor(kept, dtype=torch.int64)


def threshold_half(boxes, scores, threshold=0.5):
    order = scores.argsort(descending=True, stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] <= 0.5 for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def mask_returned_and_at_threshold(boxes, scores, threshold):
    iou = _iou(boxes, boxes)
    alive = torch.zeros(len(boxes), dtype=torch.bool)
    for i in scores.argsort(descending=True, stable=True):
        if not (iou[i][alive] >= threshold).any():
            alive[i] = True
    return alive


def ties_reversed_and_crash_for_no_boxes(boxes, scores, threshold):
    order = scores.argsort(stable=True).flip(0)
    iou = _iou(boxes, boxes)
    kept = [order[0]]
    for i in order[1:]:
        if iou[i, torch.stack(kept)].max() <= threshold:
            kept.append(i)
    return torch.stack(kept)


def at_threshold_and_float_for_no_boxes(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] < threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept)


def own_iou_not_clamped_and_crash_for_no_boxes(boxes, scores, threshold):
    def iou(a, b):
        inter = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
        return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)

    order = scores.argsort(descending=True, stable=True)
    kept = []
    for i in order:
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return torch.stack(kept)


def returned_by_index_and_ties_reversed(boxes, scores, threshold):
    order = scores.argsort(stable=True).flip(0).tolist()
    iou = _iou(boxes, boxes)
    kept = []
    for i in order:
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(sorted(kept), dtype=torch.int64)


RIGHT = [greedy_kept_list, alive_mask, while_remaining]
WRONG = {
    suppressed_boxes_suppress: "suppressed_suppress",  # suppressed boxes suppress others
    suppressed_boxes_suppress_loop: "suppressed_suppress",  # suppressed boxes suppress others, loop
    at_threshold_suppressed: "at_the_threshold",  # suppressed at equality
    at_threshold_suppressed_while: "at_the_threshold",  # suppressed at equality, while
    returned_by_index: "by_index",  # sorted by index
    returned_by_index_mask: "by_index",  # sorted by index, mask
    ties_reversed: "ties_turned",  # ties: higher index first
    ties_reversed_numpy: "ties_turned",  # ties: higher index first, NumPy
    endless_for_empty_box: "",  # endless loop for empty boxes and for threshold 1
    mask_returned_and_at_threshold: "mask at_the_threshold",  # a mask returned, and suppressed at equality
    ties_reversed_and_crash_for_no_boxes: "ties_turned",  # ties reversed; crash for N = 0
    at_threshold_and_float_for_no_boxes: "at_the_threshold",  # suppressed at equality; float for N = 0
    own_iou_not_clamped_and_crash_for_no_boxes: "not_clamped",  # own IoU not clamped, NaN for empty; crash for N = 0
    returned_by_index_and_ties_reversed: "by_index ties_turned",  # sorted by index, ties reversed
    worst_first: "worst_first",  # ascending scores
    not_sorted: "scores_ignored",  # not sorted
    positions_in_sorted_list: "positions",  # positions in the sorted list returned
    negative_scores_never_kept: "",  # boxes with scores <= 0 never kept
    scores_changed_in_place: "",  # changes scores in place
    threshold_half: "always_half",  # threshold 0.5 hard-coded
}
