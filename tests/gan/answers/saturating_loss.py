"""Answers to `saturating_loss` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn


def softplus(fake_logits):
    return -F.softplus(fake_logits).mean()


def logsigmoid(fake_logits):
    return torch.mean(F.logsigmoid(-fake_logits))


def minus_cross_entropy(fake_logits):
    return -F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


def own_stable_formula(fake_logits):
    x = fake_logits
    return -(torch.clamp(x, min=0) + torch.log1p(torch.exp(-x.abs()))).sum() / len(x)


def as_the_formula_says(fake_logits):
    return torch.log(1 - torch.sigmoid(fake_logits)).mean()


def sigmoid_of_minus(fake_logits):
    return torch.log(torch.sigmoid(-fake_logits)).mean()


def eps_in_the_logarithm(fake_logits):
    return torch.log(1 - torch.sigmoid(fake_logits) + 1e-8).mean()


def minus_bce_of_probabilities(fake_logits):
    D = fake_logits.sigmoid()
    return -F.binary_cross_entropy(D, torch.zeros_like(D))


def non_saturating(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def log_of_d(fake_logits):
    return F.logsigmoid(fake_logits).mean()


def what_the_discriminator_minimises(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


def sigmoid_twice(fake_logits):
    D = fake_logits.sigmoid()
    return -F.binary_cross_entropy_with_logits(D, torch.zeros_like(D))


def summed(fake_logits):
    return F.logsigmoid(-fake_logits).sum()


def of_each_image(fake_logits):
    return F.logsigmoid(-fake_logits)


def wasserstein(fake_logits):
    return -fake_logits.mean()


def one_minus_d(fake_logits):
    return (1 - torch.sigmoid(fake_logits)).mean()


def item(fake_logits):
    return -F.softplus(fake_logits).mean().item()


def one_minus_outside(fake_logits):
    return (1 - F.logsigmoid(fake_logits)).mean()


def clamped_logits(fake_logits):
    return -F.softplus(fake_logits.clamp(-20, 20)).mean()


def mean_logit(fake_logits):
    return -F.softplus(fake_logits.mean()).mean()


def exponential(fake_logits):
    return -torch.log(1 + torch.exp(fake_logits)).mean()


def labels_of_the_default_type(fake_logits):
    labels = torch.zeros(fake_logits.size(0))
    return -nn.BCEWithLogitsLoss()(fake_logits, labels)


RIGHT = [softplus, logsigmoid, minus_cross_entropy, own_stable_formula]
WRONG = {
    as_the_formula_says: "from_probabilities",
    sigmoid_of_minus: "exponential",
    eps_in_the_logarithm: "a_little_added",
    minus_bce_of_probabilities: "cross_entropy_of_probabilities",
    non_saturating: "non_saturating",
    log_of_d: "log_d",
    what_the_discriminator_minimises: "discriminators_share",
    sigmoid_twice: "sigmoid_twice",
    summed: "summed",
    of_each_image: "for_each_image",
    wasserstein: "of_a_critic",
    one_minus_d: "no_logarithm",
    item: "detached",
    one_minus_outside: "one_minus_log",
    clamped_logits: "",
    mean_logit: "mean_of_logits",
    exponential: "exponential",
    labels_of_the_default_type: "",
}
