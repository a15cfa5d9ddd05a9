"""Answers to `match_anchors` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def vectorised(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1, dtype=torch.int64)
    value, own = iou.max(dim=1)
    own = (iou == value[:, None]).long().argmax(dim=1)
    best = iou.amax(dim=0) if A else iou.new_zeros(K)
    keep = ((iou == best) & (best > 0)).any(dim=1)
    out = torch.full((A,), -2)
    out[value < low] = -1
    out[(value >= high) | keep] = own[(value >= high) | keep]
    return out


def loop(iou, low, high):
    A, K = iou.shape
    out = torch.full((A,), -1, dtype=torch.int64)
    if K == 0 or A == 0:
        return out
    own = []
    for a in range(A):
        best, number = iou[a, 0], 0
        for k in range(1, K):
            if iou[a, k] > best:
                best, number = iou[a, k], k
        own.append(number)
        out[a] = number if best >= high else (-1 if best < low else -2)
    for k in range(K):
        top = iou[:, k].max()
        if top > 0:
            for a in range(A):
                if iou[a, k] == top:
                    out[a] = own[a]
    return out


def numpy_version(iou, low, high):
    x = iou.numpy()
    if x.size == 0:
        return torch.full((len(iou),), -1, dtype=torch.int64)
    own, top = x.argmax(1), x.max(1)
    column = x.max(0)
    keep = ((x == column) & (column > 0)).any(1)
    low, high = np.float32(low), np.float32(high)
    return torch.from_numpy(
        np.where((top >= high) | keep, own, np.where(top < low, -1, -2)).astype(np.int64)
    )


def best_anchor_gets_its_object(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    out = torch.where(value >= high, own, torch.where(value < low, -1, -2))
    for k in range(K):
        top = iou[:, k].max()
        if top > 0:
            out[iou[:, k] == top] = k
    return out


def best_anchor_gets_its_object_vectorised(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    out = torch.full((A,), -2)
    out[value < low] = -1
    out[value >= high] = own[value >= high]
    best = iou.amax(dim=0)
    anchor, obj = ((iou == best) & (best > 0)).nonzero(as_tuple=True)
    out[anchor] = obj
    return out


def only_first_best_anchor(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    out = torch.where(value >= high, own, torch.where(value < low, -1, -2))
    top, anchor = iou.max(dim=0)
    anchor = anchor[top > 0]
    out[anchor] = own[anchor]
    return out


def only_first_best_anchor_loop(iou, low, high):
    A, K = iou.shape
    out = torch.full((A,), -1, dtype=torch.int64)
    if K == 0:
        return out
    for a in range(A):
        top = iou[a].max()
        if top >= high:
            out[a] = iou[a].argmax()
        elif top >= low:
            out[a] = -2
    for k in range(K):
        a = iou[:, k].argmax()
        if iou[a, k] > 0:
            out[a] = iou[a].argmax()
    return out


def best_with_iou_zero_kept(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    keep = (iou == iou.amax(dim=0)).any(dim=1)
    out = torch.full((A,), -2)
    out[value < low] = -1
    match = (value >= high) | keep
    out[match] = own[match]
    return out


def best_with_iou_zero_kept_numpy(iou, low, high):
    x = iou.numpy()
    if x.shape[1] == 0:
        return torch.full((len(x),), -1)
    own, top = x.argmax(1), x.max(1)
    out = np.where(top >= high, own, np.where(top < low, -1, -2))
    for k in range(x.shape[1]):
        for a in np.flatnonzero(x[:, k] == x[:, k].max()):
            out[a] = own[a]
    return torch.from_numpy(out.astype(np.int64))


def best_anchors_forgotten(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    out = torch.full((A,), -2)
    out[value < low] = -1
    out[value >= high] = own[value >= high]
    return out


def strictly_above_high(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    best = iou.amax(dim=0)
    keep = ((iou == best) & (best > 0)).any(dim=1)
    out = torch.full((A,), -2)
    out[value < low] = -1
    out[(value > high) | keep] = own[(value > high) | keep]
    return out


def low_itself_negative(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    best = iou.amax(dim=0)
    match = ((iou == best) & (best > 0)).any(dim=1) | (value >= high)
    return torch.where(match, own, torch.where(value <= low, -1, -2))


def ignored_and_negative_swapped(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    best = iou.amax(dim=0)
    match = ((iou == best) & (best > 0)).any(dim=1) | (value >= high)
    return torch.where(match, own, torch.where(value < low, -2, -1))


def last_of_ties(iou, low, high):
    A, K = iou.shape
    out = torch.full((A,), -1, dtype=torch.int64)
    if K == 0:
        return out
    column = iou.max(dim=0).values
    for a in range(A):
        top, own = 0, 0
        for k in range(K):
            if iou[a, k] >= top:
                top, own = iou[a, k], k
        keep = any(iou[a, k] == column[k] and column[k] > 0 for k in range(K))
        if top >= high or keep:
            out[a] = own
        elif top >= low:
            out[a] = -2
    return out


def crash_without_objects(iou, low, high):
    value, own = iou.max(dim=1)
    best = iou.amax(dim=0)
    match = ((iou == best) & (best > 0)).any(dim=1) | (value >= high)
    return torch.where(match, own, torch.where(value < low, -1, -2))


def own_object_and_crash_without_objects(iou, low, high):
    value, own = iou.max(dim=1)
    out = torch.where(value >= high, own, torch.where(value < low, -1, -2))
    best = iou.argmax(dim=0)
    out[best] = torch.arange(iou.shape[1])
    return out


def strict_and_crash_without_objects(iou, low, high):
    out = []
    column = iou.amax(dim=0)
    for row in iou:
        if row.max() > high or ((row == column) & (column > 0)).any():
            out.append(row.argmax())
        else:
            out.append(torch.tensor(-1 if row.max() < low else -2))
    return torch.stack(out)


def thresholds_applied_last(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, out = iou.max(dim=1)
    best = iou.amax(dim=0)
    for k in range(K):
        if best[k] > 0:
            out[iou[:, k] == best[k]] = k
    out[value < high] = -2
    out[value < low] = -1
    return out


def best_only_above_low_and_only_first(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    out = torch.where(value >= high, own, torch.where(value < low, -1, -2))
    for k in range(K):
        a = iou[:, k].argmax()
        if iou[a, k] >= low:
            out[a] = own[a]
    return out


def best_gets_its_object_and_strict(iou, low, high):
    A, K = iou.shape
    if K == 0:
        return torch.full((A,), -1)
    value, own = iou.max(dim=1)
    out = torch.where(value > high, own, torch.where(value < low, -1, -2))
    for k in range(K):
        top = iou[:, k].max()
        if top > 0:
            out[iou[:, k] == top] = k
    return out


RIGHT = [vectorised, loop, numpy_version]
WRONG = {
    best_anchor_gets_its_object: "takes_the_object",  # best anchor gets the object it is best for, not its own
    best_anchor_gets_its_object_vectorised: "takes_the_object",  # best anchor gets the object it is best for, vectorised
    only_first_best_anchor: "one_of_several",  # of several best anchors only the first
    only_first_best_anchor_loop: "one_of_several",  # of several best anchors only the first, loop
    best_with_iou_zero_kept: "zero_matches",  # anchors with IoU 0 kept as best
    best_with_iou_zero_kept_numpy: "zero_matches",  # anchors with IoU 0 kept as best, NumPy
    strictly_above_high: "strict",  # > high
    low_itself_negative: "low_is_negative",  # <= low
    last_of_ties: "",  # of equal objects the last
    crash_without_objects: "",  # crash for K = 0
    own_object_and_crash_without_objects: "assigned",  # best anchor (first, 0 too) gets its object; crash for K = 0
    strict_and_crash_without_objects: "strict",  # > high; crash for K = 0
    best_only_above_low_and_only_first: "best_from_low_on one_of_several",  # best only above low, and only the first
    best_gets_its_object_and_strict: "takes_the_object strict",  # best anchor gets the object it is best for, > high
    best_anchors_forgotten: "thresholds_only",  # best anchors forgotten
    ignored_and_negative_swapped: "codes_exchanged",  # -1 and -2 swapped
    thresholds_applied_last: "thresholds_only takes_the_object",  # thresholds applied after the best anchors, which are lost
}
