"""Answers to `kl_divergence` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch


def mask_of_terms(p, q):
    ratio = torch.log(p / q)
    terms = p * ratio
    terms = torch.where(p == 0, torch.zeros_like(terms), terms)
    return torch.sum(terms, dim=-1)


def row_after_row(p, q):
    if q.dim() == 1:
        q = q.unsqueeze(0).repeat(p.shape[0], 1)
    result = torch.zeros(p.shape[0], dtype=p.dtype)
    for n in range(p.shape[0]):
        for k in range(p.shape[1]):
            if p[n, k] > 0:
                result[n] += p[n, k] * (torch.log(p[n, k]) - torch.log(q[n, k]))
    return result


def two_xlogys(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


def zeros_filled_in(p, q):
    kl = p * (p.log() - q.log())
    kl[kl.isnan()] = 0.0
    return kl.sum(dim=1)


def numpy_inside(p, q):
    a, b = p.numpy().astype(np.float64), np.broadcast_to(q.numpy(), p.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(a > 0, a * np.log(a / b), 0.0)
    return torch.from_numpy(terms.sum(axis=1))


def first_try(p, q):
    return (p * torch.log(p / q)).sum(dim=1)


def first_try_by_difference(p, q):
    return (p * (p.log() - q.log())).sum(-1)


def with_eps(p, q):
    eps = 1e-10
    return torch.sum(p * torch.log((p + eps) / (q + eps)), dim=1)


def with_another_eps(p, q):
    eps = 1e-7
    return (p * ((p + eps).log() - (q + eps).log())).sum(dim=1)


def clamped_before(p, q):
    p = p.clamp(min=1e-8)
    q = q.clamp(min=1e-8)
    return (p * (p / q).log()).sum(dim=1)


def log2_of_the_ratio(p, q):
    return torch.where(p > 0, p * torch.log2(p / q), 0.0).sum(dim=1)


def log10_of_the_ratio(p, q):
    return torch.where(p > 0, p * torch.log10(p / q), torch.tensor(0.0, dtype=p.dtype)).sum(1)


def the_other_way_round(p, q):
    q = q.expand_as(p)
    return torch.where(q > 0, q * (q / p).log(), 0.0).sum(dim=1)


def the_other_ratio(p, q):
    return torch.where(p > 0, p * torch.log(q / p), 0.0).sum(dim=1)


def mean_of_terms(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).mean(dim=1)


def one_number(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum()


def mean_of_the_batch(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum(dim=1).mean()


def along_the_rows(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum(dim=0)


def only_both_positive(p, q):
    keep = (p > 0) & (q > 0)
    return torch.where(keep, p * (p / q).log(), torch.zeros_like(p)).sum(dim=1)


def nan_to_num_of_everything(p, q):
    return torch.nan_to_num(p * torch.log(p / q)).sum(dim=1)


def nan_and_infinity_to_zero(p, q):
    return torch.nan_to_num(p * torch.log(p / q), nan=0.0, posinf=0.0).sum(dim=1)


def xlogy_of_the_ratio(p, q):
    return torch.xlogy(p, p / q).sum(dim=1)


def cross_entropy(p, q):
    return -torch.where(p > 0, p * q.log(), 0.0).sum(dim=1)


def no_weights(p, q):
    return torch.where(p > 0, torch.log(p / q), 0.0).sum(dim=1)


def q_by_index(p, q):
    out = []
    for i in range(len(p)):
        keep = p[i] > 0
        ratio = torch.where(keep, p[i] / q[i], 1.0)
        out.append((p[i] * ratio.log()).sum())
    return torch.stack(out)


def eps_and_bits(p, q):
    return torch.sum(p * torch.log2((p + 1e-10) / (q + 1e-10)), dim=1)


def half_of_both_ways(p, q):
    forward = torch.where(p > 0, p * (p / q).log(), 0.0).sum(dim=1)
    backward = torch.where(q > 0, q * (q / p).log(), 0.0).sum(dim=1)
    return (forward + backward) / 2


def zip_of_lists(p, q):
    return torch.tensor(
        [
            sum(a * math.log(a / b) for a, b in zip(x, y, strict=True) if a > 0)
            for x, y in zip(p.tolist(), q.expand_as(p).tolist(), strict=True)
        ]
    )


RIGHT = [mask_of_terms, row_after_row, two_xlogys, zeros_filled_in, numpy_inside]
WRONG = {
    first_try: "nan_without_p",
    first_try_by_difference: "nan_without_p",
    with_eps: "a_little_added",
    with_another_eps: "a_little_added",
    clamped_before: "a_little_added",
    log2_of_the_ratio: "in_bits",
    log10_of_the_ratio: "base_10",
    the_other_way_round: "exchanged",
    the_other_ratio: "negative",
    mean_of_terms: "mean_over_classes",
    one_number: "sum_of_all",
    mean_of_the_batch: "mean_over_rows",
    along_the_rows: "sum_over_rows",
    only_both_positive: "without_q_left_out",
    nan_to_num_of_everything: "infinity_taken_away",
    nan_and_infinity_to_zero: "without_q_left_out",
    xlogy_of_the_ratio: "nan_without_both",
    cross_entropy: "cross_entropy",
    no_weights: "not_weighted",
    q_by_index: "q_per_row",
    eps_and_bits: "in_bits a_little_added",
    half_of_both_ways: "symmetric",
    zip_of_lists: "",
}
