"""Exercise: the moments of two sets of features in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer
from cvgen_course.evaluation.statistics import merge_moments

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: sets of many features and few, of one, of none; one dimension."""

    def moments(num: int, D: int) -> tuple[int, Tensor, Tensor]:
        """Return the moments of features that are drawn; each set has a mean of its own."""
        mean = 4 * torch.rand(D, generator=rng, dtype=torch.float64) - 2
        mix = torch.randn(D, D, generator=rng, dtype=torch.float64)
        features = mean + torch.randn(num, D, generator=rng, dtype=torch.float64) @ mix
        mean = features.sum(dim=0) / max(1, num)
        return num, mean, (features - mean).T @ (features - mean)

    def ask(*nums: int, D: int = 3) -> dict[str, Any]:
        """Return two sets, or three of which the third comes to the first two in one."""
        names = ("first", "second", "third")
        return {name: moments(num, D) for name, num in zip(names, nums, strict=False)}

    return [
        Case(
            "seven features and three",
            ask(7, 3),
            weight=2,
            hint="The common mean is nearer to that of the larger set. About it, both scatters are "
            "larger than about their own.",
        ),
        Case(
            "as many in both",
            ask(6, 6),
            weight=1,
            hint="Then the common mean lies halfway between the two.",
        ),
        Case(
            "thousands and a few",
            ask(5000, 4, D=2),
            weight=2,
            hint="Each feature counts the same, in whichever set it is.",
        ),
        Case(
            "a few and thousands",
            ask(3, 4000, D=4),
            weight=2,
            hint="Each feature counts the same, in whichever set it is.",
        ),
        Case(
            "one feature and another one",
            ask(1, 1),
            weight=1,
            hint="Neither has a scatter of its own: all of it comes from what they are apart.",
        ),
        Case(
            "one feature and eleven",
            ask(1, 11, D=2),
            weight=1,
            hint="A set may have a single feature: nothing is divided by num - 1 in here.",
        ),
        Case(
            "one dimension",
            ask(4, 9, D=1),
            weight=1,
            hint="D may be 1: the mean has the shape (1,), the scatter (1, 1).",
        ),
        Case(
            "no features, then five",
            ask(0, 5),
            weight=2,
            hint="The result is that of the second set: the zeros of the first count nothing.",
        ),
        Case(
            "eight features, then none, then three",
            ask(8, 0, 3, D=2),
            weight=2,
            hint="Eight and none are the first set: the zeros of the second count nothing.",
        ),
        Case(
            "no features, then one",
            ask(0, 1),
            weight=1,
            hint="num is 1, and the mean is that feature.",
        ),
        Case(
            "none, then none, then five",
            ask(0, 0, 5),
            weight=2,
            hint="Of none and none num is 0, and mean and scatter are zeros: no 0 / 0.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return number, mean and scatter of all sets in one; a number may come as a tensor."""
    found, *others = inputs.values()
    for other in others:
        num = found[0]
        if isinstance(num, Tensor) and num.dtype == torch.int64 and num.ndim == 0:
            found = int(num), *found[1:]  # int64 tensors divided by each other are float32
        found = implementation(found, other)
        if not isinstance(found, tuple | list) or len(found) != 3:
            raise WrongAnswer("your function should return three things: return num, mean, scatter")
        found = tuple(found)
    return dict(zip(("num", "the mean", "the scatter"), found, strict=True))


def _merged(
    first: tuple[int, Tensor, Tensor], second: tuple[int, Tensor, Tensor], **wrong: Any
) -> tuple[int, Tensor, Tensor]:
    """Return what is right but for what is given: the mean, or what comes to both scatters."""
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    share = M / max(1, N + M)
    mean = mean_1 + share * (mean_2 - mean_1)
    between = N * share * _outer(mean_2 - mean_1)
    scatter = scatter_1 + scatter_2 + wrong.get("between", between)
    return N + M, wrong.get("mean", mean), scatter


def _outer(vector: Tensor) -> Tensor:
    return torch.outer(vector, vector)


@mistakes.when(
    "the two means are averaged as if both sets were of the same size: each counts as often as it "
    "has features."
)
def _means_unweighted(first, second):
    return _merged(first, second, mean=(first[1] + second[1]) / 2)


@mistakes.when(
    "the means are averaged as if both sets were of the same size, and the scatters added as if "
    "both means were equal."
)
def _averaged_and_added(first, second):
    return _merged(first, second, mean=(first[1] + second[1]) / 2, between=0)


@mistakes.when("the weights of the two means are exchanged: each has that of its own features.")
def _weights_exchanged(first, second):
    (N, mean_1, _), (M, mean_2, _) = first, second
    return _merged(first, second, mean=(M * mean_1 + N * mean_2) / max(1, N + M))


@mistakes.when(
    "the two scatters are added, and that is all: each is about its own mean. About the common one "
    "they are larger, by N · M / (N + M) times the outer product of what the means are apart."
)
def _nothing_between(first, second):
    return _merged(first, second, between=0)


@mistakes.when(
    "what the means are apart comes into the scatter without its factor, N · M / (N + M)."
)
def _factor_missing(first, second):
    return _merged(first, second, between=_outer(second[1] - first[1]))


@mistakes.when(
    "what the means are apart is multiplied by N · M, and not divided by N + M: a scatter is a sum "
    "over features, not over pairs of them."
)
def _not_divided(first, second):
    return _merged(first, second, between=first[0] * second[0] * _outer(second[1] - first[1]))


@mistakes.when(
    "what the means are apart is multiplied by the product of both shares, N · M / (N + M)²: that "
    "belongs to a covariance. For a scatter it is N · M / (N + M)."
)
def _divided_twice(first, second):
    (N, mean_1, _), (M, mean_2, _) = first, second
    factor = N * M / max(1, N + M) ** 2
    return _merged(first, second, between=factor * _outer(mean_2 - mean_1))


@mistakes.when("what the means are apart is multiplied by N + M: the factor is N · M / (N + M).")
def _factor_of_all(first, second):
    return _merged(first, second, between=(first[0] + second[0]) * _outer(second[1] - first[1]))


@mistakes.when(
    "the squares of what the means are apart are summed to one number: it is their outer product, "
    "(D, D)."
)
def _inner_product(first, second):
    (N, mean_1, _), (M, mean_2, _) = first, second
    between = N * M / max(1, N + M) * (mean_2 - mean_1).square().sum()
    return _merged(first, second, between=between)


@mistakes.when(
    "what the means are apart is multiplied by itself, element by element: it is the outer "
    "product, (D, D), of each two of its numbers."
)
def _elementwise(first, second):
    (N, mean_1, _), (M, mean_2, _) = first, second
    return _merged(first, second, between=N * M / max(1, N + M) * (mean_2 - mean_1) ** 2)


@mistakes.when(
    "the scatters are averaged with the sets' shares, as covariances are: they are sums, so they "
    "are added."
)
def _scatters_averaged(first, second):
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    num = max(1, N + M)
    scatter = (N * scatter_1 + M * scatter_2) / num + N * M / num * _outer(mean_2 - mean_1)
    return *_merged(first, second)[:2], scatter


@mistakes.when(
    "the scatter is divided, by num or num - 1: that would be a covariance. It is the sum itself."
)
def _covariance(first, second):
    num, mean, scatter = _merged(first, second)
    return num, mean, scatter / max(1, num - 1)


@mistakes.when(
    "something is divided by N or by M alone: of a set without features, that leaves NaN. N + M is "
    "0 only where both are empty."
)
def _nan_without_features(first, second):
    (N, mean_1, scatter_1), (M, mean_2, scatter_2) = first, second
    cov_1, cov_2 = scatter_1 / N, scatter_2 / M
    num = max(1, N + M)
    between = N * M / num * _outer(mean_2 - mean_1)
    return N + M, (N * mean_1 + M * mean_2) / num, N * cov_1 + M * cov_2 + between


@mistakes.when(
    "numbers become float32 on the way, as by torch.tensor(N / num), or .float(): everything here "
    "is float64."
)
def _float32_on_the_way(first, second):
    (N, mean_1, _), (M, mean_2, _) = first, second
    share = torch.tensor(M / max(1, N + M))
    apart = mean_2 - mean_1
    return _merged(first, second, mean=mean_1 + share * apart, between=N * share * _outer(apart))


@mistakes.when(
    "an argument is changed in place, as by mean_1 += …: whoever called may still need it. Make "
    "new tensors."
)
def _in_place(first, second):
    num, mean, scatter = _merged(first, second)
    return num, first[1].copy_(mean), first[2].copy_(scatter)


EXERCISE = Exercise(
    name="merge_moments",
    title="Two sets in one",
    points=3,
    reference=merge_moments,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="More images than fit into memory",
)
