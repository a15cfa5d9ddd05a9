"""Answers to `at_temperature` as students give them, written from the lecture's text alone."""

import numpy as np
import torch
from torch.nn import functional as F


def two_cases(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature: expected 0 or more, got {temperature}")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).to(logits.dtype)
    return F.softmax(logits / temperature, dim=1)


def distance_from_the_largest(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature is negative")
    top = logits.max(dim=-1, keepdim=True)
    if not temperature:
        return torch.zeros_like(logits).scatter(-1, top.indices, 1.0)
    weights = ((logits - top.values) / temperature).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def numpy_in_float64(logits, temperature):
    if temperature < 0:
        raise ValueError(temperature)
    z = logits.detach().numpy().astype(np.float64)
    if temperature == 0:
        p = np.zeros_like(z)
        p[np.arange(len(z)), z.argmax(axis=1)] = 1
    else:
        z = (z - z.max(axis=1, keepdims=True)) / temperature
        p = np.exp(z)
        p /= p.sum(axis=1, keepdims=True)
    return torch.from_numpy(p)


def row_by_row(logits, temperature):
    if not temperature >= 0:
        raise ValueError("a temperature must not be negative")
    rows = []
    for row in logits:
        if temperature == 0:
            p = torch.zeros_like(row)
            p[int(row.argmax())] = 1
        else:
            p = torch.softmax(row / temperature, dim=0)
        rows.append(p)
    return torch.stack(rows)


def powers_by_logarithms(logits, temperature):
    if temperature < 0.0:
        raise ValueError("expected a temperature of at least 0")
    log_p = logits.log_softmax(dim=1)
    if temperature == 0:
        largest = log_p == log_p.amax(dim=1, keepdim=True)
        return (largest & (largest.cumsum(dim=1) == 1)).float()
    scaled = log_p / temperature
    return torch.exp(scaled - torch.logsumexp(scaled, dim=1, keepdim=True))


def multiplied(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    return F.softmax(logits * temperature, dim=1)


def zero_forgotten(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    return torch.softmax(logits / temperature, dim=1)


def small_instead_of_zero(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    return F.softmax(logits / max(temperature, 1e-8), dim=-1)


def small_number_added(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    return F.softmax(logits / (temperature + 1e-6), dim=1)


def equals_share(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        top = (logits == logits.max(dim=1, keepdim=True).values).float()
        return top / top.sum(dim=1, keepdim=True)
    return F.softmax(logits / temperature, dim=1)


def one_for_all_equals(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return (logits >= logits.amax(1, keepdim=True)).to(logits.dtype)
    return F.softmax(logits / temperature, dim=1)


def last_of_equals(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        p = torch.zeros_like(logits)
        for n, row in enumerate(logits):
            best = 0
            for k in range(len(row)):
                if row[k] >= row[best]:
                    best = k
            p[n, best] = 1
        return p
    return F.softmax(logits / temperature, dim=1)


def no_error(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    return F.softmax(logits / temperature, dim=1)


def assertion(logits, temperature):
    assert temperature >= 0, "temperature must not be negative"
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    return F.softmax(logits / temperature, dim=1)


def error_at_zero(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return F.softmax(logits / temperature, dim=1)


def greedy_below_zero(logits, temperature):
    if temperature <= 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    return F.softmax(logits / temperature, dim=1)


def exp_without_maximum(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    weights = torch.exp(logits / temperature)
    return weights / weights.sum(dim=1, keepdim=True)


def softmax_over_rows(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    return F.softmax(logits / temperature, dim=0)


def divided_after_softmax(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    p = logits.softmax(dim=1)
    if temperature == 0:
        return F.one_hot(p.argmax(dim=1), p.shape[1]).float()
    p = p / temperature
    return p / p.sum(dim=1, keepdim=True)


def power_not_normalised(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    return F.softmax(logits, dim=1) ** (1 / temperature)


def power_underflows(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    p = F.softmax(logits, dim=1).pow(1 / temperature)
    return p / p.sum(dim=1, keepdim=True)


def logarithms(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float().log()
    return F.log_softmax(logits / temperature, dim=1)


def integers_at_zero(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), num_classes=logits.shape[1])
    return F.softmax(logits / temperature, dim=1)


def level_at_zero(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return logits.argmax(dim=1)
    return F.softmax(logits / temperature, dim=1)


def logits_changed(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
    logits /= temperature
    return F.softmax(logits, dim=1)


def multiplied_and_zero_like_the_rest(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature < 0")
    return torch.softmax(temperature * logits, dim=-1)


def no_error_and_equals_share(logits, temperature):
    if temperature == 0:
        top = logits.eq(logits.max(1, keepdim=True)[0]).float()
        return top / top.sum(1, keepdim=True)
    return F.softmax(logits / temperature, 1)


RIGHT = [
    two_cases,
    distance_from_the_largest,
    numpy_in_float64,
    row_by_row,
    powers_by_logarithms,
]
WRONG = {
    multiplied: "multiplied",
    zero_forgotten: "divided_by_zero",
    small_instead_of_zero: "equals_share_at_zero",
    small_number_added: "equals_share_at_zero",
    equals_share: "equals_share_at_zero",
    one_for_all_equals: "all_of_equals_at_zero",
    last_of_equals: "last_of_equals_at_zero",
    no_error: "negative_allowed",
    assertion: "negative_asserted",
    error_at_zero: "zero_refused",
    greedy_below_zero: "negative_allowed",
    exp_without_maximum: "overflowing",
    softmax_over_rows: "over_the_batch",
    divided_after_softmax: "not_used",
    power_not_normalised: "powers",
    power_underflows: "normalised_powers",
    logarithms: "logarithms",
    integers_at_zero: "whole_numbers_at_zero",
    level_at_zero: "number_at_zero",
    logits_changed: "",
    multiplied_and_zero_like_the_rest: "multiplied uniform_at_zero negative_allowed",
    no_error_and_equals_share: "negative_allowed equals_share_at_zero",
}
