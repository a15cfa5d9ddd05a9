"""Answers to `focal_loss` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def log_sigmoid(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def bce_none(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    wrong = torch.sigmoid(logits) * (1 - t) + torch.sigmoid(-logits) * t
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * wrong**gamma * ce * valid).sum() / max(int((labels > 0).sum()), 1)


def loop_over_classes(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = total + (alpha * torch.sigmoid(-pos) ** gamma * F.softplus(-pos)).sum()
        total = total + ((1 - alpha) * torch.sigmoid(neg) ** gamma * F.softplus(neg)).sum()
        objects += len(pos)
    return total / max(objects, 1)


def alpha_upside_down(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(1 - alpha), z.new_tensor(alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def alpha_upside_down_loop(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = total + ((1 - alpha) * torch.sigmoid(-pos) ** gamma * F.softplus(-pos)).sum()
        total = total + (alpha * torch.sigmoid(neg) ** gamma * F.softplus(neg)).sum()
        objects += len(pos)
    return total / max(objects, 1)


def alpha_for_all(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha
    return (weight * (1 - p_t) ** gamma * ce * valid).sum() / max(int((labels > 0).sum()), 1)


def divided_by_anchors(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / keep.sum().clamp(min=1)


def divided_by_anchors_loop(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = total + (alpha * torch.sigmoid(-pos) ** gamma * F.softplus(-pos)).sum()
        total = total + ((1 - alpha) * torch.sigmoid(neg) ** gamma * F.softplus(neg)).sum()
        objects += len(pos)
    return total / max(int((labels >= 0).sum()), 1)


def mean_over_all(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * (1 - p_t) ** gamma * ce * valid).mean()


def left_out_as_background(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * (1 - p_t) ** gamma * ce).sum() / max(int((labels > 0).sum()), 1)


def left_out_as_background_loop(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[labels != c]
        total = total + (alpha * torch.sigmoid(-pos) ** gamma * F.softplus(-pos)).sum()
        total = total + ((1 - alpha) * torch.sigmoid(neg) ** gamma * F.softplus(neg)).sum()
        objects += len(pos)
    return total / max(objects, 1)


def background_left_out(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels > 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def column_off_by_one(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c % logits.shape[2]]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = total + (alpha * torch.sigmoid(-pos) ** gamma * F.softplus(-pos)).sum()
        total = total + ((1 - alpha) * torch.sigmoid(neg) ** gamma * F.softplus(neg)).sum()
        objects += len(pos)
    return total / max(objects, 1)


def column_c_for_class_c(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, :-1].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def softmax_for_sigmoid(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = -(t * logits.log_softmax(-1) + (1 - t) * torch.log1p(-logits.softmax(-1) + 1e-7))
    p = logits.softmax(dim=-1)
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * (1 - p_t) ** gamma * ce * valid).sum() / max(int((labels > 0).sum()), 1)


def p_instead_of_one_minus_p(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * p_t**gamma * ce * valid).sum() / max(int((labels > 0).sum()), 1)


def modulation_detached(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = (labels[..., None] == classes).to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = torch.sigmoid(logits).detach()
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * (1 - p_t) ** gamma * ce * valid).sum() / max(int((labels > 0).sum()), 1)


def modulation_detached_no_grad(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    with torch.no_grad():
        a = a * torch.sigmoid(-s) ** gamma
    loss = -a * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def log_of_sigmoid_nan(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * torch.log(torch.sigmoid(s))
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def log_of_clamped_sigmoid(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * torch.log(torch.sigmoid(s).clamp(min=1e-7))
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def log_of_sigmoid_plus_eps_loop(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = (
            total
            + (alpha * torch.sigmoid(-pos) ** gamma * -torch.log(torch.sigmoid(pos) + 1e-8)).sum()
        )
        total = (
            total
            + (
                (1 - alpha) * torch.sigmoid(neg) ** gamma * -torch.log(torch.sigmoid(-neg) + 1e-8)
            ).sum()
        )
        objects += len(pos)
    return total / max(objects, 1)


def gamma_always_two_and_alpha_for_all(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = total + (alpha * torch.sigmoid(-pos) ** 2 * F.softplus(-pos)).sum()
        total = total + (alpha * torch.sigmoid(neg) ** 2 * F.softplus(neg)).sum()
        objects += len(pos)
    return total / max(objects, 1)


def only_own_class_and_crash_without_objects(logits, labels, alpha=0.25, gamma=2.0):
    total, objects = logits.sum() * 0, 0
    for c in range(1, logits.shape[2] + 1):
        z = logits[:, :, c - 1]
        pos, neg = z[labels == c], z[(labels >= 0) & (labels != c)]
        total = total + (alpha * torch.sigmoid(-pos) ** gamma * F.softplus(-pos)).sum()
        objects += len(pos)
    return total * (1 / objects)


def nan_without_objects_and_wrong_alpha(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(1 - alpha), z.new_tensor(alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum()


def one_hot_crash_for_left_out_and_mean(logits, labels, alpha=0.25, gamma=2.0):
    classes = torch.arange(1, logits.shape[2] + 1)
    t = F.one_hot(labels, len(classes) + 1)[..., 1:].to(logits.dtype)
    valid = (labels != -1)[..., None].to(logits.dtype)
    ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * (1 - p_t) ** gamma * ce * valid).sum() / max(int((labels >= 0).sum()), 1)


def sum_not_divided(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum()


def sign_forgotten(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(alpha), z.new_tensor(1 - alpha))
    loss = a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / (labels > 0).sum().clamp(min=1)


def divided_by_anchors_and_alpha_upside_down(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    z, c = logits[keep], labels[keep]
    yes = F.one_hot(c, logits.shape[-1] + 1)[:, 1:].bool()
    s = torch.where(yes, z, -z)
    a = torch.where(yes, z.new_tensor(1 - alpha), z.new_tensor(alpha))
    loss = -a * torch.sigmoid(-s) ** gamma * F.logsigmoid(s)
    return loss.sum() / keep.sum().clamp(min=1)


RIGHT = [log_sigmoid, bce_none, loop_over_classes]
WRONG = {
    alpha_upside_down: "alpha_exchanged",  # alpha for no, 1 - alpha for yes
    alpha_upside_down_loop: "alpha_exchanged",  # alpha for no, 1 - alpha for yes, loop
    divided_by_anchors: "by_anchors",  # divided by the anchors counted
    left_out_as_background: "left_out_is_background",  # left out anchors count as background
    left_out_as_background_loop: "left_out_is_background",  # left out anchors count as background, loop
    column_c_for_class_c: "one_column_off",  # column c for class c, background has column 0
    softmax_for_sigmoid: "softmax",  # softmax instead of sigmoid
    modulation_detached: "factor_detached",  # (1 - p_t) ** gamma detached
    modulation_detached_no_grad: "factor_detached",  # (1 - p_t) ** gamma without gradient
    log_of_sigmoid_nan: "log_of_zero",  # log of the sigmoid: infinite or NaN at 1000
    gamma_always_two_and_alpha_for_all: "alpha_everywhere",  # gamma 2 hard-coded, alpha for both answers
    only_own_class_and_crash_without_objects: "targets_of_one_only",  # only the column of the own class counts; crash without objects
    nan_without_objects_and_wrong_alpha: "alpha_exchanged",  # divided by 0 without objects, alpha upside down
    divided_by_anchors_and_alpha_upside_down: "by_anchors alpha_exchanged",  # divided by the anchors counted, alpha upside down
    alpha_for_all: "alpha_everywhere",  # alpha for both answers
    divided_by_anchors_loop: "by_anchors",  # divided by the anchors counted, loop
    mean_over_all: "mean",  # mean over all numbers
    background_left_out: "objects_only",  # background anchors left out
    column_off_by_one: "one_column_off",  # column c belongs to class c
    p_instead_of_one_minus_p: "power_of_p",  # p_t ** gamma instead of (1 - p_t) ** gamma
    log_of_clamped_sigmoid: "clamped",  # log of a clamped sigmoid: wrong at 1000
    log_of_sigmoid_plus_eps_loop: "",  # log(p + eps): wrong at 1000, loop
    one_hot_crash_for_left_out_and_mean: "by_anchors",  # one_hot crash for -1; mean
    sum_not_divided: "not_divided",  # not divided
    sign_forgotten: "",  # sign forgotten
}
