"""Answers to `non_saturating_loss` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn


def softplus(fake_logits):
    return F.softplus(-fake_logits).mean()


def logsigmoid(fake_logits):
    return -F.logsigmoid(fake_logits).mean()


def cross_entropy_with_ones(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def minus_the_saturating_one_of_minus(fake_logits):
    def saturating_loss(logits):
        return F.logsigmoid(-logits).mean()

    return -saturating_loss(-fake_logits)


def as_the_formula_says(fake_logits):
    return -torch.log(torch.sigmoid(fake_logits)).mean()


def eps_in_the_logarithm(fake_logits):
    return -torch.log(torch.sigmoid(fake_logits) + 1e-8).mean()


def bce_of_probabilities(fake_logits):
    D = fake_logits.sigmoid()
    return F.binary_cross_entropy(D, torch.ones_like(D))


def saturating(fake_logits):
    return F.logsigmoid(-fake_logits).mean()


def no_minus(fake_logits):
    return F.logsigmoid(fake_logits).mean()


def labelled_as_generated(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


def sigmoid_twice(fake_logits):
    D = fake_logits.sigmoid()
    return F.binary_cross_entropy_with_logits(D, torch.ones_like(D))


def summed(fake_logits):
    return -F.logsigmoid(fake_logits).sum()


def of_each_image(fake_logits):
    ones = torch.ones_like(fake_logits)
    return F.binary_cross_entropy_with_logits(fake_logits, ones, reduction="none")


def wasserstein(fake_logits):
    return -fake_logits.mean()


def minus_d(fake_logits):
    return -torch.sigmoid(fake_logits).mean()


def item(fake_logits):
    return F.softplus(-fake_logits).mean().item()


def log_of_the_mean(fake_logits):
    return -torch.log(torch.sigmoid(fake_logits).mean())


def clamped_probabilities(fake_logits):
    return -torch.log(torch.sigmoid(fake_logits).clamp(1e-7, 1 - 1e-7)).mean()


def mean_logit(fake_logits):
    return F.softplus(-fake_logits.mean()).mean()


def exponential(fake_logits):
    return torch.log(1 + torch.exp(-fake_logits)).mean()


def labels_of_the_default_type(fake_logits):
    labels = torch.ones(fake_logits.size(0))
    return nn.BCEWithLogitsLoss()(fake_logits, labels)


def clamped_logits(fake_logits):
    return F.softplus(-torch.clamp(fake_logits, -100, 100)).mean()


def half(fake_logits):
    return 0.5 * F.softplus(-fake_logits).mean()


def smooth_label(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.full_like(fake_logits, 0.9))


RIGHT = [softplus, logsigmoid, cross_entropy_with_ones, minus_the_saturating_one_of_minus]
WRONG = {
    as_the_formula_says: "from_probabilities",
    eps_in_the_logarithm: "a_little_added",
    bce_of_probabilities: "cross_entropy_of_probabilities",
    saturating: "saturating",
    no_minus: "sign",
    labelled_as_generated: "discriminators_share",
    sigmoid_twice: "sigmoid_twice",
    summed: "summed",
    of_each_image: "for_each_image",
    wasserstein: "of_a_critic",
    minus_d: "no_logarithm",
    item: "detached",
    log_of_the_mean: "mean_of_d",
    clamped_probabilities: "",
    mean_logit: "mean_of_logits",
    exponential: "from_probabilities",
    labels_of_the_default_type: "",
    clamped_logits: "",
    half: "halved",
    smooth_label: "smoothed",
}
