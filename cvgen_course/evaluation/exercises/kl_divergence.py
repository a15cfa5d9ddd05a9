"""Exercise: the Kullback-Leibler divergence of distributions over classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.evaluation.inception_score import kl_divergence

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: one q and many, classes without p, without q, without both."""

    def probs(*shape: int, without: tuple[int, ...] = (), mostly: int | None = None) -> Tensor:
        """Return probabilities of 0 for some classes, of half or more for one if it is named."""
        weights = 0.05 + torch.rand(shape, generator=rng, dtype=torch.float64) ** 2
        weights[..., list(without)] = 0
        if mostly is not None:
            weights[..., mostly] += weights.sum(dim=-1)
        return weights / weights.sum(dim=-1, keepdim=True)

    def one_hot(N: int, K: int) -> Tensor:
        return torch.eye(K, dtype=torch.float64)[torch.randint(0, K, (N,), generator=rng)]

    def nearly_without(K: int, k: int, few: float) -> Tensor:
        """Return probabilities of which one is as small as ``few``, or twice that."""
        p = probs(K, without=(k,))
        p[k] = few * (1 + torch.rand((), generator=rng, dtype=torch.float64))
        return p

    def ask(p: Tensor, q: Tensor, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
        return {"p": p.to(dtype), "q": q.to(dtype)}

    return [
        Case(
            "four rows of each, five classes",
            ask(probs(4, 5), probs(4, 5)),
            weight=1,
            hint="The sum over the classes of p · log(p / q), with the natural logarithm.",
        ),
        Case(
            "one q for six rows",
            ask(probs(6, 3), probs(3)),
            weight=1,
            hint="A q of shape (K,) goes with each row of p: p / q does that by itself.",
        ),
        Case(
            "one q for as many rows as there are classes",
            ask(probs(4, 4), probs(4)),
            weight=1,
            hint="A q of shape (K,) has a number for each class, and none for each row.",
        ),
        Case(
            "a single row",
            ask(probs(1, 6), probs(1, 6)),
            weight=1,
            hint="N may be 1, and the result has the shape (1,) then: sum over dim=1, no squeeze.",
        ),
        Case(
            "a single class",
            ask(probs(3, 1), probs(1)),
            weight=1,
            hint="K may be 1: then p and q are 1, and the divergence is 0.",
        ),
        Case(
            "float64",
            ask(probs(3, 7), probs(3, 7), dtype=torch.float64),
            weight=1,
            hint="New here: float64; the result is as precise as p and q.",
        ),
        Case(
            "p is 0 for some classes, q is not",
            ask(probs(3, 5, without=(1, 3)), probs(3, 5)),
            weight=1,
            hint="0 · log 0 is NaN for a computer: where p is 0, a class counts 0.",
        ),
        Case(
            "p of exactly 0 and 1",
            ask(one_hot(5, 4), probs(4)),
            weight=1,
            hint="A single class is left of each row, and its term is -log q.",
        ),
        Case(
            "both are 0 for some classes",
            ask(probs(4, 5, without=(0, 2)), probs(4, 5, without=(2,))),
            weight=3,
            hint="Where p is 0, a class counts 0, whatever q is: 0 / 0 and 0 · log 0 are NaN for "
            "a computer.",
        ),
        Case(
            "both are 0 for some classes, one q for all rows",
            ask(probs(5, 4, without=(3,)), probs(4, without=(3,))),
            weight=3,
            hint="Where p is 0, a class counts 0, whatever q is: 0 / 0 and 0 · log 0 are NaN for "
            "a computer.",
        ),
        Case(
            "a tiny q",
            ask(probs(3, 5), nearly_without(5, 2, few=1e-12)),
            weight=1,
            hint="q is near 0 for a class that p has: log(p / q) is large there, and right as it "
            "is. Nothing is added to p or q.",
        ),
        Case(
            "q is 0 for a class that p has, in some rows",
            ask(
                probs(4, 5, mostly=1),
                torch.cat([probs(1, 5), probs(2, 5, without=(1,)), probs(1, 5)]),
            ),
            weight=3,
            hint="The divergence is infinite there: log(p / 0) says so by itself, if nothing is "
            "added to q.",
        ),
        Case(
            "one q for all rows is 0 for a class that some p have",
            ask(
                torch.cat([probs(2, 4, mostly=3), probs(2, 4, without=(3,))]),
                probs(4, without=(3,)),
            ),
            weight=3,
            hint="Infinite for rows whose p is not 0 there, finite for the others.",
        ),
        Case(
            "q is 0 for a class of which p has next to nothing",
            ask(
                torch.stack([nearly_without(3, 0, few=1e-9), probs(3, without=(0,))]),
                probs(3, without=(0,)),
                dtype=torch.float64,
            ),
            weight=2,
            hint="1e-9 is little, but not 0: the divergence is infinite. Where p is 0, a class "
            "counts 0, and nowhere else.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the divergences; of infinite ones, in words, what came in their place."""
    p, q = inputs["p"], inputs["q"]
    divergence = as_tensor(implementation(p, q), "the divergence")
    infinite = ((p > 0) & (q == 0)).any(dim=1)
    if not infinite.any():
        return {"the divergence": divergence}
    if divergence.shape != infinite.shape:
        got, wanted = tuple(divergence.shape), tuple(infinite.shape)
        raise WrongAnswer(f"the divergence has shape {got}, expected {wanted}")
    # Which number stands for infinity, follows from what was added to q, and says nothing more.
    found = divergence[infinite].tolist()
    words = ["a large number" if 2 < x < 1e30 else f"{x:.2g}" for x in found]
    return {"the infinite divergences": words, "the finite divergences": divergence[~infinite]}


def _terms(p: Tensor, q: Tensor) -> Tensor:
    """Return each class's share of the divergence, as it should be."""
    return torch.where(p > 0, p * (p / q).log(), 0.0)


@mistakes.when("the logarithm is that of base 2, so that this is in bits: in nats, it is log.")
def _in_bits(p, q):
    return _terms(p, q).sum(dim=1) / math.log(2)


@mistakes.when("the logarithm is that of base 10: in nats, it is the natural one, log.")
def _base_10(p, q):
    return _terms(p, q).sum(dim=1) / math.log(10)


@mistakes.when("p and q are exchanged: KL(p ‖ q) is the sum of p · log(p / q).")
def _exchanged(p, q):
    return _terms(q.expand_as(p), p).sum(dim=1)


@mistakes.when("the terms are averaged over the classes: they are summed.")
def _mean_over_classes(p, q):
    return _terms(p, q).mean(dim=1)


@mistakes.when("the sum runs over the rows, dim=0: each row has a divergence, over its classes.")
def _sum_over_rows(p, q):
    return _terms(p, q).sum(dim=0)


@mistakes.when("everything is summed to one number: each row has a divergence of its own.")
def _sum_of_all(p, q):
    return _terms(p, q).sum()


@mistakes.when("the mean is taken over the rows: each row has a divergence of its own.")
def _mean_over_rows(p, q):
    return _terms(p, q).sum(dim=1).mean()


@mistakes.when("the sign is wrong: the divergence is never below 0; it is log(p / q), not q / p.")
def _negative(p, q):
    return -_terms(p, q).sum(dim=1)


@mistakes.when(
    "it is the cross-entropy, the sum of -p · log q: p · log p belongs to the divergence, too."
)
def _cross_entropy(p, q):
    return -torch.special.xlogy(p, q).sum(dim=1)


@mistakes.when("the logarithms are not weighted: each is multiplied by its p.")
def _not_weighted(p, q):
    return torch.where(p > 0, (p / q).log(), 0.0).sum(dim=1)


@mistakes.when(
    "the logarithms are weighted with q: it is p, since the divergence is an average over what "
    "p draws."
)
def _weighted_with_q(p, q):
    return torch.where(p > 0, q * (p / q).log(), 0.0).sum(dim=1)


@mistakes.when("KL(p ‖ q) and KL(q ‖ p) are averaged: it is the first alone.")
def _symmetric(p, q):
    return (_terms(p, q) + _terms(q.expand_as(p), p)).sum(dim=1) / 2


@mistakes.when(
    "classes with p = 0 give NaN: 0 · log 0 is none for a computer. torch.where(p > 0, …, 0.0) "
    "counts them 0."
)
def _nan_without_p(p, q):
    return (p * (p / q).log()).sum(dim=1)


@mistakes.when(
    "classes with p = 0 and q = 0 give NaN: for a computer, neither 0 / 0 nor 0 · log 0 is a "
    "number, and torch.xlogy lets NaN through. Where p is 0, a class counts 0, whatever q is."
)
def _nan_without_both(p, q):
    return torch.special.xlogy(p, p / q).sum(dim=1)


@mistakes.when(
    "a little is added within the logarithm, or p and q are kept above it: that hides where the "
    "divergence is infinite, and is wrong where q is tiny. torch.where(p > 0, …, 0.0) needs none."
)
def _a_little_added(p, q):
    return (p * ((p + 1e-12) / (q + 1e-12)).log()).sum(dim=1)


@mistakes.when(
    "classes with q = 0 are left out: where p is not 0 there, the divergence is infinite."
)
def _without_q_left_out(p, q):
    return torch.where((p > 0) & (q > 0), _terms(p, q), 0.0).sum(dim=1)


@mistakes.when(
    "torch.nan_to_num takes away more than NaN: it makes infinity the largest float there is, "
    "unless it is told posinf=torch.inf."
)
def _infinity_taken_away(p, q):
    return (p * (p / q).log()).nan_to_num().sum(dim=1)


@mistakes.when(
    "a q of shape (K,) is gone through row by row: it has a number for each class, and is the same "
    "for all rows."
)
def _q_per_row(p, q):
    return torch.stack([_terms(p[i], q[i]).sum() for i in range(len(p))])


EXERCISE = Exercise(
    name="kl_divergence",
    title="How far q is from p",
    points=2,
    reference=kl_divergence,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(F.kl_div, torch.kl_div, torch.distributions.kl_divergence),
    read="How far apart two distributions are",
)
