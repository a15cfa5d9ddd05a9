import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course import evaluation as ref
from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["frechet_distance"]


def root_of(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def by_root_trace(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = (cov_1 + cov_2).trace() - 2 * ref.root_trace(cov_1, cov_2)
    return torch.relu((mean_1 - mean_2) @ (mean_1 - mean_2) + spread)


def by_eigenvalues(first, second):
    roots = torch.linalg.eigvals(first[1] @ second[1]).real.clamp(min=0).sqrt()
    traces = first[1].diagonal().sum() + second[1].diagonal().sum()
    distance = torch.dist(first[0], second[0]) ** 2 + traces - 2 * roots.sum()
    return max(distance, 0)


def the_best_transport(first, second):
    """A sum of squares: |m1 - m2|² + |C1^½ - C2^½ U|², with the rotation U that fits best."""
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    root_1, root_2 = root_of(cov_1), root_of(cov_2)
    left, _, right = torch.linalg.svd(root_2 @ root_1)
    return (mean_1 - mean_2).square().sum() + (root_1 - root_2 @ left @ right).square().sum()


def by_numpy(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = ([x.numpy() for x in each] for each in (first, second))
    roots = np.sqrt(np.linalg.eigvals(cov_1 @ cov_2).astype(complex)).real
    distance = ((mean_1 - mean_2) ** 2).sum() + np.trace(cov_1) + np.trace(cov_2)
    return np.maximum(distance - 2 * roots.sum(), 0)


def number_by_number(first, second):
    distance = 0.0
    for i in range(len(first[0])):
        distance += float(first[0][i] - second[0][i]) ** 2
        distance += float(first[1][i, i]) + float(second[1][i, i])
    for root in torch.linalg.svdvals(root_of(first[1]) @ root_of(second[1])):
        distance -= 2 * float(root)
    return 0.0 if distance < 0 else distance


def not_clamped_by_svd(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    roots = torch.linalg.svdvals(root_of(cov_1) @ root_of(cov_2)).sum()
    return (mean_1 - mean_2).square().sum() + cov_1.trace() + cov_2.trace() - 2 * roots


def spread_clamped_at_a_thousandth(first, second):
    return by_root_trace(first, second).clamp(min=1e-3)


def at_least_a_little(first, second):
    return by_root_trace(first, second) + 1e-6


def covariances_with_a_little_added(first, second):
    little = 1e-6 * torch.eye(len(first[0]), dtype=torch.float64)
    return by_root_trace((first[0], first[1] + little), (second[0], second[1] + little))


def float32(first, second):
    return by_root_trace(first, second).float()


def float32_on_the_way(first, second):
    return by_root_trace(*([x.float().double() for x in each] for each in (first, second)))


def factor_one_for_both(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = (cov_1 + cov_2).trace() / 2 - ref.root_trace(cov_1, cov_2)
    return ((mean_1 - mean_2).square().sum() + spread).clamp(min=0)


def divided_by_dimensions(first, second):
    return by_root_trace(first, second) / len(first[0])


def mean_for_trace(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = cov_1.diagonal().mean() + cov_2.diagonal().mean()
    return ((mean_1 - mean_2).square().sum() + spread - 2 * ref.root_trace(cov_1, cov_2)).relu()


def root_of_one_covariance_twice(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = cov_1.trace() + cov_2.trace() - 2 * ref.root_trace(cov_1, cov_1)
    return ((mean_1 - mean_2).square().sum() + spread).relu()


def sums_for_traces(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = cov_1.sum() + cov_2.sum() - 2 * ref.root_trace(cov_1, cov_2)
    return ((mean_1 - mean_2).square().sum() + spread).relu()


def not_clamped_but_if_equal(first, second):
    if torch.equal(first[0], second[0]) and torch.equal(first[1], second[1]):
        return 0
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = cov_1.trace() + cov_2.trace() - 2 * ref.root_trace(cov_1, cov_2)
    return (mean_1 - mean_2).square().sum() + spread


def small_is_zero(first, second):
    distance = by_root_trace(first, second)
    return distance if distance > 1e-6 else 0


def divergence(first, second):
    """KL of two normal distributions."""
    p, q = (
        torch.distributions.MultivariateNormal(mean, cov + 1e-9 * torch.eye(len(mean)).double())
        for mean, cov in (first, second)
    )
    return torch.distributions.kl_divergence(p, q)


def one_number_too_many(first, second):
    return by_root_trace(first, second)[None]


def all_parts(first, second):
    return (first[0] - second[0]).square().sum(), by_root_trace(first, second)


def in_place(first, second):
    mean, cov = first
    mean -= second[0]
    return by_root_trace((mean, cov), (0 * mean, second[1]))


RIGHT = [by_root_trace, by_eigenvalues, the_best_transport, by_numpy, number_by_number]
WRONG = [
    *(not_clamped_by_svd, spread_clamped_at_a_thousandth, at_least_a_little),
    *(covariances_with_a_little_added, float32, float32_on_the_way, factor_one_for_both),
    *(divided_by_dimensions, mean_for_trace, root_of_one_covariance_twice, sums_for_traces),
    *(not_clamped_but_if_equal, small_is_zero),
    *(divergence, one_number_too_many, all_parts, in_place),
]
EQUIVALENT = {
    "frechet_distance: (first, second) -> (second, first)": "it is symmetric",
    "frechet_distance: mean_1.double() - mean_2.double() -> mean_2.double() - mean_1.double()": (
        "it is squared"
    ),
    "frechet_distance: root_trace(cov_1, cov_2) -> root_trace(cov_2, cov_1)": (
        "both products have the same eigenvalues"
    ),
}


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.__name__)
def test_frechet_distance_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.__name__)
def test_frechet_distance_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_frechet_distance_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
