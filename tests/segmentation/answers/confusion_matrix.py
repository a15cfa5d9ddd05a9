"""Answers to `confusion_matrix` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def bincount(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index is not None:
        keep = t != ignore_index
        t, p = t[keep], p[keep]
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def loop(pred, target, num_classes, ignore_index=None):
    M = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for p, t in zip(pred.flatten().tolist(), target.flatten().tolist()):
        if ignore_index is not None and t == ignore_index:
            continue
        M[t, p] += 1
    return M


def numpy_add_at(pred, target, num_classes, ignore_index=None):
    t = target.numpy().reshape(-1)
    p = pred.numpy().reshape(-1)
    if ignore_index is not None:
        p = p[t != ignore_index]
        t = t[t != ignore_index]
    M = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(M, (t, p), 1)
    return torch.from_numpy(M)


def compare_each_pair(pred, target, num_classes, ignore_index=None):
    valid = (
        torch.ones_like(target, dtype=torch.bool)
        if ignore_index is None
        else target != ignore_index
    )
    rows = []
    for k in range(num_classes):
        rows.append(
            torch.stack([((target == k) & (pred == l) & valid).sum() for l in range(num_classes)])
        )
    return torch.stack(rows)


def transposed_bincount(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index is not None:
        keep = t != ignore_index
        t, p = t[keep], p[keep]
    return torch.bincount(p * num_classes + t, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def transposed_loop(pred, target, num_classes, ignore_index=None):
    M = torch.zeros(num_classes, num_classes, dtype=torch.long)
    for n in range(pred.shape[0]):
        for i in range(pred.shape[1]):
            for j in range(pred.shape[2]):
                if ignore_index is None or target[n, i, j] != ignore_index:
                    M[pred[n, i, j], target[n, i, j]] += 1
    return M


def transposed_numpy(pred, target, num_classes, ignore_index=None):
    M = np.zeros((num_classes, num_classes), dtype=np.int64)
    keep = (
        target.numpy() != ignore_index if ignore_index is not None else np.ones(target.shape, bool)
    )
    np.add.at(M, (pred.numpy()[keep], target.numpy()[keep]), 1)
    return torch.from_numpy(M)


def ignore_if_truthy_bincount(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index:
        p = p[t != ignore_index]
        t = t[t != ignore_index]
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).reshape(
        num_classes, num_classes
    )


def ignore_if_truthy_loop(pred, target, num_classes, ignore_index=None):
    M = torch.zeros((num_classes, num_classes), dtype=torch.int64)
    for t, p in zip(target.flatten(), pred.flatten()):
        if ignore_index and t == ignore_index:
            continue
        M[t, p] += 1
    return M


def ignores_pred_too(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index is not None:
        keep = (t != ignore_index) & (p != ignore_index)
        t, p = t[keep], p[keep]
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def ignores_by_pred_loop(pred, target, num_classes, ignore_index=None):
    M = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for t, p in zip(target.flatten().tolist(), pred.flatten().tolist()):
        if p == ignore_index or t == ignore_index:
            continue
        M[t][p] += 1
    return M


def drops_labels_out_of_range(pred, target, num_classes, ignore_index=None):
    keep = (target >= 0) & (target < num_classes)
    t, p = target[keep], pred[keep]
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def drops_only_large_labels_and_transposed(pred, target, num_classes, ignore_index=None):
    keep = target < num_classes
    t, p = target[keep], pred[keep]
    return torch.bincount(p * num_classes + t, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def fancy_index_counts_pair_once(pred, target, num_classes, ignore_index=None):
    M = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    if ignore_index is not None:
        keep = target != ignore_index
        pred, target = pred[keep], target[keep]
    M[target.flatten(), pred.flatten()] += 1
    return M


def no_minlength(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index is not None:
        keep = t != ignore_index
        t, p = t[keep], p[keep]
    return torch.bincount(t * num_classes + p).view(num_classes, num_classes)


def classes_from_data_and_truthy_ignore(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index:
        keep = t != ignore_index
        t, p = t[keep], p[keep]
    C = int(torch.maximum(t.max(), p.max())) + 1
    return torch.bincount(t * C + p, minlength=C * C).view(C, C)


def ignored_counted_as_background(pred, target, num_classes, ignore_index=None):
    t = target.clone()
    if ignore_index is not None:
        t[t == ignore_index] = 0
    return torch.bincount((t * num_classes + pred).flatten(), minlength=num_classes**2).view(
        num_classes, num_classes
    )


def first_image_only(pred, target, num_classes, ignore_index=None):
    M = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for i in range(target.shape[1]):
        for j in range(target.shape[2]):
            if ignore_index is None or target[0, i, j] != ignore_index:
                M[target[0, i, j], pred[0, i, j]] += 1
    return M


def rows_normalised(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index is not None:
        keep = t != ignore_index
        t, p = t[keep], p[keep]
    M = torch.bincount(t * num_classes + p, minlength=num_classes**2).view(num_classes, num_classes)
    return M / M.sum(dim=1, keepdim=True)


def transposed_and_crash_all_ignored(pred, target, num_classes, ignore_index=None):
    pairs = [
        (p, t)
        for p, t in zip(pred.flatten().tolist(), target.flatten().tolist())
        if ignore_index is None or t != ignore_index
    ]
    pairs = torch.tensor(pairs)
    index = pairs[:, 0] * num_classes + pairs[:, 1]
    return torch.bincount(index, minlength=num_classes**2).view(num_classes, num_classes)


def transposed_and_truthy_ignore(pred, target, num_classes, ignore_index=None):
    t, p = target.flatten(), pred.flatten()
    if ignore_index:
        keep = t != ignore_index
        t, p = t[keep], p[keep]
    return torch.bincount(p * num_classes + t, minlength=num_classes**2).view(
        num_classes, num_classes
    )


RIGHT = [bincount, loop, numpy_add_at, compare_each_pair]
WRONG = {
    transposed_bincount: "transposed",  # rows are predictions (transposed)
    transposed_loop: "transposed",  # rows are predictions (transposed), loops
    transposed_numpy: "transposed",  # rows are predictions (transposed), NumPy
    ignore_if_truthy_bincount: "zero_is_false",  # ignore_index=0 not honoured (`if ignore_index`)
    ignore_if_truthy_loop: "zero_is_false",  # ignore_index=0 not honoured, loop
    ignores_pred_too: "ignores_predictions",  # also leaves out pixels predicted as ignore_index
    drops_labels_out_of_range: "drops_unknown_labels",  # ignores only labels out of range, not a class as ignore_index
    drops_only_large_labels_and_transposed: "transposed",  # transposed, and ignore_index not used (only labels >= C dropped; crash on negative)
    fancy_index_counts_pair_once: "counts_once",  # M[t, p] += 1 counts repeated pairs once
    no_minlength: "no_minlength",  # bincount without minlength: crash if last cell is empty
    classes_from_data_and_truthy_ignore: "size_from_data zero_is_false",  # C from the data, ignore_index=0 not honoured; crash if all ignored
    ignored_counted_as_background: "ignored_as_background",  # ignored pixels counted as class 0
    transposed_and_crash_all_ignored: "transposed",  # transposed, and crash where all pixels are ignored
    transposed_and_truthy_ignore: "transposed zero_is_false",  # transposed, and ignore_index=0 not honoured
    ignores_by_pred_loop: "ignores_predictions",  # also leaves out pixels predicted as ignore_index, loop
    first_image_only: "first_image_only",  # only the first image of the batch
    rows_normalised: "rows_normalised",  # rows normalised (and NaN)
}
