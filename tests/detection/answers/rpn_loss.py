"""Answers to `rpn_loss` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def masks(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    reg = (
        F.smooth_l1_loss(
            deltas[objects], target_deltas[objects].to(deltas.dtype), reduction="sum", beta=beta
        )
        / n
    )
    return obj, reg


def formulas(logits, deltas, labels, target_deltas, beta=1 / 9):
    s, t = logits[labels != -1], labels[labels != -1].to(logits.dtype)
    n = s.numel() if s.numel() > 0 else 1
    obj = (F.softplus(s) - s * t).sum() / n
    d = (deltas[labels > 0] - target_deltas[labels > 0]).abs()
    reg = torch.where(d < beta, d**2 / (2 * beta), d - beta / 2).sum() / n
    return obj, reg


def weights_and_clean_targets(logits, deltas, labels, target_deltas, beta=1 / 9):
    w = (labels >= 0).to(logits.dtype)
    t = labels.clamp(min=0).to(logits.dtype)
    n = w.sum().clamp(min=1)
    obj = (F.binary_cross_entropy_with_logits(logits, t, reduction="none") * w).sum() / n
    yes = (labels == 1)[..., None]
    target = torch.where(yes, target_deltas, deltas.detach())
    return obj, F.smooth_l1_loss(deltas, target, beta=beta, reduction="none").sum() / n


def loop_over_anchors(logits, deltas, labels, target_deltas, beta=1 / 9):
    obj, reg, n = logits.sum() * 0, deltas.sum() * 0, 0
    for i in range(labels.shape[0]):
        for a in range(labels.shape[1]):
            if labels[i, a] < 0:
                continue
            n += 1
            obj = obj - F.logsigmoid(logits[i, a] if labels[i, a] == 1 else -logits[i, a])
            if labels[i, a] == 1:
                reg = reg + F.smooth_l1_loss(
                    deltas[i, a], target_deltas[i, a], beta=beta, reduction="sum"
                )
    return obj / max(n, 1), reg / max(n, 1)


def regression_by_objects(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    obj = F.binary_cross_entropy_with_logits(
        logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
    )
    reg = F.smooth_l1_loss(deltas[objects], target_deltas[objects], reduction="sum", beta=beta)
    return obj / max(sampled.sum(), 1), reg / max(objects.sum(), 1)


def regression_by_objects_loop(logits, deltas, labels, target_deltas, beta=1 / 9):
    obj, reg, n, k = logits.sum() * 0, deltas.sum() * 0, 0, 0
    for s, d, t, g in zip(
        logits.flatten(), deltas.flatten(0, 1), labels.flatten(), target_deltas.flatten(0, 1)
    ):
        if t >= 0:
            n += 1
            obj = obj + F.binary_cross_entropy_with_logits(s, t.to(s.dtype))
        if t == 1:
            k += 1
            e = (d - g).abs()
            reg = reg + torch.where(e < beta, e * e / (2 * beta), e - beta / 2).sum()
    return obj / max(n, 1), reg / max(k, 1)


def regression_mean_over_four(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    if not objects.any():
        return obj, deltas.sum() * 0
    reg = (
        F.smooth_l1_loss(deltas[objects], target_deltas[objects], reduction="none", beta=beta)
        .mean(1)
        .sum()
        / n
    )
    return obj, reg


def default_reductions_nan_when_empty(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    obj = F.binary_cross_entropy_with_logits(logits[sampled], labels[sampled].to(logits.dtype))
    reg = F.smooth_l1_loss(deltas[objects], target_deltas[objects], beta=beta)
    return obj, reg


def beta_forgotten(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    return obj, F.smooth_l1_loss(deltas[objects], target_deltas[objects], reduction="sum") / n


def huber_loss(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    return obj, F.huber_loss(
        deltas[objects], target_deltas[objects], reduction="sum", delta=beta
    ) / n


def beta_always_one_ninth(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    d = (deltas[objects] - target_deltas[objects]).abs()
    return obj, torch.where(d < 1 / 9, d**2 * 4.5, d - 1 / 18).sum() / n


def unsampled_as_background(logits, deltas, labels, target_deltas, beta=1 / 9):
    objects = labels == 1
    obj = F.binary_cross_entropy_with_logits(logits, objects.to(logits.dtype))
    reg = F.smooth_l1_loss(deltas[objects], target_deltas[objects], reduction="sum", beta=beta)
    return obj, reg / labels.numel()


def divided_by_all_anchors(logits, deltas, labels, target_deltas, beta=1 / 9):
    w = (labels >= 0).to(logits.dtype)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits, labels.clamp(min=0).to(logits.dtype), reduction="none"
        )
        * w
    ).mean()
    objects = labels == 1
    return obj, F.smooth_l1_loss(
        deltas[objects], target_deltas[objects], reduction="sum", beta=beta
    ) / labels.numel()


def divided_by_all_anchors_loop(logits, deltas, labels, target_deltas, beta=1 / 9):
    obj, reg, n = logits.sum() * 0, deltas.sum() * 0, 0
    for i in range(labels.shape[0]):
        for a in range(labels.shape[1]):
            n += 1
            if labels[i, a] >= 0:
                obj = obj + F.binary_cross_entropy_with_logits(
                    logits[i, a], labels[i, a].to(logits.dtype)
                )
            if labels[i, a] == 1:
                reg = reg + F.smooth_l1_loss(
                    deltas[i, a], target_deltas[i, a], beta=beta, reduction="sum"
                )
    return obj / n, reg / n


def sigmoid_then_log(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    p, t = torch.sigmoid(logits[sampled]), labels[sampled].to(logits.dtype)
    obj = -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).sum() / n
    return obj, F.smooth_l1_loss(
        deltas[objects], target_deltas[objects], reduction="sum", beta=beta
    ) / n


def sigmoid_then_bce(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy(
            logits[sampled].sigmoid(), labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    return obj, F.smooth_l1_loss(
        deltas[objects], target_deltas[objects], reduction="sum", beta=beta
    ) / n


def nan_targets_multiplied_by_zero(logits, deltas, labels, target_deltas, beta=1 / 9):
    w = (labels >= 0).to(logits.dtype)
    n = w.sum().clamp(min=1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits, labels.clamp(min=0).to(logits.dtype), reduction="none"
        )
        * w
    ).sum() / n
    each = F.smooth_l1_loss(deltas, target_deltas, reduction="none", beta=beta).sum(-1)
    return obj, (each * (labels == 1)).sum() / n


def nan_gradient_through_where(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled = labels >= 0
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    each = F.smooth_l1_loss(deltas, target_deltas, reduction="none", beta=beta)
    return obj, torch.where((labels == 1)[..., None], each, 0.0).sum() / n


def regression_of_all_sampled_and_order_swapped(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled = labels >= 0
    n = max(int(sampled.sum()), 1)
    obj = (
        F.binary_cross_entropy_with_logits(
            logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
        )
        / n
    )
    return F.smooth_l1_loss(
        deltas[sampled], target_deltas[sampled], reduction="sum", beta=beta
    ) / n, obj


def per_image_and_nan_without_samples(logits, deltas, labels, target_deltas, beta=1 / 9):
    obj, reg = [], []
    for s, d, t, g in zip(logits, deltas, labels, target_deltas):
        n = (t >= 0).sum()
        obj.append(
            F.binary_cross_entropy_with_logits(s[t >= 0], t[t >= 0].to(s.dtype), reduction="sum")
            / n
        )
        reg.append(F.smooth_l1_loss(d[t == 1], g[t == 1], reduction="sum", beta=beta) / n)
    return torch.stack(obj).mean(), torch.stack(reg).mean()


def no_gradient_without_objects_and_wrong_divisor(
    logits, deltas, labels, target_deltas, beta=1 / 9
):
    sampled, objects = labels >= 0, labels == 1
    obj, reg = torch.tensor(0.0), torch.tensor(0.0)
    if sampled.any():
        obj = F.binary_cross_entropy_with_logits(logits[sampled], labels[sampled].to(logits.dtype))
    if objects.any():
        reg = (
            F.smooth_l1_loss(deltas[objects], target_deltas[objects], reduction="sum", beta=beta)
            / objects.sum()
        )
    return obj, reg


def crash_without_samples_and_l1(logits, deltas, labels, target_deltas, beta=1 / 9):
    n = int((labels != -1).sum())
    total, reg = 0, deltas.sum() * 0
    for s, d, t, g in zip(
        logits.flatten(), deltas.view(-1, 4), labels.flatten(), target_deltas.view(-1, 4)
    ):
        if t == 1:
            total = total + F.softplus(-s)
            reg = reg + (d - g).abs().sum()
        if t == 0:
            total = total + F.softplus(s)
    return total * (1 / n), reg * (1 / n)


def beta_forgotten_and_by_objects(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, objects = labels >= 0, labels == 1
    obj = F.binary_cross_entropy_with_logits(
        logits[sampled], labels[sampled].to(logits.dtype), reduction="sum"
    )
    reg = F.smooth_l1_loss(deltas[objects], target_deltas[objects], reduction="sum")
    return obj / max(sampled.sum(), 1), reg / max(objects.sum(), 1)


def mean_over_four_loop(logits, deltas, labels, target_deltas, beta=1 / 9):
    obj, reg, n = logits.sum() * 0, deltas.sum() * 0, 0
    for i in range(labels.shape[0]):
        for a in range(labels.shape[1]):
            if labels[i, a] >= 0:
                n += 1
                obj = obj + F.binary_cross_entropy_with_logits(
                    logits[i, a], labels[i, a].to(logits.dtype)
                )
            if labels[i, a] == 1:
                reg = reg + F.smooth_l1_loss(deltas[i, a], target_deltas[i, a], beta=beta)
    return obj / max(n, 1), reg / max(n, 1)


RIGHT = [masks, formulas, weights_and_clean_targets, loop_over_anchors]
WRONG = {
    regression_by_objects: "boxes_by_objects",  # regression divided by the objects
    regression_by_objects_loop: "boxes_by_objects",  # regression divided by the objects, loop
    regression_mean_over_four: "mean_of_four",  # mean over the four numbers
    beta_forgotten: "beta_of_one",  # beta = 1
    divided_by_all_anchors: "divided_by_all",  # divided by all anchors
    sigmoid_then_bce: "from_probabilities",  # BCE of a sigmoid: clamped at 100, gradient 0
    nan_targets_multiplied_by_zero: "times_zero",  # NaN targets times 0
    nan_gradient_through_where: "where_after_the_loss",  # NaN gradient through where
    regression_of_all_sampled_and_order_swapped: "boxes_of_background exchanged",  # regression over background too; order swapped
    per_image_and_nan_without_samples: "mean_of_images",  # per image; NaN without samples
    no_gradient_without_objects_and_wrong_divisor: "boxes_by_objects",  # regression divided by objects; no gradient without objects
    crash_without_samples_and_l1: "plain_l1",  # L1; crash without samples
    beta_forgotten_and_by_objects: "beta_of_one boxes_by_objects",  # beta = 1, regression divided by the objects
    mean_over_four_loop: "mean_of_four",  # mean over the four numbers, loop
    default_reductions_nan_when_empty: "default_means",  # mean reductions: wrong divisor, NaN when empty
    huber_loss: "huber",  # Huber loss (beta times too small)
    beta_always_one_ninth: "",  # beta hard-coded 1/9
    unsampled_as_background: "unsampled_is_background",  # anchors not sampled count as background
    divided_by_all_anchors_loop: "divided_by_all",  # divided by all anchors, loop
    sigmoid_then_log: "log_of_zero",  # log of a sigmoid: NaN for large logits
}
