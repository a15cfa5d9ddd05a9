"""Exercise: the trace of a matrix root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.evaluation import frechet_distance, root_trace
from cvgen_course.evaluation.exercises.covariances import (
    covariance,
    covariance_of_few,
    variances,
)
from cvgen_course.evaluation.exercises.rounded import rounded

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: covariances that commute or not, singular ones, all sizes."""

    def ask(cov_1: Tensor, cov_2: Tensor, singular: bool = False) -> dict[str, Any]:
        return {"cov_1": cov_1, "cov_2": cov_2, "singular": singular}

    def full(D: int) -> Tensor:
        return covariance(rng, D)

    def few(N: int, D: int) -> Tensor:
        return covariance_of_few(rng, N, D)

    def diagonal(D: int) -> Tensor:
        return variances(rng, D).diag()

    def wide(D: int) -> Tensor:
        return covariance(rng, D, 10 ** torch.linspace(-3, 2, D, dtype=torch.float64))

    twice = full(4)
    return [
        Case(
            "two variances (D = 1)",
            ask(diagonal(1), diagonal(1)),
            weight=1,
            hint="Two numbers, each in a matrix of 1 × 1: it is the root of their product.",
        ),
        Case(
            "diagonal covariances",
            ask(diagonal(3), diagonal(3)),
            weight=1,
            hint="The eigenvalues are the products of the variances: take the root of each, then "
            "their sum.",
        ),
        Case(
            "the same covariance twice",
            ask(twice, twice.clone()),
            weight=1,
            hint="The root of cov_1 @ cov_1 is cov_1 itself: its trace is what is asked for.",
        ),
        Case(
            "two of 2 × 2",
            ask(full(2), full(2)),
            weight=3,
            hint="The root of a matrix is not the root of its numbers. It has the roots of the "
            "eigenvalues.",
        ),
        Case(
            "two of 5 × 5",
            ask(full(5), full(5)),
            weight=3,
            hint="cov_1 @ cov_2 is not symmetric. root @ cov_2 @ root is, with the root of cov_1, "
            "and has the same eigenvalues.",
        ),
        Case(
            "variances of about a million",
            ask(1e6 * full(3), 1e6 * full(3)),
            weight=2,
            hint="As with small ones: twice as large covariances have a trace twice as large.",
        ),
        Case(
            "variances of about 1e-8",
            ask(1e-8 * full(3), 1e-8 * full(3)),
            weight=2,
            hint="The eigenvalues are about 1e-16 here, and count: nothing is added to them, and "
            "no limit but 0 is set.",
        ),
        Case(
            "the first has no inverse: 3 features, D = 8",
            ask(few(3, 8), full(8), singular=True),
            weight=3,
            hint="Rounding leaves -1e-16 of eigenvalues that are 0: clamp(min=0) before each root. "
            "Cholesky's root needs an inverse.",
        ),
        Case(
            "the second has no inverse: 3 features, D = 8",
            ask(full(8), few(3, 8), singular=True),
            weight=2,
            hint="Rounding leaves -1e-16 of eigenvalues that are 0: clamp(min=0) before each root.",
        ),
        Case(
            "neither has an inverse",
            ask(few(3, 8), few(4, 8), singular=True),
            weight=4,
            hint="Rounding leaves -1e-16 of eigenvalues that are 0: clamp(min=0), both in the "
            "root of cov_1 and at the end.",
        ),
        Case(
            "two features each (rank 1)",
            ask(few(2, 8), few(2, 8), singular=True),
            weight=2,
            hint="A single eigenvalue is not 0: the others add nothing.",
        ),
        Case(
            "no variance at all in the first",
            # not as a singular one: rounding does nothing to 0, so all digits are compared
            ask(torch.zeros(3, 3, dtype=torch.float64), full(3)),
            weight=1,
            hint="All eigenvalues are 0, and so is the sum of their roots: no limit but 0 is set.",
        ),
        Case(
            "variances from 1e-3 to 1e2",
            ask(wide(6), wide(6)),
            weight=2,
            hint="Large and small ones count. A root that is found step by step takes more steps "
            "here: eigenvalues are exact at once.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the trace.

    Of an eigenvalue that is 0, rounding leaves 1e-16, the root of which is 1e-8. That is no
    mistake: where a covariance is singular but not 0, only float32's digits are compared.
    """
    digits = torch.float32 if inputs["singular"] else torch.float64
    return rounded(implementation(inputs["cov_1"], inputs["cov_2"]), "the trace", digits)


def _root(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def _unprotected_root(covariance):
    """Return NaN where rounding leaves less than 0 of an eigenvalue."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.sqrt()) @ vectors.T


def _mixed(cov_1, cov_2, root=_root):
    """Return the eigenvalues of the product, with what rounding does to them."""
    root = root(cov_1)
    return torch.linalg.eigvalsh(root @ cov_2 @ root)


def _sum_of_roots(eigenvalues):
    return eigenvalues.clamp(min=0).sqrt().sum()


@mistakes.when(
    "the root of each number of the product is taken: the root of a matrix is another one, and has "
    "the roots of its eigenvalues."
)
def _root_of_numbers(cov_1, cov_2):
    return (cov_1 @ cov_2).sqrt().trace()


@mistakes.when(
    "the covariances are multiplied number by number, with *: cov_1 @ cov_2 is the matrix product, "
    "and its root is no root of numbers either."
)
def _number_by_number(cov_1, cov_2):
    return (cov_1 * cov_2).sqrt().trace()


@mistakes.when("the root of the trace is taken: it is the trace of the root.")
def _root_of_trace(cov_1, cov_2):
    return (cov_1 @ cov_2).trace().sqrt()


@mistakes.when("the eigenvalues are summed, not their roots: that is the trace of the product.")
def _no_root(cov_1, cov_2):
    return (cov_1 @ cov_2).trace()


@mistakes.when(
    "each covariance has its root taken, and the trace is that of the roots' product: it is the "
    "same only if the covariances commute."
)
def _product_of_roots(cov_1, cov_2):
    return (_root(cov_1) @ _root(cov_2)).trace()


@mistakes.when(
    "eigvalsh or eigh is given cov_1 @ cov_2: that is not symmetric, and they look at one half of "
    "it only."
)
def _taken_for_symmetric(cov_1, cov_2):
    return _sum_of_roots(torch.linalg.eigvalsh(cov_1 @ cov_2))


@mistakes.when(
    "cov_1 @ cov_2 is made symmetric, as (m + m.T) / 2: that has other eigenvalues. "
    "root @ cov_2 @ root is symmetric, with the root of cov_1, and has the same ones."
)
def _made_symmetric(cov_1, cov_2):
    product = cov_1 @ cov_2
    return _sum_of_roots(torch.linalg.eigvalsh((product + product.T) / 2))


@mistakes.when(
    "singular values of cov_1 @ cov_2 are taken for its eigenvalues: they are the same only for a "
    "symmetric matrix."
)
def _singular_values(cov_1, cov_2):
    return torch.linalg.svdvals(cov_1 @ cov_2).sqrt().sum()


@mistakes.when(
    "an eigenvalue that is 0 comes out as -1e-16 by rounding, and its root is NaN: clamp(min=0) "
    "before the root."
)
def _root_of_less_than_zero(cov_1, cov_2):
    return _mixed(cov_1, cov_2).sqrt().sum()


@mistakes.when(
    "the root of cov_1 is NaN, since an eigenvalue that is 0 comes out as -1e-16 by rounding: "
    "clamp(min=0) there, too."
)
def _first_root_of_less_than_zero(cov_1, cov_2):
    return _sum_of_roots(_mixed(cov_1, cov_2, _unprotected_root))


@mistakes.when(
    "neither root is protected: an eigenvalue that is 0 comes out as -1e-16 by rounding, and its "
    "root is NaN. clamp(min=0) before both, that of cov_1 and that at the end."
)
def _both_roots_of_less_than_zero(cov_1, cov_2):
    return _mixed(cov_1, cov_2, _unprotected_root).sqrt().sum()


@mistakes.when(
    "the result is complex: eigenvalues from torch.linalg.eigvals are complex numbers, also where "
    "they are real; take their .real."
)
def _complex(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).sqrt().sum()


@mistakes.when(
    "Cholesky's root is taken: it exists only if a covariance has an inverse. That of "
    "torch.linalg.eigh always does."
)
def _cholesky(cov_1, cov_2):
    factor = torch.linalg.cholesky(cov_1)
    return _sum_of_roots(torch.linalg.eigvalsh(factor.T @ cov_2 @ factor))


@mistakes.when(
    "1e-6 is added to the diagonals: that changes the result, most of all where eigenvalues are 0 "
    "or small. Nothing has to be inverted here."
)
def _a_little_added(cov_1, cov_2):
    little = 1e-6 * torch.eye(len(cov_1), dtype=cov_1.dtype)
    return _sum_of_roots(_mixed(cov_1 + little, cov_2 + little))


EXERCISE = Exercise(
    name="root_trace",
    title="The trace of a root",
    points=2,
    reference=root_trace,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(frechet_distance,),
    read="The root of a matrix",
)
