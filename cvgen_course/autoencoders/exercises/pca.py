"""Exercise: principal components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.autoencoders.pca import pca
from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: more rows than columns and fewer, one component and all, float64."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def ask(
        N: int,
        D: int,
        num_components: int,
        dtype: torch.dtype = torch.float32,
        away: float = 4.0,
        constant: int | None = None,
    ) -> dict[str, Any]:
        """Return rows whose components are well apart, so that rounding does not turn them.

        ``towards`` is the sum of all of them: components are turned towards it, so that either
        sign is right.
        """
        rank = min(N - 1, D - (constant is not None))
        varying = [d for d in range(D) if d != constant]
        directions = torch.zeros(D, rank, dtype=torch.float64)
        directions[varying] = torch.linalg.qr(normal(len(varying), rank)).Q
        # columns that are orthogonal to a column of ones have a mean of 0
        ones = torch.ones(N, 1, dtype=torch.float64)
        coordinates = torch.linalg.qr(torch.cat([ones, normal(N, rank)], dim=1)).Q[:, 1:]
        down = uniform(1.4, 1.8, rank)
        down[0] = uniform(0.1, 0.2, 1)
        down[num_components + 1 :] = 1.05  # the rest is nearly as small as the first one left out
        variances = (1 / down).cumprod(dim=0)
        mean = normal(D)
        spread = coordinates * ((N - 1) * variances).sqrt() @ directions.T
        x = away * mean / mean.norm() + spread
        return {
            "x": x.to(dtype),
            "num_components": num_components,
            "towards": directions.sum(dim=1),
        }

    return [
        Case(
            "twelve points in space, two components",
            ask(12, 3, 2),
            weight=2,
            hint="Take the mean away, then torch.linalg.svd(…, full_matrices=False): the rows of "
            "Vᵀ are the components.",
        ),
        Case(
            "twenty rows of five numbers, three components",
            ask(20, 5, 3),
            weight=2,
            hint="The variance along a component is its singular value squared, divided by N - 1.",
        ),
        Case(
            "a single component",
            ask(9, 4, 1),
            weight=1,
            hint="New here: one component; components keep the shape (1, D).",
        ),
        Case(
            "as many components as dimensions",
            ask(15, 4, 4),
            weight=2,
            hint="New here: K = D. Each *row* of your result should be a direction, the first that "
            "of largest variance.",
        ),
        Case(
            "fewer rows than dimensions",
            ask(7, 16, 3),
            weight=2,
            hint="New here: N < D; components have D numbers all the same.",
        ),
        Case(
            "fewer rows than dimensions, all N - 1 components",
            ask(5, 8, 4),
            weight=2,
            hint="N centred rows span N - 1 dimensions; there is no more variance than that.",
        ),
        Case(
            "two rows",
            ask(2, 3, 1),
            weight=1,
            hint="The component points from one to the other, and N - 1 is 1.",
        ),
        Case(
            "one of the numbers is the same in all rows",
            ask(10, 5, 2, constant=int(torch.randint(5, (), generator=rng))),
            weight=1,
            hint="Divide no column by its standard deviation: only the mean is taken away.",
        ),
        Case(
            "float64",
            ask(11, 6, 2, dtype=torch.float64),
            weight=1.5,
            hint="The results are as precise as `x`.",
        ),
        Case(
            "float64, far from the origin",
            ask(14, 6, 3, dtype=torch.float64, away=100.0),
            weight=1.5,
            hint="The flat goes through the mean, not through the origin.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the mean, the components, turned to one side, and the variances."""
    K, towards = inputs["num_components"], inputs["towards"]
    found = implementation(inputs["x"], K)
    names = ("the mean", "the components", "the variances")
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise WrongAnswer("three things are asked for: return mean, components, variances")
    parts = [as_tensor(part, name) for name, part in zip(names, found, strict=True)]

    def turned(rows: Tensor) -> Tensor:  # nested: a probe calls no function of its module
        along = towards if rows.shape[1] == len(towards) else rows**2  # no component: its skew
        return torch.where((rows * along).sum(dim=1, keepdim=True) < 0, -rows, rows)

    if parts[1].shape == (len(towards), K) and len(towards) != K:
        parts[1] = turned(parts[1].T).T  # columns, which the comparison explains
    elif parts[1].ndim == 2:
        parts[1] = turned(parts[1])
    return dict(zip(names, parts, strict=True))


def _svd(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the mean, the three parts of the centred rows, and all variances."""
    mean = x.mean(dim=0)
    left, singular, right = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, left, singular, right, singular**2 / (len(x) - 1)


def _eigh(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean, and the eigenvalues and eigenvectors of the covariance, ascending."""
    values, vectors = torch.linalg.eigh(x.T.cov())
    return x.mean(dim=0), values, vectors


@mistakes.when("the mean is not taken away before the decomposition.")
def _not_centred(x, num_components):
    _, singular, right = torch.linalg.svd(x, full_matrices=False)
    variances = singular[:num_components] ** 2 / (len(x) - 1)
    return x.mean(dim=0), right[:num_components], variances


@mistakes.when("each row's own mean is taken away: it is the mean of the rows, over dimension 0.")
def _rows_centred(x, num_components):
    centred = x - x.mean(dim=1, keepdim=True)
    _, singular, right = torch.linalg.svd(centred, full_matrices=False)
    variances = singular[:num_components] ** 2 / (len(x) - 1)
    return x.mean(dim=0), right[:num_components], variances


@mistakes.when(
    "columns of Vᵀ, or rows of V, are taken: components are the rows of Vᵀ, which is what "
    "torch.linalg.svd returns."
)
def _columns_of_vt(x, num_components):
    mean, _, _, right, variances = _svd(x)
    return mean, right[:, :num_components].T, variances[:num_components]


@mistakes.when("the first columns of Vᵀ are returned: its rows are the components.")
def _columns_as_they_are(x, num_components):
    mean, _, _, right, variances = _svd(x)
    return mean, right[:, :num_components], variances[:num_components]


@mistakes.when("U is taken for V: U has a number for each item, a component one for each column.")
def _left(x, num_components):
    mean, left, _, _, variances = _svd(x)
    return mean, left[:, :num_components].T, variances[:num_components]


@mistakes.when("the components stand in columns: return one direction in each row.")
def _in_columns(x, num_components):
    mean, _, _, right, variances = _svd(x)
    return mean, right[:num_components].T, variances[:num_components]


@mistakes.when("the singular values are divided by N - 1, but not squared.")
def _not_squared(x, num_components):
    mean, _, singular, right, _ = _svd(x)
    return mean, right[:num_components], singular[:num_components] / (len(x) - 1)


@mistakes.when("the singular values themselves are returned: square them, divide by N - 1.")
def _singular_values(x, num_components):
    mean, _, singular, right, _ = _svd(x)
    return mean, right[:num_components], singular[:num_components]


@mistakes.when("the squares of the singular values are not divided by N - 1.")
def _not_divided(x, num_components):
    mean, _, singular, right, _ = _svd(x)
    return mean, right[:num_components], singular[:num_components] ** 2


@mistakes.when("the variances are divided by N: here it is N - 1.")
def _divided_by_n(x, num_components):
    mean, _, singular, right, _ = _svd(x)
    return mean, right[:num_components], singular[:num_components] ** 2 / len(x)


@mistakes.when("standard deviations are returned: the variances are their squares.")
def _deviations(x, num_components):
    mean, _, _, right, variances = _svd(x)
    return mean, right[:num_components], variances[:num_components].sqrt()


@mistakes.when("each variance is divided by the sum of all: that is its share.")
def _shares(x, num_components):
    mean, _, _, right, variances = _svd(x)
    return mean, right[:num_components], variances[:num_components] / variances.sum()


@mistakes.when("the components are divided by standard deviations (whitened): their length is 1.")
def _whitened(x, num_components):
    mean, _, _, right, variances = _svd(x)
    right, variances = right[:num_components], variances[:num_components]
    return mean, right / variances.sqrt()[:, None], variances


@mistakes.when("the components are multiplied by standard deviations: their length is 1.")
def _stretched(x, num_components):
    mean, _, _, right, variances = _svd(x)
    right, variances = right[:num_components], variances[:num_components]
    return mean, right * variances.sqrt()[:, None], variances


@mistakes.when("each column is divided by its standard deviation: only the mean is taken away.")
def _standardised(x, num_components):
    _, _, _, right, variances = _svd((x - x.mean(dim=0)) / x.std(dim=0))
    return x.mean(dim=0), right[:num_components], variances[:num_components]


@mistakes.when("all components are returned: `num_components` says how many.")
def _all(x, num_components):
    mean, _, _, right, variances = _svd(x)
    return mean, right, variances


@mistakes.when("the smallest variances are taken: torch.linalg.eigh sorts from small to large.")
def _smallest(x, num_components):
    mean, values, vectors = _eigh(x)
    return mean, vectors[:, :num_components].T, values[:num_components]


@mistakes.when("the largest variance comes last: torch.linalg.eigh sorts from small to large.")
def _ascending(x, num_components):
    mean, values, vectors = _eigh(x)
    return mean, vectors[:, -num_components:].T, values[-num_components:]


@mistakes.when("rows of the matrix of eigenvectors are taken: its columns are the eigenvectors.")
def _rows_of_eigenvectors(x, num_components):
    mean, values, vectors = _eigh(x)
    order = values.argsort(descending=True)[:num_components]
    return mean, vectors[order], values[order]


@mistakes.when(
    "the covariance is that of the items, N × N: torch.cov expects a variable in each row, x.T."
)
def _cov_of_items(x, num_components):
    values, vectors = torch.linalg.eigh(x.cov())
    order = values.argsort(descending=True)[:num_components]
    return x.mean(dim=0), vectors[:, order].T, values[order]


@mistakes.when("the mean is taken from `x` in place, as by x -= mean: x - mean is a new tensor.")
def _in_place(x, num_components):
    mean = x.mean(dim=0)
    _, _, singular, right, _ = _svd(x.sub_(mean))
    return mean, right[:num_components], singular[:num_components] ** 2 / (len(x) - 1)


EXERCISE = Exercise(
    name="pca",
    title="Principal components",
    points=3,
    reference=pca,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(torch.pca_lowrank, torch.svd_lowrank),
    read="PCA: the flat through the middle",
)
