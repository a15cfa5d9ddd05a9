import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import special, stats
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["kl_divergence"]


def as_in_the_lecture(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum(dim=1)


def difference_of_logarithms(p, q):
    terms = p * p.log() - p * q.log()
    terms[p == 0] = 0
    return terms.sum(-1)


def sum_past_nan(p, q):
    return (p * torch.log(p / q)).nansum(dim=1)


def nan_to_num_that_leaves_infinity(p, q):
    return (p * (p / q).log()).nan_to_num(nan=0.0, posinf=torch.inf).sum(1)


def entropy_and_cross_entropy(p, q):
    return torch.special.xlogy(p, p).sum(1) - torch.special.xlogy(p, q).sum(1)


def einsum(p, q):
    logs = (torch.where(p > 0, p, 1.0) / torch.where(p > 0, q, 1.0)).log()
    return torch.einsum("nk,nk->n", p, logs)


def masked_rows(p, q):
    rows = []
    for i in range(len(p)):
        q_row = q if q.ndim == 1 else q[i]
        keep = p[i] != 0
        rows.append((p[i][keep] * (p[i][keep].log() - q_row[keep].log())).sum())
    return torch.stack(rows)


def plain_python(p, q):
    q = q.expand_as(p)
    found = []
    for row, other in zip(p.tolist(), q.tolist(), strict=True):
        total = 0.0
        for a, b in zip(row, other, strict=True):
            if a > 0:
                total += a * math.log(a / b) if b > 0 else math.inf
        found.append(total)
    return torch.tensor(found, dtype=torch.float64)


def in_float64(p, q):
    return as_in_the_lecture(p.double(), q.double())


def log2_and_back(p, q):
    return torch.where(p > 0, p * (p / q).log2(), 0.0).sum(1) * math.log(2)


def rel_entr_of_scipy(p, q):
    return torch.from_numpy(special.rel_entr(p.numpy(), q.numpy())).sum(dim=1)


def entropy_of_scipy(p, q):
    return torch.tensor(
        np.array([stats.entropy(*pair) for pair in zip(p, q.expand_as(p), strict=True)])
    )


def product_of_powers(p, q):
    return torch.where(p > 0, (p / q) ** p, 1.0).log().sum(dim=1)


def kept_positive(p, q):
    """Rounding may leave a little below 0; whoever cuts it off is right, too."""
    return as_in_the_lecture(p, q).clamp(min=0)


def columns(p, q):
    return sum(
        torch.special.xlogy(a, a) - torch.special.xlogy(a, b)
        for a, b in zip(p.T, q.expand_as(p).T, strict=True)
    )


def eps(value):
    def answer(p, q):
        return (p * ((p + value) / (q + value)).log()).sum(dim=1)

    return answer


def clamped(p, q):
    p, q = p.clamp(min=1e-12), q.clamp(min=1e-12)
    return (p * (p / q).log()).sum(dim=1)


def smallest_float(p, q):
    tiny = torch.finfo(p.dtype).tiny
    return (p * ((p + tiny) / (q + tiny)).log()).sum(dim=1)


def eps_in_p_alone(p, q):
    return (p * ((p + 1e-12) / q).log()).sum(dim=1)


def eps_and_infinity(p, q):
    """Infinity is put in afterwards; a tiny q is wrong all the same."""
    infinite = ((p > 0) & (q == 0)).any(dim=1)
    return eps(1e-8)(p, q).masked_fill(infinite, torch.inf)


def p_above(least):
    """What p has less of, is taken for nothing."""

    def answer(p, q):
        return torch.where(p > least, p * (p / q).log(), 0.0).sum(dim=1)

    return answer


def all_infinite(p, q):
    return as_in_the_lecture(p, q) + (torch.inf if (q == 0).any() else 0)


def infinite_wherever_q_is_zero(p, q):
    return as_in_the_lecture(p, q).masked_fill((q == 0).expand_as(p).any(dim=1), torch.inf)


def minus_infinity(p, q):
    found = as_in_the_lecture(p, q)
    return torch.where(found.isinf(), -found, found)


def squeezed(p, q):
    return as_in_the_lecture(p, q).squeeze()


def kept_dimension(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum(dim=1, keepdim=True)


def column_q(p, q):
    return as_in_the_lecture(p, q if q.dim() == 2 else q[:, None])


def float32(p, q):
    return as_in_the_lecture(p.float(), q.float())


def float32_on_the_way(p, q):
    return as_in_the_lecture(p.float(), q.float()).to(p.dtype)


def jensen_shannon(p, q):
    middle = (p + q) / 2
    return (as_in_the_lecture(p, middle) + as_in_the_lecture(q.expand_as(p), middle)) / 2


def absolute_terms(p, q):
    return torch.where(p > 0, p * (p / q).log(), 0.0).abs().sum(dim=1)


def of_logits(p, q):
    return as_in_the_lecture(p.softmax(dim=-1), q.softmax(dim=-1))


def entropy(p, q):
    return torch.special.entr(p).sum(dim=1)


def numpys_array(p, q):
    return as_in_the_lecture(p, q).numpy()


def in_place(p, q):
    p /= p.sum(dim=1, keepdim=True)
    q += 1e-30
    return as_in_the_lecture(p, q)


def rounded(p, q):
    return as_in_the_lecture(p, q).mul(100).round() / 100


def only_where_both(p, q):
    return as_in_the_lecture(p, q).masked_fill((q == 0).expand_as(p).any(dim=1), 0)


RIGHT = [
    *(as_in_the_lecture, difference_of_logarithms, sum_past_nan, nan_to_num_that_leaves_infinity),
    *(entropy_and_cross_entropy, einsum, masked_rows, plain_python, in_float64, log2_and_back),
    *(rel_entr_of_scipy, entropy_of_scipy, product_of_powers, kept_positive, columns),
]
WRONG = [
    *(eps(1e-6), eps(1e-8), eps(1e-16), eps(1e-20), eps(1e-30), clamped, smallest_float),
    *(
        p_above(1e-6),
        p_above(1e-8),
        eps_in_p_alone,
        eps_and_infinity,
        all_infinite,
        infinite_wherever_q_is_zero,
    ),
    *(minus_infinity, squeezed, kept_dimension, column_q, float32, float32_on_the_way),
    *(jensen_shannon, absolute_terms, of_logits, entropy, numpys_array, in_place, rounded),
    *(only_where_both,),
]
EQUIVALENT = {
    "kl_divergence: p, q = (at_least_float32(p), at_least_float32(q)) -> pass": (
        "nobody asks for half precision"
    ),
    "kl_divergence: -1 -> +1": "there are two dimensions, of which it is the last",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_kl_divergence_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_kl_divergence_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_kl_divergence_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)


@pytest.mark.parametrize(
    "answer",
    [
        lambda p, q: F.kl_div(q.log().expand_as(p), p, reduction="none").sum(dim=1),
        lambda p, q: torch.nn.KLDivLoss(reduction="none")(q.log().expand_as(p), p).sum(dim=1),
        lambda p, q: torch.distributions.kl_divergence(
            torch.distributions.Categorical(p), torch.distributions.Categorical(q)
        ),
    ],
)
def test_kl_divergence_torchs_own_is_forbidden(answer):
    report = graded(EXERCISE, answer)
    assert report.points == 0
    assert "the exercise is to do it without" in report.rows[0].message
