"""Exercise: the Inception Score."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.evaluation.exercises.rounded import rounded
from cvgen_course.evaluation.inception_score import inception_score

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: sure and unsure, one image and many, classes that never occur."""

    def probs(N: int, K: int, spread: float = 2.0, without: tuple[int, ...] = ()) -> Tensor:
        """Return what a classifier says that never names some classes."""
        logits = spread * torch.randn(N, K, generator=rng, dtype=torch.float64)
        logits[:, list(without)] = -math.inf
        return logits.softmax(dim=1)

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=rng))

    def sure(classes: Tensor, K: int) -> Tensor:
        """Return one-hot rows, in any order."""
        order = torch.randperm(len(classes), generator=rng)
        return torch.eye(K, dtype=torch.float64)[classes[order]]

    def sorted_by_class(num: int, K: int) -> Tensor:
        """Return what a classifier says that is nearly sure: of each class, ``num`` in a row."""
        logits = torch.randn(num * K, K, generator=rng, dtype=torch.float64)
        return (logits + 5 * torch.eye(K).repeat_interleave(num, dim=0)).softmax(dim=1)

    def ask(probs: Tensor, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
        return {"probs": probs.to(dtype)}

    K = number(5, 90)
    partly = torch.arange(4).repeat_interleave(torch.randint(1, 9, (4,), generator=rng))
    some_zeros = probs(8, 5) * (torch.arange(40).view(8, 5) % 3 > 0)
    return [
        Case(
            "six images, four classes",
            ask(probs(6, 4)),
            weight=1,
            hint="p(y) is the mean over the images, dim=0. KL of each row, then their mean, then "
            "exp.",
        ),
        Case(
            "as many images as classes",
            ask(probs(5, 5)),
            weight=1,
            hint="dim=0 goes over the images, dim=1 over the classes; here both are as long.",
        ),
        Case(
            "half of the images are clear, the others are not",
            ask(torch.cat([probs(5, 6, spread=9.0), probs(5, 6, spread=0.5)])),
            weight=1,
            hint="Their KL differs a lot: exp of the mean is not the mean of exp.",
        ),
        Case(
            "a single image",
            ask(probs(1, 7)),
            weight=1,
            hint="Then p(y) is p(y|x): the score is 1, however sure the classifier is.",
        ),
        Case(
            "a single class",
            ask(probs(4, 1)),
            weight=1,
            hint="K may be 1: then the score is 1.",
        ),
        Case(
            "float64",
            ask(probs(7, 3), dtype=torch.float64),
            weight=1,
            hint="New here: float64; the score is as precise as probs.",
        ),
        Case(
            "300 images, sorted by class",
            ask(sorted_by_class(30, 10)),
            weight=3,
            hint="All of them at once: one p(y), one mean. A part has few of the classes.",
        ),
        Case(
            "probabilities of 0 here and there",
            ask(some_zeros / some_zeros.sum(dim=1, keepdim=True)),
            weight=1,
            hint="0 · log 0 is NaN for a computer: a class counts 0 where p is 0.",
        ),
        Case(
            "one-hot rows, each class equally often",
            ask(sure(torch.arange(K).repeat(2), K)),
            weight=2,
            hint="The score is exactly K then, the most there can be. Nothing is added to probs.",
        ),
        Case(
            "one-hot rows in float64, and half of the classes never occur",
            ask(sure(partly, 8), dtype=torch.float64),
            weight=2,
            hint="p(y) is 0 for them, and so is p(y|x): 0 / 0 is NaN for a computer, and counts 0. "
            "Whoever adds 1e-7 to it instead, changes the score in the seventh digit.",
        ),
        Case(
            "a class that never occurs",
            ask(probs(6, 5, without=(2,))),
            weight=3,
            hint="p(y) is 0 for it, and so is p(y|x): 0 / 0 is NaN for a computer, and counts 0.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the score, as precise as the probabilities are: a wider type is right, too."""
    probs = inputs["probs"]
    return rounded(implementation(probs), "the score", probs.dtype)


def _divergences(p: Tensor, q: Tensor) -> Tensor:
    """Return KL(p ‖ q) of each row, as it should be."""
    return _terms(p, q).sum(dim=1)


def _terms(p: Tensor, q: Tensor) -> Tensor:
    return torch.where(p > 0, p * (p / q).log(), 0.0)


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(dim=-1)


def _score(probs: Tensor) -> Tensor:
    return _divergences(probs, probs.mean(dim=0)).mean().exp()


@mistakes.when("exp is missing: the score is exp of the mean KL.")
def _no_exp(probs):
    return _score(probs).log()


@mistakes.when("exp is taken of each image's KL, and then their mean: it is exp of the mean.")
def _mean_of_exp(probs):
    return _divergences(probs, probs.mean(dim=0)).exp().mean()


@mistakes.when("the KL of the images are summed: it is exp of their mean.")
def _exp_of_sum(probs):
    return _divergences(probs, probs.mean(dim=0)).sum().exp()


@mistakes.when(
    "the mean is taken over images and classes: KL is a sum over the classes, and the mean runs "
    "over the images."
)
def _mean_over_classes(probs):
    return _terms(probs, probs.mean(dim=0)).mean().exp()


@mistakes.when("a score is returned for each image: it is exp of the mean over all of them.")
def _per_image(probs):
    return _divergences(probs, probs.mean(dim=0)).exp()


@mistakes.when(
    "p(y) is taken to be 1 / K for each class, which the mean over dim=1 is, too: it is the mean "
    "over the images, dim=0."
)
def _uniform_marginal(probs):
    return _divergences(probs, probs.mean(dim=1, keepdim=True)).mean().exp()


@mistakes.when("p(y) is the mean over the classes, dim=1: it is that over the images, dim=0.")
def _marginal_over_classes(probs):
    return _divergences(probs, probs.mean(dim=1)).mean().exp()


@mistakes.when("p(y) is the sum of all rows: it is their mean, which sums to 1.")
def _sum_for_marginal(probs):
    return _divergences(probs, probs.sum(dim=0)).mean().exp()


@mistakes.when(
    "the entropy of each image's classes stands in place of KL: it says how unsure the classifier "
    "is, and nothing of p(y)."
)
def _entropy_of_rows(probs):
    return _entropy(probs).mean().exp()


@mistakes.when(
    "it is exp of the entropy of p(y): that says how varied the images are, and nothing of how "
    "sure the classifier is of each."
)
def _entropy_of_marginal(probs):
    return _entropy(probs.mean(dim=0)).exp()


@mistakes.when("KL(p(y) ‖ p(y|x)) is computed: p(y|x) comes first.")
def _exchanged(probs):
    return _divergences(probs.mean(dim=0).expand_as(probs), probs).mean().exp()


@mistakes.when("the sign is wrong: the score is 1 or more, never below.")
def _negative(probs):
    return 1 / _score(probs)


@mistakes.when("the logarithm is that of base 2, but exp undoes the natural one: use log.")
def _log2_with_exp(probs):
    return (_score(probs).log() / math.log(2)).exp()


@mistakes.when("the logarithm is the natural one, but 2 to its power undoes log2: use exp.")
def _log_with_exp2(probs):
    return _score(probs).log().exp2()


@mistakes.when(
    "probabilities of 0 give NaN: 0 · log 0 is none for a computer. torch.where(p > 0, …, 0.0) "
    "counts them 0."
)
def _nan_without_p(probs):
    return (probs * (probs / probs.mean(dim=0)).log()).sum(dim=1).mean().exp()


@mistakes.when(
    "a class that never occurs gives NaN, by 0 / 0, or as 0 · log p(y): where p(y|x) is 0, a class "
    "counts 0."
)
def _nan_without_both(probs):
    return torch.special.xlogy(probs, probs / probs.mean(dim=0)).sum(dim=1).mean().exp()


@mistakes.when("a softmax is taken of `probs`: they are probabilities already, no logits.")
def _softmax_again(probs):
    return _score(probs.softmax(dim=1))


@mistakes.when(
    "only the class that is most probable counts, as if the classifier were sure: all "
    "probabilities do."
)
def _most_probable(probs):
    return _score(torch.eye(probs.shape[1], dtype=probs.dtype)[probs.argmax(dim=1)])


@mistakes.when(
    "the images are cut into ten parts, and the scores of the parts averaged, as papers do: here "
    "it is one score of all images."
)
def _ten_parts(probs):
    return torch.stack([_score(part) for part in probs.chunk(10)]).mean()


EXERCISE = Exercise(
    name="inception_score",
    title="The Inception Score",
    points=3,
    reference=inception_score,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="The Inception Score",
)
