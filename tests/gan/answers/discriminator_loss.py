"""Answers to `discriminator_loss` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn


def softplus(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def logsigmoid(real_logits, fake_logits):
    return -F.logsigmoid(real_logits).mean() - F.logsigmoid(-fake_logits).mean()


def cross_entropy_with_logits(real_logits, fake_logits):
    criterion = nn.BCEWithLogitsLoss()
    loss_real = criterion(real_logits, torch.ones_like(real_logits))
    loss_fake = criterion(fake_logits, torch.zeros_like(fake_logits))
    return loss_real + loss_fake


def own_stable_formula(real_logits, fake_logits):
    def bce(x, y):
        return x.clamp(min=0) - x * y + torch.log1p(torch.exp(-x.abs()))

    return bce(real_logits, 1.0).mean() + bce(fake_logits, 0.0).mean()


def labels_concatenated(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    labels = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    return F.binary_cross_entropy_with_logits(logits, labels)


def labels_concatenated_and_doubled(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    labels = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    return 2 * F.binary_cross_entropy_with_logits(logits, labels)


def half_of_both(real_logits, fake_logits):
    loss_real = F.binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))
    loss_fake = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    return (loss_real + loss_fake) / 2


def as_the_formula_says(real_logits, fake_logits):
    D_real, D_fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    return -(torch.log(D_real).mean() + torch.log(1 - D_fake).mean())


def eps_in_the_logarithm(real_logits, fake_logits):
    D_real, D_fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    return -torch.mean(torch.log(D_real + 1e-8)) - torch.mean(torch.log(1 - D_fake + 1e-8))


def bce_of_probabilities(real_logits, fake_logits):
    bce = nn.BCELoss()
    real, fake = real_logits.sigmoid(), fake_logits.sigmoid()
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def sigmoid_and_bce_with_logits(real_logits, fake_logits):
    real, fake = real_logits.sigmoid(), fake_logits.sigmoid()
    loss = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    return loss + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


def fakes_with_ones(real_logits, fake_logits):
    return -F.logsigmoid(real_logits).mean() - F.logsigmoid(fake_logits).mean()


def labels_the_wrong_way_round(real_logits, fake_logits):
    bce = F.binary_cross_entropy_with_logits
    loss = bce(real_logits, torch.zeros_like(real_logits))
    return loss + bce(fake_logits, torch.ones_like(fake_logits))


def no_minus(real_logits, fake_logits):
    return F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean()


def added_before_the_mean(real_logits, fake_logits):
    return -(F.logsigmoid(real_logits) + F.logsigmoid(-fake_logits)).mean()


def sums(real_logits, fake_logits):
    bce = nn.BCEWithLogitsLoss(reduction="sum")
    loss = bce(real_logits, torch.ones_like(real_logits))
    return loss + bce(fake_logits, torch.zeros_like(fake_logits))


def smooth_labels(real_logits, fake_logits):
    bce = F.binary_cross_entropy_with_logits
    loss = bce(real_logits, torch.full_like(real_logits, 0.9))
    return loss + bce(fake_logits, torch.zeros_like(fake_logits))


def wasserstein(real_logits, fake_logits):
    return torch.mean(fake_logits) - torch.mean(real_logits)


def detaches_fakes(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits.detach()).mean()


def item(real_logits, fake_logits):
    return (F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()).item()


def one_minus_outside(real_logits, fake_logits):
    return -(F.logsigmoid(real_logits).mean() + (1 - F.logsigmoid(fake_logits)).mean())


def hinge(real_logits, fake_logits):
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def half_and_from_probabilities(real_logits, fake_logits):
    D_real, D_fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    return -(torch.log(D_real).mean() + torch.log(1 - D_fake).mean()) / 2


def two_class_cross_entropy(real_logits, fake_logits):
    real = torch.stack([torch.zeros_like(real_logits), real_logits], dim=1)
    fake = torch.stack([torch.zeros_like(fake_logits), fake_logits], dim=1)
    of_real = F.cross_entropy(real, torch.ones(len(real), dtype=torch.long))
    return of_real + F.cross_entropy(fake, torch.zeros(len(fake), dtype=torch.long))


def exponentials(real_logits, fake_logits):
    of_real = torch.log(1 + torch.exp(-real_logits)).mean()
    return of_real + torch.log(1 + torch.exp(fake_logits)).mean()


def labels_of_the_default_type(real_logits, fake_logits):
    criterion = nn.BCEWithLogitsLoss()
    real_label = torch.ones(real_logits.size(0))
    fake_label = torch.zeros(fake_logits.size(0))
    return criterion(real_logits, real_label) + criterion(fake_logits, fake_label)


def clamped_logits(real_logits, fake_logits):
    real, fake = real_logits.clamp(-50, 50), fake_logits.clamp(-50, 50)
    return F.softplus(-real).mean() + F.softplus(fake).mean()


RIGHT = [softplus, logsigmoid, cross_entropy_with_logits, own_stable_formula]
WRONG = {
    labels_concatenated: "one_mean",
    labels_concatenated_and_doubled: "",
    half_of_both: "halved",
    as_the_formula_says: "from_probabilities",
    eps_in_the_logarithm: "a_little_added",
    bce_of_probabilities: "cross_entropy_of_probabilities",
    sigmoid_and_bce_with_logits: "sigmoid_twice",
    fakes_with_ones: "all_real",
    labels_the_wrong_way_round: "exchanged",
    no_minus: "value",
    added_before_the_mean: "pair_by_pair",
    sums: "summed",
    smooth_labels: "smoothed",
    wasserstein: "of_a_critic",
    detaches_fakes: "fake_detached",
    item: "detached",
    one_minus_outside: "one_minus_log",
    hinge: "",
    half_and_from_probabilities: "halved from_probabilities",
    exponentials: "exponentials",
    labels_of_the_default_type: "",
    clamped_logits: "",
}
