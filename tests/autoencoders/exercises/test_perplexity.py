import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["perplexity"]


def as_in_the_lecture(batches, num_codes):
    counts = sum(torch.bincount(batch.flatten(), minlength=num_codes) for batch in batches)
    p = counts[counts > 0] / counts.sum()
    return (-(p * p.log()).sum()).exp()


def with_a_tiny_number_in_the_logarithm(batches, num_codes):
    indices = torch.cat([batch.reshape(-1) for batch in batches])
    if indices.numel() == 0:
        return torch.tensor(1.0)
    average = F.one_hot(indices, num_codes).float().mean(0)
    return torch.exp(-torch.sum(average * torch.log(average + 1e-10)))


def counter_in_plain_python(batches, num_codes):
    counts = Counter(i for batch in batches for i in batch.flatten().tolist())
    total = sum(counts.values())
    return math.exp(sum(n / total * math.log(total / n) for n in counts.values()))


def power_of_two(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        for i in batch.flatten():
            counts[i] += 1
    if counts.sum() == 0:
        return 1
    p = counts / counts.sum()
    p = p[p != 0]
    return 2 ** -(p * torch.log2(p)).sum().item()


def special_entr(batches, num_codes):
    counts = torch.zeros(num_codes, dtype=torch.float64)
    for batch in batches:
        counts += torch.histc(batch.double(), num_codes, -0.5, num_codes - 0.5)
    return torch.special.entr(counts / counts.sum().clamp(min=1)).sum().exp()


def distribution(batches, num_codes):
    indices = torch.cat([batch.flatten() for batch in batches])
    if not len(indices):
        return 1.0
    counts = torch.zeros(num_codes).index_add(0, indices, torch.ones(len(indices)))
    return torch.distributions.Categorical(probs=counts).perplexity()


def scipys_entropy(batches, num_codes):
    every = np.concatenate([batch.numpy().ravel() for batch in batches])
    return np.exp(stats.entropy(np.unique(every, return_counts=True)[1])) if len(every) else 1.0


def xlogy_in_float32(batches, num_codes):
    n = torch.cat(
        [(batch.unsqueeze(-1) == torch.arange(num_codes)).flatten(0, -2) for batch in batches]
    )
    p = n.sum(0).float() / max(len(n), 1)
    return torch.xlogy(p, p).sum().neg().exp()


def product_of_powers(batches, num_codes):
    _, n = torch.cat([batch.flatten() for batch in batches]).unique(return_counts=True)
    p = n.double() / n.sum()
    return (1 / p**p).prod()


def mean_over_batches(batches, num_codes):
    each = [as_in_the_lecture([batch], num_codes) for batch in batches if batch.numel()]
    return torch.stack(each).mean() if each else 1.0


def mean_over_batches_weighted_by_size(batches, num_codes):
    sizes = [batch.numel() for batch in batches]
    each = [
        n * as_in_the_lecture([batch], num_codes) for n, batch in zip(sizes, batches, strict=True)
    ]
    return sum(each) / max(1, sum(sizes))


def mean_entropy_weighted_by_size(batches, num_codes):
    sizes = [batch.numel() for batch in batches]
    each = [
        n * as_in_the_lecture([batch], num_codes).log()
        for n, batch in zip(sizes, batches, strict=True)
    ]
    return (sum(each) / max(1, sum(sizes))).exp()


def nothing_is_nan(batches, num_codes):
    p = sum(torch.bincount(b.flatten(), minlength=num_codes) for b in batches)
    p = p / p.sum()
    return torch.special.entr(p).sum().exp()


def nothing_is_zero(batches, num_codes):
    return as_in_the_lecture(batches, num_codes) if sum(map(torch.numel, batches)) else 0.0


def first_batch(batches, num_codes):
    return as_in_the_lecture(batches[:1], num_codes)


def stacked(batches, num_codes):
    return as_in_the_lecture([torch.stack(list(batches))], num_codes)


def concatenated_without_flattening(batches, num_codes):
    return as_in_the_lecture([torch.cat(list(batches))], num_codes)


def smoothed_by_one(batches, num_codes):
    counts = sum(torch.bincount(batch.flatten(), minlength=num_codes) for batch in batches) + 1
    return torch.special.entr(counts / counts.sum()).sum().exp()


def a_large_number_in_the_logarithm(batches, num_codes):
    counts = sum(torch.bincount(batch.flatten(), minlength=num_codes) for batch in batches)
    p = counts / counts.sum().clamp(min=1)
    return (-(p * (p + 1e-3).log()).sum()).exp()


def whole_number(batches, num_codes):
    return as_in_the_lecture(batches, num_codes).round()


def inverse_simpson(batches, num_codes):
    counts = sum(torch.bincount(batch.flatten(), minlength=num_codes) for batch in batches)
    p = counts / counts.sum().clamp(min=1)
    return 1 / (p**2).sum().clamp(min=1 / num_codes) if counts.sum() else 1.0


def normalised_entropy(batches, num_codes):
    return as_in_the_lecture(batches, num_codes).log() / math.log(num_codes)


def a_row_of_surprises(batches, num_codes):
    counts = sum(torch.bincount(batch.flatten(), minlength=num_codes) for batch in batches)
    p = counts / counts.sum().clamp(min=1)
    return torch.special.entr(p).exp()


def largest_index_is_lost(batches, num_codes):
    counts = sum(torch.bincount(batch.flatten(), minlength=num_codes) for batch in batches)[:-1]
    p = counts / counts.sum().clamp(min=1)
    return torch.special.entr(p).sum().exp()


RIGHT = [
    *(as_in_the_lecture, with_a_tiny_number_in_the_logarithm, counter_in_plain_python),
    *(power_of_two, special_entr, distribution, scipys_entropy, xlogy_in_float32),
    product_of_powers,
]
WRONG = [
    *(mean_over_batches, mean_over_batches_weighted_by_size, mean_entropy_weighted_by_size),
    *(nothing_is_nan, nothing_is_zero, first_batch, stacked, concatenated_without_flattening),
    *(smoothed_by_one, a_large_number_in_the_logarithm, whole_number, inverse_simpson),
    *(normalised_entropy, a_row_of_surprises, largest_index_is_lost),
]
EQUIVALENT = {
    "perplexity: torch.zeros(num_codes, dtype=torch.int64) -> torch.zeros(num_codes)": (
        "float32 holds whole numbers up to 16 million"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_perplexity_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_perplexity_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_perplexity_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
