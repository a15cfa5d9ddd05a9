"""Answers to `mask_loss` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def index_own_channel(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1]
    if len(labels) == 0:
        return logits.sum()
    return F.binary_cross_entropy_with_logits(own, targets)


def gather(logits, labels, targets):
    R, C, M, N = logits.shape
    own = logits.gather(1, (labels - 1).view(R, 1, 1, 1).expand(R, 1, M, N))[:, 0]
    loss = F.softplus(own) - targets * own
    return loss.sum() / max(loss.numel(), 1)


def loop(logits, labels, targets):
    total = logits.sum() * 0
    for z, c, t in zip(logits, labels, targets):
        own = z[c - 1]
        total = total - (t * F.logsigmoid(own) + (1 - t) * F.logsigmoid(-own)).mean()
    return total / max(len(labels), 1)


def channel_is_label(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    own = logits[torch.arange(len(labels)), labels % logits.shape[1]]
    return F.binary_cross_entropy_with_logits(own, targets)


def channel_is_label_crash(logits, labels, targets):
    total = logits.sum() * 0
    for r in range(len(labels)):
        total = total + F.binary_cross_entropy_with_logits(logits[r, labels[r]], targets[r])
    return total / max(len(labels), 1)


def channel_is_label_gather(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum() * 0
    index = labels.view(-1, 1, 1, 1).expand(-1, 1, *logits.shape[2:])
    own = logits.gather(1, index)[:, 0]
    return F.binary_cross_entropy_with_logits(own, targets)


def all_channels(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    return F.binary_cross_entropy_with_logits(logits, targets[:, None].expand_as(logits))


def other_channels_as_empty(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    full = torch.zeros_like(logits)
    full[torch.arange(len(labels)), labels - 1] = targets
    return F.binary_cross_entropy_with_logits(logits, full)


def other_channels_as_empty_loop(logits, labels, targets):
    total = logits.sum() * 0
    for r in range(len(labels)):
        for c in range(logits.shape[1]):
            t = targets[r] if c == labels[r] - 1 else torch.zeros_like(targets[r])
            total = total + F.binary_cross_entropy_with_logits(logits[r, c], t)
    return total / max(len(labels), 1)


def softmax_over_classes(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    p = logits.softmax(dim=1)[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy(p.clamp(0, 1), targets)


def sigmoid_then_log(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    p = logits[torch.arange(len(labels)), labels - 1].sigmoid()
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


def sigmoid_then_bce(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    p = logits[torch.arange(len(labels)), labels - 1].sigmoid()
    return F.binary_cross_entropy(p, targets)


def sigmoid_clamped_loop(logits, labels, targets):
    total = logits.sum() * 0
    for z, c, t in zip(logits, labels, targets):
        p = torch.sigmoid(z[c - 1]).clamp(1e-6, 1 - 1e-6)
        total = total - (t * p.log() + (1 - t) * (1 - p).log()).mean()
    return total / max(len(labels), 1)


def sigmoid_twice(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    own = logits[torch.arange(len(labels)), labels - 1].sigmoid()
    return F.binary_cross_entropy_with_logits(own, targets)


def sum_not_mean(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets, reduction="sum")


def divided_by_objects_only(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets, reduction="sum") / max(len(labels), 1)


def nan_without_objects(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets)


def no_gradient_without_objects(logits, labels, targets):
    if len(labels) == 0:
        return torch.tensor(0.0)
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets)


def targets_thresholded(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, (targets > 0.5).to(logits.dtype))


def only_object_pixels_loop(logits, labels, targets):
    total = logits.sum() * 0
    for z, c, t in zip(logits, labels, targets):
        total = total - (t * F.logsigmoid(z[c - 1])).mean()
    return total / max(len(labels), 1)


def all_pairs_of_objects(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    own = logits[:, labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets[None].expand_as(own))


def first_class_channel_and_sum(logits, labels, targets):
    own = logits[:, 0]
    return F.binary_cross_entropy_with_logits(own, targets, reduction="sum") / max(len(labels), 1)


def channel_is_label_and_crash_without_objects(logits, labels, targets):
    losses = []
    for r in range(len(labels)):
        z = logits[r, min(int(labels[r]), logits.shape[1] - 1)]
        losses.append(F.binary_cross_entropy_with_logits(z, targets[r]))
    return torch.stack(losses).mean()


def clamped_sigmoid_and_crash_without_objects(logits, labels, targets):
    total = 0
    for z, c, t in zip(logits, labels, targets):
        p = torch.sigmoid(z[c - 1]).clamp(1e-7, 1 - 1e-7)
        total = total - (t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean()
    return total / len(labels)


def softmax_and_sum(logits, labels, targets):
    if len(labels) == 0:
        return logits.sum()
    p = logits.softmax(dim=1)[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy(p.clamp(0, 1), targets, reduction="sum")


RIGHT = [index_own_channel, gather, loop]
WRONG = {
    channel_is_label: "background_first",  # channel c instead of c - 1 (wrapped)
    channel_is_label_gather: "background_first",  # channel c instead of c - 1, gather
    other_channels_as_empty: "every_channel",  # other channels trained as empty
    other_channels_as_empty_loop: "every_channel channels_summed",  # other channels trained as empty, loop
    softmax_over_classes: "softmax",  # softmax over the classes
    sigmoid_then_bce: "from_probabilities",  # BCE of a sigmoid: clamped at 100
    sigmoid_clamped_loop: "clamped",  # sigmoid clamped, wrong for 1000
    divided_by_objects_only: "per_object",  # divided by R only
    nan_without_objects: "",  # NaN for R = 0
    no_gradient_without_objects: "",  # no gradient for R = 0
    first_class_channel_and_sum: "per_object",  # always channel 0, divided by R only
    channel_is_label_and_crash_without_objects: "background_first",  # channel c (clamped); crash for R = 0
    clamped_sigmoid_and_crash_without_objects: "clamped",  # sigmoid clamped; crash for R = 0
    softmax_and_sum: "softmax summed",  # softmax over the classes, sum
    channel_is_label_crash: "background_first",  # channel c instead of c - 1: crash for the last class
    all_channels: "mask_in_every_channel",  # all channels trained with the mask
    sigmoid_then_log: "log_of_zero",  # log of a sigmoid: NaN for 1000
    sigmoid_twice: "sigmoid_twice",  # sigmoid twice
    sum_not_mean: "summed",  # sum, not mean
    targets_thresholded: "hard_targets",  # targets thresholded
    only_object_pixels_loop: "object_pixels_only",  # second half of the BCE forgotten
    all_pairs_of_objects: "every_object",  # logits[:, labels - 1]: all pairs of objects
}
