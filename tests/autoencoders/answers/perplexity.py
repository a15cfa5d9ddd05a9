"""Answers to `perplexity` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def small_number_in_the_logarithm(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts += torch.bincount(batch.reshape(-1), minlength=num_codes)
    p = counts / counts.sum().clamp(min=1)
    return torch.exp(-torch.sum(p * torch.log(p + 1e-10)))


def plain_dictionary(batches, num_codes):
    counts = {}
    for batch in batches:
        for k in batch.flatten().tolist():
            counts[k] = counts.get(k, 0) + 1
    total = sum(counts.values())
    return math.exp(sum(n / total * math.log(total / n) for n in counts.values()))


def entropy_of_categorical(batches, num_codes):
    everything = torch.cat([batch.flatten() for batch in batches])
    if everything.numel() == 0:
        return torch.tensor(1.0)
    counts = torch.stack([(everything == k).sum() for k in range(num_codes)])
    return torch.distributions.Categorical(probs=counts.double()).entropy().exp()


def product_of_powers(batches, num_codes):
    everything = np.concatenate([batch.numpy().ravel() for batch in batches])
    if len(everything) == 0:
        return 1.0
    _, counts = np.unique(everything, return_counts=True)
    p = counts / counts.sum()
    return float(np.prod(p**-p))


def sizes_and_their_logarithms(batches, num_codes):
    n = torch.zeros(num_codes, dtype=torch.float64)
    for batch in batches:
        flat = batch.flatten()
        n.scatter_add_(0, flat, torch.ones(len(flat), dtype=torch.float64))
    total = n.sum()
    if total == 0:
        return 1.0
    return (total.log() - torch.xlogy(n, n).sum() / total).exp().item()


def mean_of_batch_perplexities(batches, num_codes):
    values = []
    for batch in batches:
        if batch.numel() == 0:
            continue
        counts = torch.bincount(batch.flatten(), minlength=num_codes)
        p = counts[counts > 0] / counts.sum()
        values.append((-(p * p.log()).sum()).exp())
    return torch.stack(values).mean() if values else 1.0


def mean_of_batch_entropies(batches, num_codes):
    entropies = []
    for batch in batches:
        p = torch.bincount(batch.flatten(), minlength=num_codes) / max(batch.numel(), 1)
        entropies.append(-torch.xlogy(p, p).sum())
    return torch.stack(entropies).mean().exp()


def mean_of_batch_shares(batches, num_codes):
    p = torch.zeros(num_codes)
    batches = [b for b in batches if b.numel() > 0]
    for batch in batches:
        p += F.one_hot(batch.flatten(), num_codes).float().mean(dim=0) / len(batches)
    p = p[p > 0]
    return torch.exp(-(p * p.log()).sum())


def zero_times_log_of_zero(batches, num_codes):
    counts = sum(torch.bincount(b.flatten(), minlength=num_codes) for b in batches)
    p = counts / counts.sum()
    return torch.exp(-(p * torch.log(p)).sum())


def nan_without_indices(batches, num_codes):
    counts = sum(torch.bincount(b.flatten(), minlength=num_codes) for b in batches)
    p = counts / counts.sum()
    return torch.exp(-(p * torch.log(p + 1e-10)).sum())


def entropy_without_exp(batches, num_codes):
    counts = sum(torch.bincount(b.flatten(), minlength=num_codes) for b in batches)
    p = counts[counts > 0] / counts.sum()
    return -(p * p.log()).sum()


def bits_and_exp(batches, num_codes):
    counts = sum(torch.bincount(b.flatten(), minlength=num_codes) for b in batches)
    p = counts[counts > 0] / counts.sum()
    return torch.exp(-(p * p.log2()).sum())


def minus_forgotten(batches, num_codes):
    counts = sum(torch.bincount(b.flatten(), minlength=num_codes) for b in batches)
    p = counts[counts > 0] / counts.sum()
    return torch.exp((p * p.log()).sum())


def number_of_codes_used(batches, num_codes):
    indices = torch.cat([b.flatten() for b in batches])
    return float(max(len(indices.unique()), 1))


def last_batch_only(batches, num_codes):
    for batch in batches:
        counts = torch.bincount(batch.flatten(), minlength=num_codes)
    p = counts[counts > 0] / counts.sum()
    return (-(p * p.log()).sum()).exp()


def repeated_indices_counted_once(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts[batch.flatten()] += 1
    p = counts[counts > 0] / counts.sum()
    return (-(p * p.log()).sum()).exp()


def flatten_forgotten(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts += torch.bincount(batch, minlength=num_codes)
    p = counts[counts > 0] / counts.sum()
    return (-(p * p.log()).sum()).exp()


def stacked_batches(batches, num_codes):
    indices = torch.stack(batches).flatten()
    counts = torch.bincount(indices, minlength=num_codes)
    p = counts[counts > 0] / counts.sum()
    return (-(p * p.log()).sum()).exp()


def minlength_forgotten(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts += torch.bincount(batch.flatten())
    p = counts[counts > 0] / counts.sum()
    return (-(p * p.log()).sum()).exp()


def batch_means_and_nan_for_empty_batch(batches, num_codes):
    total = 0
    for batch in batches:
        p = torch.bincount(batch.flatten(), minlength=num_codes) / batch.numel()
        total = total + torch.exp(-(p * torch.log(p + 1e-10)).sum())
    return total / len(batches)


def bits_without_power_and_zeros(batches, num_codes):
    indices = torch.cat([b.flatten() for b in batches])
    p = torch.bincount(indices, minlength=num_codes) / len(indices)
    return -(p * torch.log2(p)).sum()


RIGHT = [
    small_number_in_the_logarithm,
    plain_dictionary,
    entropy_of_categorical,
    product_of_powers,
    sizes_and_their_logarithms,
]
WRONG = {
    mean_of_batch_perplexities: "mean_of_perplexities",
    mean_of_batch_entropies: "mean_of_entropies",
    mean_of_batch_shares: "mean_of_shares",
    zero_times_log_of_zero: "unused_stay",
    nan_without_indices: "",
    entropy_without_exp: "entropy_itself",
    bits_and_exp: "log2_with_exp",
    minus_forgotten: "sign_lost",
    number_of_codes_used: "used_codes",
    last_batch_only: "last_batch",
    repeated_indices_counted_once: "once_in_a_batch",
    flatten_forgotten: "not_flattened",
    stacked_batches: "stacked",
    minlength_forgotten: "without_minlength",
    batch_means_and_nan_for_empty_batch: "mean_of_perplexities",
    bits_without_power_and_zeros: "entropy_itself unused_stay",
}
