"""Answers to `dice_loss` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def select_pixels(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=1).movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index is not None:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C).to(p.dtype)
    dice = (2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)
    return 1 - dice.mean()


def loop_over_classes(logits, target, ignore_index=None, smooth=1.0):
    p = torch.softmax(logits, 1)
    valid = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        valid = target != ignore_index
    total = 0
    for c in range(logits.shape[1]):
        pc = p[:, c][valid]
        tc = (target[valid] == c).to(p.dtype)
        total = total + (2 * (pc * tc).sum() + smooth) / (pc.sum() + tc.sum() + smooth)
    return 1 - total / logits.shape[1]


def weights_instead_of_selection(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    w = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    t = F.one_hot((target * w), C).permute(0, 3, 1, 2).to(logits.dtype) * w[:, None]
    p = torch.exp(F.log_softmax(logits, dim=1)) * w[:, None]
    inter = torch.einsum("nchw,nchw->c", p, t)
    sizes = p.sum((0, 2, 3)) + t.sum((0, 2, 3))
    return (1 - (2 * inter + smooth) / (sizes + smooth)).mean()


def sigmoid_for_softmax(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.sigmoid().movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index is not None:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C).to(p.dtype)
    return 1 - ((2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)).mean()


def naive_exp_softmax(logits, target, ignore_index=None, smooth=1.0):
    e = torch.exp(logits)
    p = e / e.sum(dim=1, keepdim=True)
    keep = (
        torch.ones_like(target, dtype=torch.bool)
        if ignore_index is None
        else target != ignore_index
    )
    loss = 0
    C = logits.shape[1]
    for c in range(C):
        pc, tc = p[:, c][keep], (target[keep] == c).to(p.dtype)
        loss = loss + 1 - (2 * (pc * tc).sum() + smooth) / (pc.sum() + tc.sum() + smooth)
    return loss / C


def softmax_over_width(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=-1)
    w = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    t = F.one_hot(target * w, C).movedim(-1, 1) * w[:, None]
    p = p * w[:, None]
    dims = (0, 2, 3)
    return 1 - ((2 * (p * t).sum(dims) + smooth) / (p.sum(dims) + t.sum(dims) + smooth)).mean()


def mean_over_images(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    w = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    t = F.one_hot(target * w, C).movedim(-1, 1) * w[:, None]
    p = logits.softmax(dim=1) * w[:, None]
    dice = (2 * (p * t).sum((2, 3)) + smooth) / (p.sum((2, 3)) + t.sum((2, 3)) + smooth)
    return 1 - dice.mean()


def mean_over_images_loop(logits, target, ignore_index=None, smooth=1.0):
    losses = []
    for z, y in zip(logits, target):
        p = z.softmax(dim=0)
        keep = torch.ones_like(y, dtype=torch.bool) if ignore_index is None else y != ignore_index
        for c in range(len(p)):
            pc, tc = p[c][keep], (y[keep] == c).to(p.dtype)
            losses.append(1 - (2 * (pc * tc).sum() + smooth) / (pc.sum() + tc.sum() + smooth))
    return torch.stack(losses).mean()


def ignored_still_in_p_sum(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    w = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    t = F.one_hot(target * w, C).movedim(-1, 1) * w[:, None]
    p = logits.softmax(dim=1)
    dims = (0, 2, 3)
    return 1 - ((2 * (p * t).sum(dims) + smooth) / (p.sum(dims) + t.sum(dims) + smooth)).mean()


def ignored_still_in_p_sum_loop(logits, target, ignore_index=None, smooth=1.0):
    p = F.softmax(logits, dim=1)
    C = logits.shape[1]
    total = 0
    for c in range(C):
        tc = (target == c) & (target != ignore_index) if ignore_index is not None else target == c
        tc = tc.to(p.dtype)
        total = total + (2 * (p[:, c] * tc).sum() + smooth) / (p[:, c].sum() + tc.sum() + smooth)
    return 1 - total / C


def smooth_only_below(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=1).movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index is not None:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C)
    return 1 - (2 * (p * t).sum(0) / (p.sum(0) + t.sum(0) + smooth)).mean()


def smooth_always_one(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=1).movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index is not None:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C)
    return 1 - ((2 * (p * t).sum(0) + 1) / (p.sum(0) + t.sum(0) + 1)).mean()


def ignore_zero_not_honoured(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=1).movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C)
    return 1 - ((2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)).mean()


def only_classes_present(logits, target, ignore_index=None, smooth=1.0):
    p = logits.softmax(dim=1)
    keep = (
        torch.ones_like(target, dtype=torch.bool)
        if ignore_index is None
        else target != ignore_index
    )
    dices = []
    for c in range(logits.shape[1]):
        tc = (target[keep] == c).to(p.dtype)
        if tc.sum() == 0:
            continue
        pc = p[:, c][keep]
        dices.append((2 * (pc * tc).sum() + smooth) / (pc.sum() + tc.sum() + smooth))
    if not dices:
        return logits.sum() * 0
    return 1 - torch.stack(dices).mean()


def hard_prediction(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    pred = logits.argmax(dim=1).flatten()
    t = target.flatten()
    if ignore_index is not None:
        keep = t != ignore_index
        pred, t = pred[keep], t[keep]
    p, t = F.one_hot(pred, C).to(logits.dtype), F.one_hot(t, C)
    return 1 - ((2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)).mean()


def all_classes_in_one_ratio(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=1).movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index is not None:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C)
    return 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)


def factor_two_forgotten_and_squared(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    p = logits.softmax(dim=1).movedim(1, -1).reshape(-1, C)
    t = target.reshape(-1)
    if ignore_index is not None:
        keep = t != ignore_index
        p, t = p[keep], t[keep]
    t = F.one_hot(t, C)
    return 1 - (((p * t).sum(0) + smooth) / ((p**2).sum(0) + (t**2).sum(0) + smooth)).mean()


def per_image_and_crash_on_255(logits, target, ignore_index=None, smooth=1.0):
    p = logits.softmax(dim=1)
    t = F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(p.dtype)
    if ignore_index is not None:
        keep = (target != ignore_index)[:, None]
        p, t = p * keep, t * keep
    num = 2 * (p * t).sum(dim=(2, 3)) + smooth
    return 1 - (num / (p.sum(dim=(2, 3)) + t.sum(dim=(2, 3)) + smooth)).mean()


def no_background_and_no_gradient_if_all_ignored(logits, target, ignore_index=None, smooth=1.0):
    if ignore_index is not None and (target == ignore_index).all():
        return torch.tensor(0.0)
    p = logits.softmax(dim=1)
    keep = (
        torch.ones_like(target, dtype=torch.bool)
        if ignore_index is None
        else target != ignore_index
    )
    loss, C = 0, logits.shape[1]
    for c in range(1, C):
        pc, tc = p[:, c][keep], (target[keep] == c).to(p.dtype)
        loss = loss + 1 - (2 * (pc * tc).sum() + smooth) / (pc.sum() + tc.sum() + smooth)
    return loss / (C - 1)


def sigmoid_and_per_image(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    w = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    t = F.one_hot(target * w, C).movedim(-1, 1) * w[:, None]
    p = logits.sigmoid() * w[:, None]
    dice = (2 * (p * t).sum((2, 3)) + smooth) / (p.sum((2, 3)) + t.sum((2, 3)) + smooth)
    return 1 - dice.mean()


def ignore_zero_not_honoured_loop(logits, target, ignore_index=None, smooth=1.0):
    p = F.softmax(logits, dim=1)
    valid = (target != ignore_index) if ignore_index else (target == target)
    C = logits.shape[1]
    dice = 0
    for c in range(C):
        pc, tc = p[:, c] * valid, (target == c) * valid
        dice = dice + (2 * (pc * tc).sum() + smooth) / (pc.sum() + tc.sum() + smooth)
    return 1 - dice / C


RIGHT = [select_pixels, loop_over_classes, weights_instead_of_selection]
WRONG = {
    sigmoid_for_softmax: "sigmoid",  # sigmoid instead of softmax
    naive_exp_softmax: "overflows",  # softmax by hand overflows at 1000
    mean_over_images: "per_image",  # Dice per image, then averaged
    mean_over_images_loop: "per_image",  # Dice per image, then averaged, loop
    ignored_still_in_p_sum: "half_ignored",  # ignored pixels still in the sum of p
    ignored_still_in_p_sum_loop: "half_ignored",  # ignored pixels still in the sum of p, loop
    ignore_zero_not_honoured: "zero_is_false",  # ignore_index=0 not honoured
    only_classes_present: "only_classes_present",  # mean only over classes that occur
    all_classes_in_one_ratio: "one_fraction",  # one ratio for all classes
    factor_two_forgotten_and_squared: "factor_missing squares",  # factor 2 missing, summands squared
    per_image_and_crash_on_255: "per_image",  # per image, and crash for ignore_index out of range
    no_background_and_no_gradient_if_all_ignored: "without_background",  # background left out; no gradient where all ignored
    sigmoid_and_per_image: "sigmoid per_image",  # sigmoid instead of softmax, per image
    ignore_zero_not_honoured_loop: "zero_is_false",  # ignore_index=0 not honoured, loop
    softmax_over_width: "softmax_over_width",  # softmax over the wrong axis
    smooth_only_below: "smooth_below_only",  # smooth missing in the numerator
    smooth_always_one: "smooth_is_one",  # smooth hard-coded as 1
    hard_prediction: "hard",  # arg max: no gradient, wrong value
}
