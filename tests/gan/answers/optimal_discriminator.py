"""Answers to `optimal_discriminator` as students give them, written from the lecture's text."""

import torch


def as_in_the_lecture(p_data, p_model):
    total = p_data + p_model
    nowhere = total == 0
    return torch.where(nowhere, 0.5, p_data / torch.where(nowhere, 1, total))


def nan_replaced(p_data, p_model):
    D = p_data / (p_data + p_model)
    return torch.where(torch.isnan(D), torch.full_like(D, 0.5), D)


def nan_to_num(p_data, p_model):
    return torch.nan_to_num(p_data / (p_data + p_model), nan=0.5)


def by_a_mask(p_data, p_model):
    D = torch.full_like(p_data, 0.5)
    somewhere = (p_data > 0) | (p_model > 0)
    D[somewhere] = p_data[somewhere] / (p_data[somewhere] + p_model[somewhere])
    return D


def sigmoid_of_logarithms(p_data, p_model):
    D = torch.sigmoid(torch.log(p_data) - torch.log(p_model))
    return D.masked_fill((p_data == 0) & (p_model == 0), 0.5)


def point_by_point(p_data, p_model):
    D = [
        a / (a + b) if a + b != 0 else 0.5
        for a, b in zip(p_data.flatten().tolist(), p_model.flatten().tolist(), strict=True)
    ]
    return torch.tensor(D, dtype=p_data.dtype).reshape(p_data.shape)


def formula_alone(p_data, p_model):
    return p_data / (p_data + p_model)


def eps_below(p_data, p_model, eps=1e-8):
    return p_data / (p_data + p_model + eps)


def tiny_eps_below(p_data, p_model):
    return p_data / (p_data + p_model + 1e-12)


def eps_above_and_below(p_data, p_model, eps=1e-8):
    return (p_data + eps) / (p_data + p_model + 2 * eps)


def clamped(p_data, p_model):
    return p_data / torch.clamp(p_data + p_model, min=1e-8)


def nan_to_zero(p_data, p_model):
    return torch.nan_to_num(p_data / (p_data + p_model))


def threshold(p_data, p_model):
    total = p_data + p_model
    return torch.where(total < 1e-12, torch.tensor(0.5, dtype=total.dtype), p_data / total)


def half_where_there_is_no_data(p_data, p_model):
    D = p_data / (p_data + p_model)
    D[p_data == 0] = 0.5
    return D


def probability_of_fake(p_data, p_model):
    total = p_data + p_model
    return torch.where(total == 0, 0.5, p_model / total)


def likelihood_ratio(p_data, p_model):
    return torch.nan_to_num(p_data / p_model, nan=0.5, posinf=torch.inf)


def of_the_mixture(p_data, p_model):
    mixture = (p_data + p_model) / 2
    return torch.where(mixture == 0, 0.5, p_data / mixture)


def log_ratio(p_data, p_model):
    logit = torch.log(p_data) - torch.log(p_model)
    return torch.where((p_data == 0) & (p_model == 0), 0.0, logit)


def sigmoid_of_densities(p_data, p_model):
    return torch.sigmoid(p_data - p_model)


def all_or_nothing(p_data, p_model):
    D = (p_data > p_model).to(p_data.dtype)
    D[p_data == p_model] = 0.5
    return D


def in_place(p_data, p_model):
    p_model += p_data
    p_data /= p_model
    return p_data.nan_to_num_(nan=0.5)


def one_over_one_plus_ratio(p_data, p_model):
    return torch.nan_to_num(1 / (1 + p_model / p_data), nan=0.5)


def half_and_half_of_the_difference(p_data, p_model):
    s = p_data + p_model
    return 0.5 + 0.5 * (p_data - p_model) / torch.where(s == 0, torch.ones_like(s), s)


def half_where_either_is_zero(p_data, p_model):
    some = (p_data == 0) | (p_model == 0)
    return torch.where(some, torch.tensor(0.5), p_data / (p_data + p_model))


def half_everywhere_if_any_is_empty(p_data, p_model):
    if (p_data + p_model == 0).any():
        return torch.full_like(p_data, 0.5)
    return p_data / (p_data + p_model)


def clamped_result(p_data, p_model):
    return torch.nan_to_num(p_data / (p_data + p_model), nan=0.5).clamp(1e-3, 1 - 1e-3)


RIGHT = [
    *(as_in_the_lecture, nan_replaced, nan_to_num, by_a_mask),
    *(sigmoid_of_logarithms, point_by_point),
    *(one_over_one_plus_ratio, half_and_half_of_the_difference),
]
WRONG = {
    formula_alone: "not_a_number",
    eps_below: "a_little_added",
    tiny_eps_below: "limited",
    eps_above_and_below: "a_little_added_twice",
    clamped: "limited",
    nan_to_zero: "zero_nowhere",
    threshold: "small_is_zero",
    half_where_there_is_no_data: "half_without_data",
    probability_of_fake: "of_the_model",
    likelihood_ratio: "ratio",
    of_the_mixture: "half_of_the_sum",
    log_ratio: "logit",
    sigmoid_of_densities: "sigmoid_of_difference",
    all_or_nothing: "decided",
    in_place: "in_place",
    half_where_either_is_zero: "half_without_either",
    half_everywhere_if_any_is_empty: "",
    clamped_result: "",
}
