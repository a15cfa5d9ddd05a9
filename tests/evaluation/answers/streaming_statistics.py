"""Answers to `streaming_statistics` as students give them, written from the lecture's text alone."""

import numpy as np
import torch


def merge(first, second):
    """Merge moments, as in the exercise before."""
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    num = max(N + M, 1)
    delta = mean_2 - mean_1
    between = torch.outer(delta, delta) * N * M / num
    return N + M, mean_1 + delta * M / num, scatter_1 + scatter_2 + between


def merged_batch_by_batch(batches):
    total = None
    for batch in batches:
        x = batch.to(torch.float64)
        if x.shape[0] == 0:
            continue
        mean = x.mean(dim=0)
        new = (x.shape[0], mean, (x - mean).t() @ (x - mean))
        total = merge(total, new) if total else new
    return total[1], total[2] / (total[0] - 1)


def two_sums(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n += len(x)
        s = s + x.sum(0)
        ss = ss + x.T @ x
    mean = s / n
    return mean, (ss - n * torch.outer(mean, mean)) / (n - 1)


def welford(batches):
    n, mean, scatter = 0, None, None
    for batch in batches:
        for x in batch.double():
            n += 1
            if mean is None:
                mean = torch.zeros_like(x)
                scatter = torch.zeros(len(x), len(x), dtype=torch.float64)
            delta = x - mean
            mean = mean + delta / n
            scatter = scatter + torch.outer(delta, x - mean)
    return mean, scatter / (n - 1)


def numpy_sums(batches):
    n, s, ss = 0, 0.0, 0.0
    for batch in batches:
        x = batch.numpy().astype(np.float64)
        n, s, ss = n + len(x), s + x.sum(axis=0), ss + x.T @ x
    mean = s / n
    return torch.tensor(mean), torch.tensor((ss - n * np.outer(mean, mean)) / (n - 1))


def everything_in_a_list(batches):
    features = torch.cat(list(batches)).double()
    mean = features.mean(dim=0)
    return mean, (features - mean).T @ (features - mean) / (len(features) - 1)


def grows_by_cat(batches):
    features = None
    for batch in batches:
        batch = batch.double()
        features = batch if features is None else torch.cat([features, batch], dim=0)
    centred = features - features.mean(dim=0)
    return features.mean(dim=0), centred.T @ centred / (len(features) - 1)


def mean_first_then_covariance(batches):
    n, s = 0, 0
    for batch in batches:
        n += len(batch)
        s = s + batch.double().sum(dim=0)
    mean = s / n
    scatter = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for batch in batches:
        x = batch.double() - mean
        scatter += x.T @ x
    return mean, scatter / (n - 1)


def divided_by_n(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n, s, ss = n + len(x), s + x.sum(0), ss + x.T @ x
    mean = s / n
    return mean, ss / n - torch.outer(mean, mean)


def n_minus_one_once(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n, s, ss = n + len(x), s + x.sum(0), ss + x.T @ x
    mean = s / n
    return mean, ss / (n - 1) - torch.outer(mean, mean)


def in_float32(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        n, s, ss = n + len(batch), s + batch.sum(0), ss + batch.T @ batch
    mean = s / n
    return mean, (ss - n * torch.outer(mean, mean)) / (n - 1)


def double_at_the_end(batches):
    total = None
    for batch in batches:
        x = batch.float()
        mean = x.sum(dim=0) / max(len(x), 1)
        new = (len(x), mean, (x - mean).T @ (x - mean))
        total = merge(total, new) if total else new
    return total[1].double(), (total[2] / (total[0] - 1)).double()


def without_double(batches):
    total = None
    for x in batches:
        mean = x.sum(dim=0) / max(len(x), 1)
        new = (len(x), mean, (x - mean).T @ (x - mean))
        total = merge(total, new) if total else new
    return total[1], total[2] / (total[0] - 1)


def means_of_means(batches):
    means, covs = [], []
    for batch in batches:
        means.append(batch.double().mean(dim=0))
        covs.append(torch.cov(batch.double().T))
    return torch.stack(means).mean(dim=0), torch.stack(covs).mean(dim=0)


def scatters_added(batches):
    n, s, scatter = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n, s = n + len(x), s + x.sum(dim=0)
        centred = x - x.mean(dim=0)
        scatter = scatter + centred.T @ centred
    return s / n, scatter / (n - 1)


def centred_at_the_mean_so_far(batches):
    n, s, scatter = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n, s = n + len(x), s + x.sum(dim=0)
        if n:
            scatter = scatter + (x - s / n).T @ (x - s / n)
    return s / n, scatter / (n - 1)


def running_mean_by_halves(batches):
    total = None
    for batch in batches:
        x = batch.double()
        mean = x.sum(dim=0) / max(len(x), 1)
        new = (len(x), mean, (x - mean).T @ (x - mean))
        if total is None:
            total = new
        else:
            num, _, scatter = merge(total, new)
            total = num, (total[1] + mean) / 2, scatter
    return total[1], total[2] / (total[0] - 1)


def covariance_of_torch(batches):
    total = None
    for batch in batches:
        n = len(batch)
        if n == 0:
            continue
        x = batch.double()
        D = x.shape[1]
        new = (n, x.mean(dim=0), torch.cov(x.T).view(D, D) * (n - 1))
        total = merge(total, new) if total else new
    return total[1], total[2] / (total[0] - 1)


def mean_of_an_empty_batch(batches):
    total = None
    for batch in batches:
        x = batch.double()
        mean = x.mean(dim=0)
        new = (len(x), mean, (x - mean).T @ (x - mean))
        total = merge(total, new) if total else new
    return total[1], total[2] / (total[0] - 1)


def mean_and_cov_of_torch(batches):
    total = None
    for batch in batches:
        x = batch.double()
        n, D = x.shape
        new = (n, x.mean(dim=0), torch.cov(x.T).view(D, D) * (n - 1))
        total = merge(total, new) if total else new
    return total[1], total[2] / (total[0] - 1)


def forgets_to_divide(batches):
    total = None
    for batch in batches:
        x = batch.double()
        mean = x.sum(dim=0) / max(len(x), 1)
        new = (len(x), mean, (x - mean).T @ (x - mean))
        total = merge(total, new) if total else new
    return total[1], total[2]


def second_moment(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n, s, ss = n + len(x), s + x.sum(0), ss + x.T @ x
    return s / n, ss / (n - 1)


def overwrites(batches):
    for batch in batches:
        x = batch.double()
        mean = x.sum(dim=0) / max(len(x), 1)
        covariance = (x - mean).T @ (x - mean) / (len(x) - 1)
    return mean, covariance


def variance_per_dimension(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        x = batch.double()
        n, s, ss = n + len(x), s + x.sum(0), ss + (x**2).sum(0)
    mean = s / n
    return mean, (ss - n * mean**2) / (n - 1)


def in_float32_and_divided_by_n(batches):
    n, s, ss = 0, 0, 0
    for batch in batches:
        n, s, ss = n + len(batch), s + batch.sum(0), ss + batch.T @ batch
    mean = s / n
    return mean, ss / n - torch.outer(mean, mean)


def length_is_asked_for(batches):
    mean = sum(batch.double().mean(dim=0) for batch in batches) / len(batches)
    return mean, torch.zeros(len(mean), len(mean), dtype=torch.float64)


def shifted_by_a_first_guess(batches):
    n, guess = 0, None
    for batch in batches:
        if len(batch) == 0:
            continue
        if guess is None:
            guess = batch.double().mean(dim=0)
            s, ss = torch.zeros_like(guess), torch.zeros(len(guess), len(guess)).double()
        x = batch.double() - guess
        n, s, ss = n + len(x), s + x.sum(0), ss + x.T @ x
    return guess + s / n, (ss - torch.outer(s, s) / n) / (n - 1)


def float_at_the_end(batches):
    mean, covariance = merged_batch_by_batch(batches)
    return mean.float(), covariance.float()


def covariance_as_float(batches):
    mean, covariance = merged_batch_by_batch(batches)
    return mean, covariance.float()


def centred_in_place(batches):
    total = None
    for batch in batches:
        x = batch.double()
        mean = x.sum(dim=0) / max(len(x), 1)
        x -= mean
        new = (len(x), mean, x.T @ x)
        total = merge(total, new) if total else new
    return total[1], total[2] / (total[0] - 1)


def copies_of_numpy(batches):
    kept = [batch.numpy().astype(np.float64) for batch in batches]
    n = sum(len(x) for x in kept)
    mean = sum(x.sum(axis=0) for x in kept) / n
    scatter = sum((x - mean).T @ (x - mean) for x in kept)
    return torch.from_numpy(mean), torch.from_numpy(np.atleast_2d(scatter / (n - 1)))


def clones_gone_through_twice(batches):
    kept = [batch.double().clone() for batch in batches]
    n = sum(len(x) for x in kept)
    mean = sum(x.sum(dim=0) for x in kept) / n
    return mean, sum((x - mean).T @ (x - mean) for x in kept) / (n - 1)


RIGHT = [merged_batch_by_batch, welford, shifted_by_a_first_guess]
WRONG = {
    two_sums: "sums_of_squares",
    numpy_sums: "sums_of_squares",
    float_at_the_end: "rounded_at_the_end",
    covariance_as_float: "covariance_rounded",
    centred_in_place: "in_place",
    everything_in_a_list: "all_kept",
    copies_of_numpy: "all_kept",
    clones_gone_through_twice: "all_kept",
    grows_by_cat: "all_kept",
    mean_first_then_covariance: "twice",
    divided_by_n: "biased sums_of_squares",
    n_minus_one_once: "two_divisors sums_of_squares",
    in_float32: "sums_of_float32 sums_of_squares",
    double_at_the_end: "float32",
    without_double: "float32",
    means_of_means: "averages_of_batches nan_of_an_empty_batch nan_of_one_feature",
    scatters_added: "nothing_between",
    centred_at_the_mean_so_far: "centred_at_the_mean_so_far",
    running_mean_by_halves: "halfway",
    covariance_of_torch: "nan_of_one_feature",
    mean_of_an_empty_batch: "nan_of_an_empty_batch",
    mean_and_cov_of_torch: "nan_of_an_empty_batch nan_of_one_feature",
    forgets_to_divide: "not_divided",
    second_moment: "not_centred",
    overwrites: "last_batch",
    variance_per_dimension: "variances sums_of_squares",
    in_float32_and_divided_by_n: "biased sums_of_float32 sums_of_squares",
    length_is_asked_for: "",
}
