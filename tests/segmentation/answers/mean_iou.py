"""Answers to `mean_iou` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def vectorised(confusion):
    inter = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    there = union > 0
    if not there.any():
        return 0.0
    return (inter[there] / union[there]).mean()


def loop(confusion):
    C = len(confusion)
    ious = []
    for k in range(C):
        union = (
            sum(confusion[k, l].item() + confusion[l, k].item() for l in range(C))
            - confusion[k, k].item()
        )
        if union > 0:
            ious.append(confusion[k, k].item() / union)
    return sum(ious) / len(ious) if ious else 0.0


def numpy_nanmean(confusion):
    M = confusion.numpy().astype(np.float64)
    d = np.diag(M)
    union = M.sum(0) + M.sum(1) - d
    if union.sum() == 0:
        return 0.0
    return float(np.sum(d / np.maximum(union, 1)) / np.count_nonzero(union))


def absent_counted_as_zero(confusion):
    inter = confusion.diagonal().float()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    return (inter / union.clamp(min=1)).mean()


def absent_counted_as_zero_loop(confusion):
    total = 0.0
    for k in range(confusion.shape[0]):
        union = (confusion[k].sum() + confusion[:, k].sum() - confusion[k, k]).item()
        if union > 0:
            total += confusion[k, k].item() / union
    return total / confusion.shape[0]


def absent_nan_to_num(confusion):
    M = confusion.numpy().astype(float)
    with np.errstate(invalid="ignore"):
        iou = np.diag(M) / (M.sum(0) + M.sum(1) - np.diag(M))
    return float(np.nan_to_num(iou).mean())


def absent_counted_as_one(confusion):
    inter = confusion.diagonal().float()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    return torch.where(union > 0, inter / union.clamp(min=1), torch.ones_like(inter)).mean()


def only_classes_in_target(confusion):
    inter = confusion.diagonal()
    rows, cols = confusion.sum(1), confusion.sum(0)
    there = rows > 0
    if not there.any():
        return torch.tensor(0.0)
    return (inter[there] / (rows + cols - inter)[there]).mean()


def only_classes_in_target_loop(confusion):
    ious = []
    for k in range(len(confusion)):
        if confusion[k, :].sum() == 0:
            continue
        union = confusion[k, :].sum() + confusion[:, k].sum() - confusion[k, k]
        ious.append((confusion[k, k] / union).item())
    return sum(ious) / max(len(ious), 1)


def leaves_out_iou_zero(confusion):
    inter = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    iou = inter / union.clamp(min=1)
    return iou[iou > 0].mean() if (iou > 0).any() else 0.0


def nan_without_classes(confusion):
    inter = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    return (inter / union)[union > 0].mean()


def intersection_not_subtracted(confusion):
    inter = confusion.diagonal().double()
    both = confusion.sum(0) + confusion.sum(1)
    there = both > 0
    if there.sum() == 0:
        return 0.0
    return (inter[there] / both[there]).mean()


def recall_per_class_loop(confusion):
    accs = []
    for k in range(len(confusion)):
        if confusion[k].sum() > 0:
            accs.append((confusion[k, k] / confusion[k].sum()).item())
    return sum(accs) / len(accs) if accs else 0.0


def without_background(confusion):
    inter = confusion.diagonal()[1:].double()
    union = (confusion.sum(0) + confusion.sum(1) - confusion.diagonal())[1:]
    there = union > 0
    return (inter[there] / union[there]).mean() if there.any() else torch.tensor(0.0)


def pixel_accuracy(confusion):
    total = confusion.sum().item()
    return confusion.trace().item() / total if total else 0.0


def integer_division(confusion):
    ious = []
    for k in range(len(confusion)):
        union = confusion[k].sum() + confusion[:, k].sum() - confusion[k, k]
        if union > 0:
            ious.append((confusion[k, k] // union).item())
    return sum(ious) / len(ious) if ious else 0.0


def same_axis_twice(confusion):
    inter = confusion.diagonal().double()
    union = 2 * confusion.sum(dim=1) - confusion.diagonal()
    there = union > 0
    return (inter[there] / union[there]).mean() if there.any() else 0.0


def dice_and_crash_without_classes(confusion):
    scores = []
    for k in range(len(confusion)):
        both = confusion[k].sum().item() + confusion[:, k].sum().item()
        if both:
            scores.append(2 * confusion[k, k].item() / both)
    return sum(scores) / len(scores)


def only_target_classes_and_crash_without(confusion):
    ious = [
        confusion[k, k].item()
        / (confusion[k].sum() + confusion[:, k].sum() - confusion[k, k]).item()
        for k in range(len(confusion))
        if confusion[k].sum() > 0
    ]
    return sum(ious) / len(ious)


def no_background_and_absent_as_zero(confusion):
    inter = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    return (inter / union.clamp(min=1))[1:].mean()


def dice_and_absent_as_zero(confusion):
    inter = 2 * confusion.diagonal().float()
    union = confusion.sum(0) + confusion.sum(1)
    return (inter / union.clamp(min=1)).mean()


RIGHT = [vectorised, loop, numpy_nanmean]
WRONG = {
    absent_counted_as_zero: "absent_is_zero",  # absent classes counted with IoU 0
    absent_counted_as_zero_loop: "absent_is_zero",  # absent classes counted with IoU 0, loop
    absent_nan_to_num: "absent_is_zero",  # absent classes counted with IoU 0, NumPy
    only_classes_in_target: "target_classes_only",  # classes only predicted are left out
    only_classes_in_target_loop: "target_classes_only",  # classes only predicted are left out, loop
    leaves_out_iou_zero: "zeros_left_out",  # classes with IoU 0 are left out
    nan_without_classes: "nan_for_nothing",  # NaN for a matrix of zeros
    intersection_not_subtracted: "intersection_twice",  # union without minus intersection
    recall_per_class_loop: "recall",  # recall instead of IoU
    without_background: "without_background",  # background left out
    dice_and_crash_without_classes: "dice",  # Dice instead of IoU, and crash for zeros
    only_target_classes_and_crash_without: "target_classes_only",  # only classes in target, and crash for zeros
    no_background_and_absent_as_zero: "without_background absent_is_zero",  # background left out, absent as 0; NaN for C = 1
    dice_and_absent_as_zero: "dice absent_is_zero",  # Dice instead of IoU, absent classes as 0
    absent_counted_as_one: "absent_is_one",  # absent classes counted with IoU 1
    pixel_accuracy: "pixel_accuracy",  # pixel accuracy
    integer_division: "floor_division",  # integer division
    same_axis_twice: "rows_twice",  # row sums twice, column sums never
}
