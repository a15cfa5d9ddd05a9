"""Answers to `log_prob_per_item` as students give them, written from the lecture's text alone."""

import math

import torch
from torch.nn import functional as F


def gathered(logits, levels):
    log_p = torch.log_softmax(logits, dim=1)
    own = log_p.gather(1, levels.unsqueeze(1)).squeeze(1)
    return own.sum(dim=(1, 2, 3))


def cross_entropy_each(logits, levels):
    return -F.cross_entropy(logits, levels, reduction="none").flatten(1).sum(dim=1)


def normalised_by_hand(logits, levels):
    top = logits.max(dim=1, keepdim=True).values.detach()
    shifted = logits - top
    log_z = shifted.exp().sum(dim=1).log()
    total = torch.zeros(len(levels), dtype=logits.dtype)
    for k in range(logits.shape[1]):
        here = (levels == k).to(logits.dtype)
        total = total + ((shifted[:, k] - log_z) * here).sum((1, 2, 3))
    return total


def categorical(logits, levels):
    result = []
    for ell, x in zip(logits, levels):
        distribution = torch.distributions.Categorical(logits=ell.permute(1, 2, 3, 0))
        result.append(distribution.log_prob(x).sum())
    return torch.stack(result)


def one_hot_in_float64(logits, levels):
    ell = logits.double().flatten(2)  # (N, K, CHW)
    x = F.one_hot(levels.flatten(1), logits.shape[1]).double()  # (N, CHW, K)
    own = torch.einsum("nkd,ndk->nd", ell, x)
    return (own - torch.logsumexp(ell, 1)).sum(-1)


def mean_over_pixels(logits, levels):
    log_p = F.log_softmax(logits, dim=1).gather(1, levels[:, None])
    return log_p.flatten(1).mean(dim=1)


def negative(logits, levels):
    return F.cross_entropy(logits, levels, reduction="none").sum(dim=(1, 2, 3))


def one_number_for_all(logits, levels):
    return -F.cross_entropy(logits, levels, reduction="sum")


def log_of_softmax(logits, levels):
    p = torch.softmax(logits, dim=1)
    return p.gather(1, levels[:, None]).log().flatten(1).sum(1)


def exp_without_maximum(logits, levels):
    p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    own = torch.gather(p, 1, levels[:, None])[:, 0]
    return torch.log(own).sum(dim=[1, 2, 3])


def softmax_over_pixels(logits, levels):
    log_p = F.log_softmax(logits, dim=-1)
    return log_p.gather(1, levels[:, None]).flatten(1).sum(1)


def in_bits(logits, levels):
    log_p = F.log_softmax(logits, dim=1) / math.log(2)
    return log_p.gather(1, levels[:, None]).flatten(1).sum(1)


def logits_only(logits, levels):
    return logits.gather(1, levels.unsqueeze(1)).sum(dim=(1, 2, 3, 4))


def log_of_product(logits, levels):
    p = F.softmax(logits, dim=1).gather(1, levels[:, None]).flatten(1)
    return p.prod(dim=1).log()


def one_number_for_each_channel(logits, levels):
    log_p = F.log_softmax(logits, dim=1).gather(1, levels[:, None]).squeeze(1)
    return log_p.sum(dim=(-1, -2))


def normalised_twice(logits, levels):
    p = logits.softmax(dim=1)
    return -F.cross_entropy(p, levels, reduction="none").flatten(1).sum(1)


def likeliest_level(logits, levels):
    return F.log_softmax(logits, dim=1).max(dim=1).values.flatten(1).sum(1)


def reshaped_not_permuted(logits, levels):
    N, K = logits.shape[:2]
    flat = logits.reshape(N, -1, K)
    log_p = F.log_softmax(flat, dim=-1)
    own = log_p.gather(-1, levels.reshape(N, -1, 1))
    return own.sum(dim=(1, 2))


def small_number_in_log(logits, levels):
    p = F.softmax(logits, dim=1)
    x = F.one_hot(levels, logits.shape[1]).permute(0, 4, 1, 2, 3)
    return (x * torch.log(p + 1e-8)).flatten(1).sum(dim=1)


def all_levels(logits, levels):
    return F.log_softmax(logits, dim=1).sum(dim=(1, 2, 3, 4))


def detached(logits, levels):
    total = []
    for n in range(len(levels)):
        nll = F.cross_entropy(logits[n : n + 1], levels[n : n + 1], reduction="sum")
        total.append(-nll.item())
    return torch.tensor(total)


def white_against_black(logits, levels):
    x = levels.to(logits.dtype)
    margin = logits[:, -1] - logits[:, 0]
    bce = F.binary_cross_entropy_with_logits(margin, x, reduction="none")
    return -bce.flatten(1).sum(dim=1)


def negative_mean(logits, levels):
    return F.cross_entropy(logits, levels, reduction="none").flatten(1).mean(dim=1)


def in_bits_and_log_of_softmax(logits, levels):
    p = F.softmax(logits, dim=1)
    return torch.log2(p.gather(1, levels[:, None])).flatten(1).sum(dim=1)


RIGHT = [gathered, cross_entropy_each, normalised_by_hand, categorical, one_hot_in_float64]
WRONG = {
    mean_over_pixels: "mean_of_places",
    negative: "negative",
    one_number_for_all: "sum_of_all",
    log_of_softmax: "log_of_own_probability",
    exp_without_maximum: "overflowing_softmax",
    softmax_over_pixels: "over_the_last_dimension",
    in_bits: "in_bits",
    logits_only: "not_normalised",
    log_of_product: "log_of_the_product",
    one_number_for_each_channel: "per_channel",
    normalised_twice: "softmax_twice",
    likeliest_level: "likeliest",
    reshaped_not_permuted: "viewed_not_permuted",
    small_number_in_log: "log_of_softmax_and_a_little",
    all_levels: "all_levels",
    detached: "detached",
    white_against_black: "",
    negative_mean: "negative_mean_of_places",
    in_bits_and_log_of_softmax: "in_bits log_of_own_probability",
}
