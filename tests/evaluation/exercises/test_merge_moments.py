from fractions import Fraction

import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["merge_moments"]


def outer(vector):
    return torch.outer(vector, vector)


def as_in_the_lecture(first, second):
    N, mean_1, scatter_1 = first
    M, mean_2, scatter_2 = second
    num = N + M
    apart = mean_2 - mean_1
    mean = mean_1 + apart * M / max(1, num)
    between = torch.outer(apart, apart) * N * M / max(1, num)
    return num, mean, scatter_1 + scatter_2 + between


def sums_of_squares(first, second):
    """Scatters about 0 are added, and moved to the common mean."""
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    num = N + M
    mean = (N * mean_1 + M * mean_2) / max(1, num)
    about_0 = scatter_1 + N * outer(mean_1) + scatter_2 + M * outer(mean_2)
    return num, mean, about_0 - num * outer(mean)


def each_moved_to_the_common_mean(first, second):
    num = first[0] + second[0]
    if num == 0:
        return first
    mean = sum(n / num * m for n, m, _ in (first, second))
    return num, mean, sum(s + n * outer(m - mean) for n, m, s in (first, second))


def empty_ones_first(first, second):
    if first[0] == 0:
        return second
    if second[0] == 0:
        return first
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    between = outer(mean_1 - mean_2) / (1 / N + 1 / M)
    return N + M, mean_2 + N / (N + M) * (mean_1 - mean_2), scatter_1 + between + scatter_2


def one_half_from_either_side(first, second):
    """The scatter grows by N times apart with the new mean, which is the old one's step."""
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    mean = torch.lerp(mean_1, mean_2, M / max(1, N + M))
    between = N * torch.einsum("i,j->ij", mean - mean_1, mean_2 - mean_1)
    return [N + M, mean, scatter_1 + scatter_2 + between]


def numpy_inside(first, second):
    (N, *one), (M, *other) = first, second
    (mean_1, scatter_1), (mean_2, scatter_2) = ([x.numpy() for x in pair] for pair in (one, other))
    share = float(Fraction(M, max(1, N + M)))
    apart = mean_2 - mean_1
    scatter = scatter_1 + scatter_2 + N * share * np.multiply.outer(apart, apart)
    return N + M, torch.from_numpy(mean_1 + share * apart), torch.from_numpy(scatter)


def loops(first, second):
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    mean, scatter = mean_1.clone(), scatter_1 + scatter_2
    for i in range(len(mean)):
        mean[i] = (N * mean_1[i] + M * mean_2[i]) / (N + M) if N + M else 0
        for j in range(len(mean)):
            apart = (mean_1[i] - mean_2[i]) * (mean_1[j] - mean_2[j])
            scatter[i, j] += apart * (N * M) / (N + M) if N + M else 0
    return torch.tensor(N + M), mean, scatter


def num_as_a_tensor(first, second):
    num, mean, scatter = as_in_the_lecture(first, second)
    return torch.tensor(num), mean, scatter


def varied(**wrong):
    """Return a right answer but for what is given, computed from N, M and what means are apart."""

    def answer(first, second):
        (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
        factor = wrong.get("factor", lambda N, M: N * M / max(1, N + M))(N, M)
        share = wrong.get("share", lambda N, M: M / max(1, N + M))(N, M)
        apart = mean_2 - mean_1
        scatter = scatter_1 + scatter_2 + factor * outer(apart)
        found = N + M, mean_1 + share * apart, wrong.get("scatter", torch.clone)(scatter)
        return wrong.get("all_of", tuple)(found)

    return answer


def without_both(found):
    num, mean, scatter = found
    return num, mean, scatter * (num / num)


def changed_scatter(first, second):
    result = as_in_the_lecture(first, second)
    second[2].zero_()
    return result


WRONG = {
    "N · M / (N + M - 1)": varied(factor=lambda N, M: N * M / max(1, N + M - 1)),
    "N · M / (N + M + 1)": varied(factor=lambda N, M: N * M / (N + M + 1)),
    "(N - 1)(M - 1) / (N + M)": varied(factor=lambda N, M: (N - 1) * (M - 1) / max(1, N + M)),
    "N / (N + M)": varied(factor=lambda N, M: N / max(1, N + M)),
    "M / (N + M)": varied(factor=lambda N, M: M / max(1, N + M)),
    "(N · M / (N + M))²": varied(factor=lambda N, M: (N * M / max(1, N + M)) ** 2),
    "a half of it": varied(factor=lambda N, M: N * M / max(1, N + M) / 2),
    "minus": varied(factor=lambda N, M: -N * M / max(1, N + M)),
    "root": varied(factor=lambda N, M: (N * M) ** 0.5),
    "whole numbers": varied(factor=lambda N, M: N * M // max(1, N + M)),
    "whole shares": varied(share=lambda N, M: M // max(1, N + M)),
    "M / N": varied(share=lambda N, M: M / max(1, N)),
    "M / (N + M + 1)": varied(share=lambda N, M: M / (N + M + 1)),
    "M / (N + M - 1)": varied(share=lambda N, M: M / max(1, N + M - 1)),
    "the diagonal alone": varied(scatter=lambda scatter: scatter.diagonal().diag()),
    "variances": varied(scatter=lambda scatter: scatter.diagonal()),
    "half of the scatter": varied(scatter=lambda scatter: scatter / 2),
    "upper triangle": varied(scatter=torch.triu),
    "float32": varied(scatter=torch.Tensor.float),
    "float32 on the way": varied(scatter=lambda scatter: scatter.float().double()),
    "num as float": varied(all_of=lambda found: (float(found[0]), *found[1:])),
    "num of the first": varied(all_of=lambda found: (found[0] + 1, *found[1:])),
    "another order": varied(all_of=lambda found: found[::-1]),
    "without num": varied(all_of=lambda found: found[1:]),
    "a dictionary": varied(all_of=lambda found: dict(zip("abc", found, strict=True))),
    "no answer without features": varied(all_of=without_both),
    "the second's scatter is erased": changed_scatter,
}
RIGHT = [
    *(as_in_the_lecture, sums_of_squares, each_moved_to_the_common_mean, empty_ones_first),
    *(one_half_from_either_side, numpy_inside, loops, num_as_a_tensor),
    varied(),
]
EQUIVALENT = {
    "merge_moments: (first, second) -> (second, first)": "both sets count alike",
    "merge_moments: max(1, num) -> max(num, 1)": "the larger of both, in any order",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_merge_moments_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_merge_moments_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_merge_moments_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
