import math

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

from cvgen_course.evaluation import kl_divergence
from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["inception_score"]


def as_in_the_lecture(probs):
    return kl_divergence(probs, probs.mean(dim=0)).mean().exp()


def difference_of_entropies(probs):
    marginal = probs.mean(dim=0)
    return (torch.special.entr(marginal).sum() - torch.special.entr(probs).sum(1).mean()).exp()


def small_number_in_the_logarithm(probs):
    """As in much published code: where p is 0, p(y) is so seldom that it does not matter."""
    marginal = probs.mean(dim=0, keepdim=True)
    kl = probs * (torch.log(probs + 1e-16) - torch.log(marginal + 1e-16))
    return torch.exp(kl.sum(dim=1).mean())


def nan_is_nothing(probs):
    return (probs * (probs / probs.mean(dim=0)).log()).nan_to_num(nan=0.0).sum(1).mean().exp()


def without_classes_that_never_occur(probs):
    probs = probs[:, probs.sum(dim=0) > 0]
    marginal = probs.mean(dim=0)
    return torch.special.xlogy(probs, probs / marginal).sum(dim=1).mean().exp()


def in_bits(probs):
    marginal = probs.mean(dim=0)
    bits = torch.where(probs > 0, probs * (probs / marginal).log2(), 0.0).sum(dim=1)
    return 2 ** bits.mean()


def einsum_in_float64(probs):
    p = probs.double()
    marginal = torch.einsum("nk->k", p) / len(p)
    ratio = torch.where(p > 0, p, 1.0) / torch.where(p > 0, marginal, 1.0)
    return (torch.einsum("nk,nk->", p, ratio.log()) / len(p)).exp()


def plain_python(probs):
    rows = probs.tolist()
    marginal = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    total = 0.0
    for row in rows:
        for p, m in zip(row, marginal, strict=True):
            total += p * math.log(p / m) if p > 0 else 0.0
    return math.exp(total / len(rows))


def geometric_mean(probs):
    """The product of the images' own scores, and of it the N-th root."""
    each = kl_divergence(probs.double(), probs.double().mean(dim=0)).exp()
    return (each ** (1 / len(probs))).prod()


def entropies_of_scipy(probs):
    p = probs.double().numpy()
    return np.exp(stats.entropy(p.mean(axis=0)) - stats.entropy(p, axis=1).mean())


def batch_mean_of_torch(probs):
    """F.kl_div takes the logarithm of the second distribution first."""
    log_marginal = probs.mean(dim=0).clamp(min=1e-30).log().expand_as(probs)
    return F.kl_div(log_marginal, probs, reduction="batchmean").exp()


def distributions_of_torch(probs):
    rows, marginal = (torch.distributions.Categorical(p) for p in (probs, probs.mean(dim=0)))
    return torch.distributions.kl_divergence(rows, marginal).mean().exp()


def eps(value):
    def answer(probs):
        marginal = probs.mean(dim=0)
        return (probs * ((probs + value) / (marginal + value)).log()).sum(dim=1).mean().exp()

    return answer


def clamped(probs):
    probs = probs.clamp(min=1e-7)
    return (probs * (probs / probs.mean(dim=0)).log()).sum(dim=1).mean().exp()


def first_256(probs):
    return as_in_the_lecture(probs[:256])


def five_parts(probs):
    return torch.stack([as_in_the_lecture(part) for part in probs.chunk(5)]).mean()


def parts_of_ten(probs):
    return torch.stack([as_in_the_lecture(part) for part in probs.split(10)]).mean()


def shape_of_one(probs):
    return as_in_the_lecture(probs).view(1)


def marginal_of_counts(probs):
    """p(y) from the most probable classes alone."""
    marginal = torch.bincount(probs.argmax(dim=1), minlength=probs.shape[1]) / len(probs)
    return kl_divergence(probs, marginal.to(probs).clamp(min=1e-8)).mean().exp()


def median(probs):
    return kl_divergence(probs, probs.mean(dim=0)).median().exp()


def share_of_classes(probs):
    return as_in_the_lecture(probs) / probs.shape[1]


def less_one(probs):
    return as_in_the_lecture(probs) - 1


def unbiased(probs):
    return (kl_divergence(probs, probs.mean(dim=0)).sum() / max(1, len(probs) - 1)).exp()


def without_oneself(probs):
    """p(y) is the mean of the other images."""
    if len(probs) == 1:
        return torch.ones(())
    others = (probs.sum(dim=0) - probs) / (len(probs) - 1)
    return kl_divergence(probs, others.clamp(min=1e-12)).mean().exp()


def symmetric(probs):
    marginal = probs.mean(dim=0).expand_as(probs)
    both = kl_divergence(probs, marginal) + kl_divergence(marginal, probs)
    return (both / 2).mean().exp()


def geometric_marginal(probs):
    marginal = probs.clamp(min=1e-12).log().mean(dim=0).softmax(dim=0)
    return kl_divergence(probs, marginal).mean().exp()


def log_softmax(probs):
    p = probs.log_softmax(dim=1)
    return (p.exp() * (p - p.exp().mean(dim=0).log())).sum(dim=1).mean().exp()


def float32(probs):
    return as_in_the_lecture(probs.float())


def rounded(probs):
    return as_in_the_lecture(probs).round()


def number_of_classes(probs):
    return float(len(probs.argmax(dim=1).unique()))


def weighted_by_confidence(probs):
    kl = kl_divergence(probs, probs.mean(dim=0))
    sure = probs.max(dim=1).values
    return ((kl * sure).sum() / sure.sum()).exp()


def in_place(probs):
    probs += 1e-12
    return as_in_the_lecture(probs)


RIGHT = [
    *(as_in_the_lecture, difference_of_entropies, small_number_in_the_logarithm, nan_is_nothing),
    *(without_classes_that_never_occur, in_bits, einsum_in_float64, plain_python, geometric_mean),
    *(entropies_of_scipy, batch_mean_of_torch, distributions_of_torch, eps(1e-20)),
]
WRONG = [
    *(
        eps(1e-2),
        eps(1e-3),
        eps(1e-6),
        eps(1e-7),
        clamped,
        first_256,
        five_parts,
        parts_of_ten,
        shape_of_one,
        marginal_of_counts,
        median,
    ),
    *(share_of_classes, less_one, unbiased, without_oneself, symmetric, geometric_marginal),
    *(log_softmax, float32, rounded, number_of_classes, weighted_by_confidence, in_place),
]
EQUIVALENT = {
    "inception_score: probs = probs.double() -> pass": "float32 is precise enough for float32",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_inception_score_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_inception_score_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("answer", [first_256, five_parts, parts_of_ten])
def test_inception_score_of_parts_of_the_images_loses_a_sixth(answer):
    assert_points_lost(EXERCISE, answer, at_least=1 / 6)


def test_inception_score_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
