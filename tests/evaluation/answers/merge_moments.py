"""Answers to `merge_moments` as students give them, written from the lecture's text alone."""

import numpy as np
import torch


def by_the_formula(first, second):
    n, m1, S1 = first
    m, m2, S2 = second
    if n + m == 0:
        return 0, m1.clone(), S1.clone()
    delta = m2 - m1
    mean = m1 + delta * m / (n + m)
    return n + m, mean, S1 + S2 + torch.outer(delta, delta) * n * m / (n + m)


def case_by_case(first, second):
    if not first[0]:
        return second
    if not second[0]:
        return first
    N, M = first[0], second[0]
    mean = (N * first[1] + M * second[1]) / (N + M)
    d1, d2 = first[1] - mean, second[1] - mean
    scatter = first[2] + N * d1[:, None] * d1[None] + second[2] + M * d2[:, None] * d2[None]
    return N + M, mean, scatter


def by_second_moments(first, second):
    total, vector, matrix = 0, 0, 0
    for num, mean, scatter in (first, second):
        total += num
        vector = vector + num * mean
        matrix = matrix + scatter + num * torch.outer(mean, mean)
    mean = vector / max(total, 1)
    return total, mean, matrix - total * torch.outer(mean, mean)


def in_numpy(first, second):
    N, M = first[0], second[0]
    num = N + M
    d = second[1].numpy() - first[1].numpy()
    mean = first[1].numpy() + (d * M / num if num else 0)
    scatter = first[2].numpy() + second[2].numpy() + (N * M / num * np.outer(d, d) if num else 0)
    return num, torch.from_numpy(mean), torch.from_numpy(scatter)


def only_added(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2


def mean_of_means(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_2 - mean_1
    between = torch.outer(delta, delta) * N * M / max(N + M, 1)
    return N + M, (mean_1 + mean_2) / 2, scatter_1 + scatter_2 + between


def crossed(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_1 - mean_2
    num = max(N + M, 1)
    mean = mean_1 * M / num + mean_2 * N / num
    return N + M, mean, scatter_1 + scatter_2 + torch.outer(delta, delta) * (N * M / num)


def no_factor(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_1 - mean_2
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2 + torch.outer(delta, delta)


def forgot_to_divide(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_1 - mean_2
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2 + N * M * torch.outer(delta, delta)


def as_for_a_covariance(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    num = max(N + M, 1)
    p, q = N / num, M / num
    delta = mean_1 - mean_2
    scatter = scatter_1 + scatter_2 + p * q * torch.outer(delta, delta)
    return N + M, p * mean_1 + q * mean_2, scatter


def as_a_mixture(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    num = max(N + M, 1)
    delta = mean_1 - mean_2
    between = torch.outer(delta, delta) * N * M / num
    scatter = N / num * scatter_1 + M / num * scatter_2 + between
    return N + M, (N * mean_1 + M * mean_2) / num, scatter


def times_the_number(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_1 - mean_2
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2 + (N + M) * torch.outer(delta, delta)


def dot(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_1 - mean_2
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2 + delta @ delta * N * M / max(N + M, 1)


def squared(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    scatter = scatter_1 + scatter_2 + (mean_1 - mean_2) ** 2 * N * M / max(N + M, 1)
    return N + M, mean, scatter


def returns_a_covariance(first, second):
    num, mean, scatter = by_the_formula(first, second)
    return num, mean, scatter / max(num - 1, 1)


def by_way_of_covariances(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    num = max(N + M, 1)
    mean = (N * mean_1 + M * mean_2) / num
    second_moment_1 = scatter_1 / N + torch.outer(mean_1, mean_1)
    second_moment_2 = scatter_2 / M + torch.outer(mean_2, mean_2)
    second_moment = (N * second_moment_1 + M * second_moment_2) / num
    return N + M, mean, num * (second_moment - torch.outer(mean, mean))


def weights_in_a_tensor(first, second):
    weights = torch.tensor([first[0], second[0]]) / max(first[0] + second[0], 1)
    delta = second[1] - first[1]
    between = first[0] * weights[1] * torch.outer(delta, delta)
    return first[0] + second[0], first[1] + weights[1] * delta, first[2] + second[2] + between


def adds_in_place(first, second):
    N, mean, scatter = first
    M, mean_2, scatter_2 = second
    delta = mean_2 - mean
    mean += delta * M / max(N + M, 1)
    scatter += scatter_2 + torch.outer(delta, delta) * N * M / max(N + M, 1)
    return N + M, mean, scatter


def zero_by_zero(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_2 - mean_1
    mean = (N * mean_1 + M * mean_2) / (N + M)
    return N + M, mean, scatter_1 + scatter_2 + torch.outer(delta, delta) * N * M / (N + M)


def mean_of_means_and_only_added(first, second):
    return first[0] + second[0], (first[1] + second[1]) / 2, first[2] + second[2]


def harmonic_mean_of_numbers(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    delta = mean_2 - mean_1
    mean = mean_1 + delta * M / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2 + torch.outer(delta, delta) / (1 / N + 1 / M)


def one_step_only(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    mean = (N * mean_1 + M * mean_2) / max(N + M, 1)
    return N + M, mean, scatter_1 + scatter_2 + M * torch.outer(mean_2 - mean, mean_2 - mean)


RIGHT = [by_the_formula, case_by_case, by_second_moments, in_numpy]
WRONG = {
    only_added: "nothing_between",
    mean_of_means: "means_unweighted",
    crossed: "weights_exchanged",
    no_factor: "factor_missing",
    forgot_to_divide: "not_divided",
    as_for_a_covariance: "divided_twice",
    as_a_mixture: "scatters_averaged",
    times_the_number: "factor_of_all",
    dot: "inner_product",
    squared: "elementwise",
    returns_a_covariance: "covariance",
    by_way_of_covariances: "nan_without_features",
    weights_in_a_tensor: "float32_on_the_way",
    adds_in_place: "in_place",
    zero_by_zero: "",
    mean_of_means_and_only_added: "averaged_and_added",
    harmonic_mean_of_numbers: "",
    one_step_only: "",
}
