"""Answers to `inception_score` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def kl(p, q):
    """Return KL(p ‖ q) of each row, as in the exercise before."""
    return torch.where(p > 0, p * torch.log(p / q), 0.0).sum(dim=1)


def with_my_own_kl(probs):
    return torch.exp(torch.mean(kl(probs, torch.mean(probs, dim=0))))


def usual_eps(probs):
    eps = 1e-10
    p_y = probs.mean(0, keepdim=True)
    divergence = probs * (torch.log(probs + eps) - torch.log(p_y + eps))
    return divergence.sum(1).mean().exp()


def image_by_image(probs):
    p_y = torch.stack(list(probs)).mean(dim=0)
    total = 0.0
    for row in probs:
        seen = row > 0
        total += (row[seen] * torch.log(row[seen] / p_y[seen])).sum().item()
    return math.exp(total / len(probs))


def numpy_inside(probs):
    p = probs.numpy().astype("float64")
    m = p.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(p * np.log(p / m))
    return torch.tensor(np.exp(terms.sum(axis=1).mean()))


def no_zeros_thought_of(probs):
    p_y = probs.mean(dim=0)
    return (probs * torch.log(probs / p_y)).sum(dim=1).mean().exp()


def no_exp_at_the_end(probs):
    return kl(probs, probs.mean(dim=0)).mean()


def exp_of_each(probs):
    return kl(probs, probs.mean(dim=0)).exp().mean()


def sum_over_everything(probs):
    return kl(probs, probs.mean(dim=0)).sum().exp()


def mean_over_everything(probs):
    p_y = probs.mean(dim=0, keepdim=True)
    return torch.where(probs > 0, probs * (probs / p_y).log(), 0.0).mean().exp()


def no_mean(probs):
    return torch.exp(kl(probs, probs.mean(dim=0)))


def mean_along_classes(probs):
    return kl(probs, probs.mean(dim=1, keepdim=True)).mean().exp()


def mean_along_classes_without_keepdim(probs):
    return kl(probs, probs.mean(dim=1)).mean().exp()


def uniform(probs):
    K = probs.shape[1]
    return kl(probs, torch.full((K,), 1 / K, dtype=probs.dtype)).mean().exp()


def entropy_of_predictions(probs):
    H = -torch.where(probs > 0, probs * probs.log(), 0.0).sum(dim=1)
    return H.mean().exp()


def entropy_of_the_marginal(probs):
    p_y = probs.mean(dim=0)
    return torch.exp(-(p_y[p_y > 0] * p_y[p_y > 0].log()).sum())


def entropies_in_the_wrong_order(probs):
    H_y = torch.special.entr(probs.mean(dim=0)).sum()
    return (torch.special.entr(probs).sum(dim=1).mean() - H_y).exp()


def marginal_first(probs):
    p_y = probs.mean(dim=0, keepdim=True).expand_as(probs)
    return kl(p_y, probs).mean().exp()


def base_two_inside(probs):
    p_y = probs.mean(dim=0)
    bits = torch.where(probs > 0, probs * torch.log2(probs / p_y), 0.0).sum(dim=1)
    return bits.mean().exp()


def base_two_outside(probs):
    return 2 ** kl(probs, probs.mean(dim=0)).mean()


def xlogy_of_the_ratio(probs):
    return torch.xlogy(probs, probs / probs.mean(dim=0)).sum(dim=1).mean().exp()


def torchs_kl_div(probs):
    p_y = probs.mean(dim=0, keepdim=True).expand_as(probs)
    return F.kl_div(p_y.log(), probs, reduction="batchmean").exp()


def softmax_first(probs):
    p = F.softmax(probs, dim=1)
    return kl(p, p.mean(dim=0)).mean().exp()


def ten_splits(probs):
    scores = [kl(part, part.mean(dim=0)).mean().exp() for part in torch.chunk(probs, 10)]
    return torch.stack(scores).mean()


def hard_labels(probs):
    p = F.one_hot(probs.argmax(dim=1), probs.shape[1]).to(probs.dtype)
    return kl(p, p.mean(dim=0)).mean().exp()


def sum_of_rows(probs):
    return kl(probs, probs.sum(dim=0)).mean().exp()


def splits_and_mean_of_exp(probs):
    scores = [kl(part, part.mean(dim=0)).exp().mean() for part in probs.split(4)]
    return torch.stack(scores).mean()


def in_the_shape_of_a_row(probs):
    return kl(probs, probs.mean(dim=0)).mean(dim=0, keepdim=True).exp()


RIGHT = [with_my_own_kl, usual_eps, image_by_image, numpy_inside]
WRONG = {
    no_zeros_thought_of: "nan_without_p",
    no_exp_at_the_end: "no_exp",
    exp_of_each: "mean_of_exp",
    sum_over_everything: "exp_of_sum",
    mean_over_everything: "mean_over_classes",
    no_mean: "per_image",
    mean_along_classes: "uniform_marginal",
    mean_along_classes_without_keepdim: "marginal_over_classes",
    uniform: "uniform_marginal",
    entropy_of_predictions: "entropy_of_rows",
    entropy_of_the_marginal: "entropy_of_marginal",
    entropies_in_the_wrong_order: "negative",
    marginal_first: "exchanged",
    base_two_inside: "log2_with_exp",
    base_two_outside: "log_with_exp2",
    xlogy_of_the_ratio: "nan_without_both",
    torchs_kl_div: "nan_without_both",
    softmax_first: "softmax_again",
    ten_splits: "ten_parts",
    hard_labels: "most_probable",
    sum_of_rows: "sum_for_marginal",
    splits_and_mean_of_exp: "",
    in_the_shape_of_a_row: "",
}
