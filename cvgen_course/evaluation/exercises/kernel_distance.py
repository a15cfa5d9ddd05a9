"""Exercise: the kernel distance (KID) of two sets of features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.evaluation import estimate_kernel_distance, kernel_distance, polynomial_kernel
from cvgen_course.evaluation.exercises.rounded import rounded

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: sets of 2 to 110, sets without a difference, D of 1 to 64."""

    def normal(N: int, D: int, mean: float = 0.0, scale: float = 1.0) -> Tensor:
        return mean + scale * torch.randn(N, D, generator=rng, dtype=torch.float64)

    def ask(
        draw: Callable[[], tuple[Tensor, Tensor]], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        """Return two sets whose distance is not lost in the rounding of what is subtracted."""
        while True:
            real, fake = draw()
            if _is_precise(real, fake):
                return {"real": real.to(dtype), "fake": fake.to(dtype)}

    def copies(N: int, D: int) -> tuple[Tensor, Tensor]:
        real = normal(N, D)
        return real, real.clone()

    def near(N: int, D: int) -> tuple[Tensor, Tensor]:
        real = normal(N, D)
        return real, (real + normal(N, D, scale=0.05)).flip(0)

    def on_a_line(*numbers: float) -> Tensor:
        """Return numbers as features, D = 1, in some order."""
        order = torch.randperm(len(numbers), generator=rng)
        return torch.tensor(numbers, dtype=torch.float64)[order, None]

    return [
        Case(
            "three real features, three fakes",
            ask(lambda: (normal(3, 2, mean=1), normal(3, 2, scale=2))),
            weight=2,
            hint="Each mean is over pairs of two different features: N (N - 1) of them; the "
            "diagonal of the kernel matrix is left out.",
        ),
        Case(
            "five real features, three fakes",
            ask(lambda: (normal(5, 4, mean=-1), normal(3, 4, scale=2))),
            weight=3,
            hint="N and M differ: N (N - 1) pairs of real ones, M (M - 1) of fakes, and N M of one "
            "each.",
        ),
        Case(
            "two real features, seven fakes",
            ask(lambda: (normal(2, 5), normal(7, 5, mean=1))),
            weight=2,
            hint="N may be 2: there are two pairs then, (1, 2) and (2, 1).",
        ),
        Case(
            "features of a single number (D = 1)",
            ask(lambda: (normal(6, 1, mean=1), normal(4, 1, mean=-1))),
            weight=2,
            hint="D may be 1: no squeeze.",
        ),
        Case(
            "the fakes are the real ones: below 0",
            ask(lambda: copies(4, 3)),
            weight=3,
            hint="No real feature is paired with itself, but each with its copy among the fakes: "
            "below 0. It stays so.",
        ),
        Case(
            "fakes are almost the real ones, in another order",
            ask(lambda: near(6, 5)),
            weight=3,
            hint="The estimate is right on average, so it is below 0 about as often as above: no "
            "clamp.",
        ),
        Case(
            "two features each, and their copies",
            ask(lambda: copies(2, 4)),
            weight=1,
            hint="N and M may be 2, and the result below 0.",
        ),
        Case(
            "D = 1, and copies",
            ask(lambda: copies(5, 1)),
            weight=1,
            hint="D may be 1, and the result below 0.",
        ),
        Case(
            "large features",
            ask(lambda: (normal(4, 6, mean=20, scale=4), normal(5, 6, mean=10, scale=4))),
            weight=2,
            hint="The kernel is (x·y / D + 1)^3, whatever the size of the features: nothing is "
            "normalised.",
        ),
        Case(
            "64 features of each image",
            ask(lambda: (normal(5, 64), normal(6, 64, mean=0.8))),
            weight=2,
            hint="The product is divided by D, the number of features: real.shape[1].",
        ),
        Case(
            "float64",
            ask(lambda: (normal(4, 3, mean=1), normal(6, 3)), dtype=torch.float64),
            weight=2,
            hint="New here: float64; the result is as precise as the features.",
        ),
        Case(
            "a feature that is there twice",
            # the kernel of 1 and -1 is 0: what is 0 is not the diagonal either
            ask(lambda: (on_a_line(1, -1, 2, 2), on_a_line(1, 0, 3))),
            weight=2,
            hint="Two features that are equal are a pair like any other: only the diagonal is left "
            "out.",
        ),
        Case(
            "105 real features, 110 fakes",
            ask(lambda: (normal(105, 2, mean=1), normal(110, 2, scale=1.5))),
            weight=2,
            hint="All pairs count, however many features there are: no subsets.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Tensor]) -> Tensor:
    """Return the distance; it may be more precise than the features are."""
    real, fake = inputs["real"], inputs["fake"]
    return rounded(implementation(real, fake), "the distance", real.dtype)


def _is_precise(real: Tensor, fake: Tensor) -> bool:
    """Return whether the distance is a large part of the means that it is made of."""
    means = _distance(
        real,
        fake,
        kernel=lambda x, y: _kernel(x, y).abs(),
        within=lambda pairs: pairs.sum() / (len(pairs) * (len(pairs) - 1)),
        factor=-2,
    )
    return bool(means < 20 * _distance(real, fake).abs())


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def _within(pairs):
    """Return the mean over pairs of two different features."""
    return (pairs.sum() - pairs.trace()) / (len(pairs) * (len(pairs) - 1))


def _distance(real, fake, kernel=_kernel, within=_within, across=torch.mean, factor=2):
    """Return what is right but for what is given."""
    return (
        within(kernel(real, real))
        + within(kernel(fake, fake))
        - factor * across(kernel(real, fake))
    )


@mistakes.when(
    "each feature is paired with itself, too: the diagonal of the kernel matrix is left out, else "
    "the estimate is too large on average."
)
def _diagonal_included(real, fake):
    return _distance(real, fake, within=torch.mean)


@mistakes.when(
    "the diagonal is left out, but the sum divided by N²: without it there are N (N - 1) pairs."
)
def _divided_by_all(real, fake):
    return _distance(real, fake, within=lambda pairs: (pairs - pairs.diag().diag()).mean())


@mistakes.when(
    "the sum is divided by N (N - 1), but the diagonal is still in it: subtract its trace."
)
def _trace_included(real, fake):
    return _distance(real, fake, within=lambda pairs: pairs.sum() / (len(pairs) * (len(pairs) - 1)))


@mistakes.when(
    "N is subtracted from the sum, as if the kernel of a feature with itself were 1: it is "
    "(x·x / D + 1)^3; subtract the trace."
)
def _number_subtracted(real, fake):
    return _distance(
        real,
        fake,
        within=lambda pairs: (pairs.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1)),
    )


@mistakes.when(
    "triu keeps the diagonal: it is triu(diagonal=1) that has each pair of two different features "
    "once."
)
def _triangle_with_diagonal(real, fake):
    return _distance(
        real, fake, within=lambda pairs: 2 * pairs.triu().sum() / (len(pairs) * (len(pairs) - 1))
    )


@mistakes.when(
    "each pair is summed once, but the sum divided by N (N - 1), as if it were there twice, as "
    "(x, y) and (y, x)."
)
def _half_of_the_pairs(real, fake):
    return _distance(real, fake, within=lambda pairs: _within(pairs) / 2)


@mistakes.when("the kernel is squared: its degree is 3.")
def _degree_two(real, fake):
    return _distance(real, fake, kernel=lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2)


@mistakes.when("the kernel has no power: its degree is 3.")
def _degree_one(real, fake):
    return _distance(real, fake, kernel=lambda x, y: x @ y.T / x.shape[1] + 1)


@mistakes.when(
    "the kernel lacks the 1, or has it added after the power, where it cancels out: "
    "(x·y / D + 1)^3."
)
def _one_missing(real, fake):
    return _distance(real, fake, kernel=lambda x, y: (x @ y.T / x.shape[1]) ** 3)


@mistakes.when("x·y is not divided by D, the number of features.")
def _not_divided(real, fake):
    return _distance(real, fake, kernel=lambda x, y: (x @ y.T + 1) ** 3)


@mistakes.when("x·y is divided by how many features there are, N: it is by their length D.")
def _divided_by_number(real, fake):
    return _distance(real, fake, kernel=lambda x, y: (x @ y.T / len(x) + 1) ** 3)


@mistakes.when("x·y + 1 is divided by D: only x·y is.")
def _one_divided(real, fake):
    return _distance(real, fake, kernel=lambda x, y: ((x @ y.T + 1) / x.shape[1]) ** 3)


@mistakes.when("the mean over pairs of a real one and a fake is subtracted once: it is twice.")
def _factor_missing(real, fake):
    return _distance(real, fake, factor=1)


@mistakes.when("the mean over pairs of a real one and a fake is added: it is subtracted, twice.")
def _added(real, fake):
    return _distance(real, fake, factor=-2)


@mistakes.when(
    "what is below 0 is set to 0: then the estimate is too large on average; leave it below 0."
)
def _clamped(real, fake):
    return _distance(real, fake).clamp(min=0)


@mistakes.when("the absolute value is taken: the estimate may be below 0, and stays so.")
def _absolute(real, fake):
    return _distance(real, fake).abs()


@mistakes.when("the root is taken: KID is the squared distance, and may be below 0.")
def _root(real, fake):
    return _distance(real, fake).sqrt()


@mistakes.when("the root is taken: KID is the squared distance, and what is below 0 stays so.")
def _root_of_clamped(real, fake):
    return _distance(real, fake).clamp(min=0).sqrt()


@mistakes.when(
    "the number of real features is taken for that of fakes, too: there are M (M - 1) pairs of "
    "fakes, and N M of a real one and a fake."
)
def _equally_many(real, fake):
    N = len(real)
    return _distance(
        real,
        fake,
        within=lambda pairs: (pairs.sum() - pairs.trace()) / (N * (N - 1)),
        across=lambda pairs: pairs.sum() / N**2,
    )


@mistakes.when(
    "the sum over pairs of a real one and a fake is divided by N²: there are N M of them."
)
def _across_by_square(real, fake):
    return _distance(real, fake, across=lambda pairs: pairs.sum() / len(pairs) ** 2)


@mistakes.when(
    "the diagonal is left out of the pairs of a real one and a fake, too: all N M of them count."
)
def _across_without_diagonal(real, fake):
    def across(pairs):
        N, M = pairs.shape
        return (pairs.sum() - pairs.diagonal().sum()) / (N * M - min(N, M))

    return _distance(real, fake, across=across)


@mistakes.when("the kernel is the Gaussian one: here it is (x·y / D + 1)^3.")
def _gaussian(real, fake):
    return _distance(real, fake, kernel=lambda x, y: (-torch.cdist(x, y).square() / 2).exp())


@mistakes.when("features are divided by their length first: they are taken as they are.")
def _normalised(real, fake):
    real, fake = (x / x.norm(dim=1, keepdim=True) for x in (real, fake))
    return _distance(real, fake)


EXERCISE = Exercise(
    name="kernel_distance",
    title="The kernel distance",
    points=3,
    reference=kernel_distance,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(polynomial_kernel, estimate_kernel_distance),
    read="Pair by pair",
)
