"""Exercise: mean and covariance of features that come in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.evaluation.exercises import triples
from cvgen_course.evaluation.exercises.rounded import rounded
from cvgen_course.evaluation.exercises.stream import FEW, SPARE, Stream
from cvgen_course.evaluation.statistics import feature_statistics, moments, streaming_statistics

NAMES = ("the mean", "the covariance")
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches of all sizes, far from 0, and many that nobody may keep."""

    def ask(
        *sizes: int,
        D: int = 3,
        dtype: torch.dtype = torch.float32,
        far: float = 0,
        digits: int = 0,
        kept: bool = False,
    ) -> dict[str, Any]:
        """Return batches of features whose mean changes from one to the next.

        Args:
            *sizes: of the batches.
            D: how many numbers a feature has.
            dtype: theirs.
            far: how many times their deviation their mean is, or about so many; 0 if any.
            digits: how many right ones are asked for; 0 for the numbers themselves.
            kept: whether it is asked if batches are kept.
        """
        mix = torch.eye(D) + torch.randn(D, D, generator=rng, dtype=torch.float64) / (2 * D)
        offset = 4 * torch.rand(D, generator=rng, dtype=torch.float64) - 2
        if far:
            offset = far * (offset.sign() + 0.1 * offset)
        batches = []
        for num in sizes:
            drift = torch.randn(D, generator=rng, dtype=torch.float64)
            features = torch.randn(num, D, generator=rng, dtype=torch.float64) @ mix
            batches.append((features + drift + offset).to(dtype))
        return {"batches": batches, "digits": digits, "kept": kept}

    return [
        Case(
            "three batches of the same size",
            ask(5, 5, 5),
            weight=1,
            hint="mean and covariance of all fifteen features, as if they had come at once.",
        ),
        Case(
            "batches of different sizes",
            ask(9, 2, 4),
            weight=1,
            hint="Each feature counts the same, however large its batch is.",
        ),
        Case(
            "a single batch",
            ask(6, D=4),
            weight=1,
            hint="The sum of (x - mean)(x - mean)^T, divided by the number of features less one.",
        ),
        Case(
            "one dimension",
            ask(4, 3, D=1),
            weight=1,
            hint="D may be 1: the mean has the shape (1,), the covariance (1, 1); no squeeze.",
        ),
        Case(
            "float32 batches, and a result of float64",
            ask(4, 2, 8, digits=9),
            weight=1,
            hint="float32 has seven digits, the result more: batch.double() before anything is "
            "computed.",
        ),
        Case(
            "float64",
            ask(3, 6, 4, D=2, dtype=torch.float64, digits=9),
            weight=1,
            hint="New here: batches of float64. No digit of theirs is lost on the way.",
        ),
        Case(
            "batches of one feature each",
            ask(1, 1, 1, 1, 1, D=2),
            weight=1,
            hint="A single feature has a mean, and a scatter of 0; its covariance would be 0 / 0.",
        ),
        Case(
            "two features in all",
            ask(1, 1),
            weight=1,
            hint="The least there may be; the number of features less one is 1 then.",
        ),
        Case(
            "some batches are empty, some have one feature",
            ask(4, 0, 1, 5, 0),
            weight=1,
            hint="An empty batch changes nothing; batch.mean(dim=0) of it is NaN, 0 / 0.",
        ),
        Case(
            "the first batches are empty",
            ask(0, 0, 3, 1, D=2),
            weight=8,
            hint="Until a feature comes there is no mean: no 0 / 0.",
        ),
        Case(
            "far from 0: the mean is 10,000 deviations",
            ask(20, 30, 10, far=1e4, digits=5),
            weight=7,
            hint="float32 has seven digits, of which the mean takes four: batch.double() before "
            "anything is computed, and the sums in float64.",
        ),
        Case(
            "far from 0, batches of all sizes",
            ask(1, 25, 0, 14, 2, D=2, far=1e4, digits=5),
            weight=8,
            hint="float32 has seven digits, of which the mean takes four: batch.double() before "
            "anything is computed, and the sums in float64.",
        ),
        Case(
            "farther from 0, float64: the mean is two million deviations",
            # ten million are promised; at two, even sums of long doubles are right
            ask(20, 30, 10, dtype=torch.float64, far=2e6, digits=5),
            weight=16,
            hint="A square has 13 digits before those that matter, and float64 16 in all: no sums "
            "of squares, but moments that are merged.",
        ),
        Case(
            "25 batches, of which none is kept",
            ask(*[40] * 25, D=4, dtype=torch.float64, kept=True),
            weight=16,
            hint="What is kept of a batch is number, mean and scatter; no list of batches, no "
            "torch.cat.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return mean and covariance, or whether they have enough digits; whether batches are kept.

    Digits are counted in standard deviations.
    """
    batches, digits = inputs["batches"], inputs["digits"]
    features = torch.cat(batches).double()
    answer: dict[str, Any] = {}
    if inputs["kept"]:
        with Stream(batches) as stream:
            pair = implementation(stream)
        kept = stream.num_kept > SPARE or stream.share_kept > FEW
        answer["batches that are kept"] = ["many" if kept else "none"]
    else:
        pair = implementation(batch for batch in batches)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two tensors: return mean, covariance")
    right = features.mean(dim=0), torch.cov(features.T).view(2 * features.shape[1:])
    deviation = right[1].diagonal().sqrt()
    units = deviation, torch.outer(deviation, deviation)
    for name, each, true, unit in zip(NAMES, pair, right, units, strict=True):
        got = as_tensor(each, name)
        if got.is_floating_point() and got.dtype != torch.float64:
            dtype = str(got.dtype).removeprefix("torch.")
            raise WrongAnswer(f"{name} is {dtype}, it should be float64")
        if not digits:
            answer[name] = rounded(each, name, torch.float32)
            continue
        if got.shape != true.shape:
            shapes = f"{tuple(got.shape)}, expected {tuple(true.shape)}"
            raise WrongAnswer(f"{name} has shape {shapes}")
        error = ((got - true) / unit).abs().max()
        if error < 10**-digits:
            answer[name] = [f"right to {digits} digits"]
        else:
            answer[name] = ["right to fewer digits" if error < 0.05 else "wrong"]
    return answer


@mistakes.when("the scatter is divided by the number of features: it is that number less one.")
def _biased(batches):
    num, mean, scatter = triples.of_all(batches)
    return mean, scatter / num


@mistakes.when(
    "float32 is computed in: far from 0, its digits are used up by the mean. batch.double() comes "
    "first, for each batch."
)
def _float32(batches):
    mean, covariance = triples.divided(
        triples.of_all(batches, lambda batch: triples.moments_of(batch, batch.dtype))
    )
    return mean.double(), covariance.double()


@mistakes.when(
    "sums of float32 are subtracted from each other, Σ x x^T and that of the mean: far from 0 both "
    "are huge, and of their difference no digit is left. batch.double() comes first, for each "
    "batch."
)
def _sums_of_float32(batches):
    mean, covariance = triples.from_sums(batches)
    return mean.double(), covariance.double()


@mistakes.when(
    "the covariance is the difference of two large sums, of x x^T and of the mean's: far from 0 "
    "they have nearly all digits in common, and even float64 has too few. Merge moments, or "
    "subtract a first guess of the mean from all features."
)
def _sums_of_squares(batches):
    return triples.from_sums(batch.double() for batch in batches)


@mistakes.when("the result is rounded to float32 at the end: return it as it is, in float64.")
def _rounded_at_the_end(batches):
    mean, covariance = triples.divided(triples.of_all(batches))
    return mean.float(), covariance.float()


@mistakes.when(
    "only the covariance is rounded to float32 at the end: return both as they are, in float64."
)
def _covariance_rounded(batches):
    mean, covariance = triples.divided(triples.of_all(batches))
    return mean, covariance.float()


@mistakes.when(
    "batches are changed in place, as by batch -= mean; batch.double() is no copy where a batch is "
    "float64. Make new tensors: batch - mean."
)
def _in_place(batches):
    def moments(batch):
        found = triples.moments_of(batch)
        batch.double().sub_(found[1])
        return found

    return triples.divided(triples.of_all(batches, moments))


@mistakes.when(
    "the scatters of the batches are added, and that is all: each is about the mean of its own "
    "batch. How far these means are apart comes to it, as in merge_moments."
)
def _nothing_between(batches):
    def merged(first, second):
        return *triples.merged(first, second)[:2], first[2] + second[2]

    return triples.divided(triples.of_all(batches, merged=merged))


@mistakes.when(
    "means and covariances of the batches are averaged: batches differ in size, and within one "
    "nothing is seen of how far it is from the others."
)
def _averages_of_batches(batches):
    means, covariances = zip(
        *(triples.divided(triples.moments_of(batch)) for batch in batches), strict=True
    )
    return torch.stack(means).mean(dim=0), torch.stack(covariances).mean(dim=0)


@mistakes.when(
    "the means of the batches are averaged as if all were of the same size: each counts as often "
    "as it has features."
)
def _means_unweighted(batches):
    means = []

    def noted(batch):
        moments = triples.moments_of(batch)
        means.append(moments[1])
        return moments

    _, covariance = triples.divided(triples.of_all(batches, noted))
    return torch.stack(means).mean(dim=0), covariance


@mistakes.when(
    "the mean so far and that of the new batch are averaged as if there were as many features in "
    "both: each counts as often as it has features."
)
def _halfway(batches):
    def merged(first, second):
        num, _, scatter = triples.merged(first, second)
        return num, (first[1] + second[1]) / 2, scatter

    return triples.divided(triples.of_all(batches, merged=merged))


@mistakes.when(
    "each batch is centred at the mean of what has come so far, and the scatters are added: the "
    "mean moves on, and what was added before was about another one."
)
def _centred_at_the_mean_so_far(batches):
    def merged(first, second):
        num, mean, _ = triples.merged(first, second)
        M, mean_2, scatter_2 = second
        apart = mean_2 - mean
        return num, mean, first[2] + scatter_2 + M * torch.outer(apart, apart)

    return triples.divided(triples.of_all(batches, merged=merged))


@mistakes.when(
    "batches are kept, in a list or a tensor that grows: more of them may come than fit into "
    "memory. Keep number, mean and scatter."
)
def _all_kept(batches):
    return triples.divided(triples.moments_of(torch.cat(list(batches))))


@mistakes.when(
    "the batches are gone through a second time, after the mean is known: they come once, and the "
    "second time there are none."
)
def _twice(batches):
    _, mean, scatter = triples.of_all(batches)
    return mean, sum((triples.moments_of(batch)[2] for batch in batches), torch.zeros_like(scatter))


@mistakes.when(
    "a batch of one feature gives NaN: its covariance is 0 / 0. What is added up is the scatter, "
    "which is 0 then."
)
def _nan_of_one_feature(batches):
    def moments(batch):
        num, mean, scatter = triples.moments_of(batch)
        return num, mean, scatter / (num - 1) * (num - 1)

    return triples.divided(triples.of_all(batches, moments))


@mistakes.when("an empty batch gives NaN: its mean is 0 / 0. Leave it out.")
def _nan_of_an_empty_batch(batches):
    def moments(batch):
        num, _, scatter = triples.moments_of(batch)
        return num, batch.double().mean(dim=0), scatter

    return triples.divided(triples.of_all(batches, moments))


@mistakes.when("the scatter is returned as it is: divide it by the number of features less one.")
def _not_divided(batches):
    return triples.of_all(batches)[1:]


@mistakes.when("nothing is subtracted from the features: a covariance is about the mean.")
def _not_centred(batches):
    num, mean, scatter = triples.of_all(batches)
    return mean, (scatter + num * torch.outer(mean, mean)) / (num - 1)


@mistakes.when(
    "the outer product of the mean is subtracted from a sum that was divided by the number less "
    "one: divide that sum by the number, subtract, and multiply by number / (number - 1)."
)
def _two_divisors(batches):
    num, mean, scatter = triples.of_all(batches)
    squares = scatter + num * torch.outer(mean, mean)
    return mean, squares / (num - 1) - torch.outer(mean, mean)


@mistakes.when("only the last batch counts: what came before is overwritten.")
def _last_batch(batches):
    return triples.divided(triples.of_all(batches, merged=lambda first, second: second))


@mistakes.when(
    "variances are returned, one for each dimension: the covariance is (D, D), of each two of them."
)
def _variances(batches):
    mean, covariance = triples.divided(triples.of_all(batches))
    return mean, covariance.diagonal()


EXERCISE = Exercise(
    name="streaming_statistics",
    title="Statistics of batches",
    points=2,
    reference=streaming_statistics,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(moments, feature_statistics),
    read="More images than fit into memory",
)
