"""Exercise: the Fréchet distance of two normal distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.evaluation import (
    estimate_frechet_distance,
    extrapolated_frechet_distance,
    frechet_distance,
)
from cvgen_course.evaluation.exercises.covariances import (
    covariance,
    covariance_of_few,
    nearly,
    normal,
    variances,
)
from cvgen_course.evaluation.exercises.rounded import rounded

Distribution = tuple[Tensor, Tensor]
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: means or covariances that are the same, singular ones, all sizes."""

    def ask(first: Distribution, second: Distribution, singular: bool = False) -> dict[str, Any]:
        return {"first": first, "second": second, "singular": singular}

    def full(D: int) -> Distribution:
        return 2 * normal(rng, D), covariance(rng, D)

    def diagonal(D: int) -> Distribution:
        return 2 * normal(rng, D), variances(rng, D).diag()

    def few(N: int, D: int) -> Distribution:
        return 2 * normal(rng, D), covariance_of_few(rng, N, D)

    def scaled(scale: float, distribution: Distribution) -> Distribution:
        """Return the distribution of features that are ``scale`` times as large."""
        mean, cov = distribution
        return scale * mean, scale**2 * cov

    def stacked(distributions: list[Distribution]) -> Distribution:
        means, covs = zip(*distributions, strict=True)
        return torch.stack(means), torch.stack(covs)

    def rounded_otherwise(distributions: list[Distribution]) -> Distribution:
        """Return what equals them but for rounding: nothing is gained by torch.equal."""
        return stacked([(mean.clone(), nearly(rng, cov)) for mean, cov in distributions])

    mean, cov = full(4)
    themselves = [full(5) for _ in range(12)]
    themselves_singular = [few(3, 8) for _ in range(12)]
    return [
        Case(
            "a single dimension (D = 1)",
            ask(diagonal(1), diagonal(1)),
            weight=2,
            hint="It is (m1 - m2)² + (s1 - s2)², with s the deviations, the roots of the "
            "variances.",
        ),
        Case(
            "the same covariance, two means",
            ask((mean, cov), (2 * normal(rng, 4), cov.clone())),
            weight=2,
            hint="It is the squared distance of the means: (mean_1 - mean_2).square().sum().",
        ),
        Case(
            "the same mean, diagonal covariances",
            ask((mean[:3], variances(rng, 3).diag()), (mean[:3].clone(), variances(rng, 3).diag())),
            weight=2,
            hint="It is the sum of (s1 - s2)², with s the deviations: s1² + s2² - 2 s1 s2.",
        ),
        Case(
            "two of 2 dimensions",
            ask(full(2), full(2)),
            weight=3,
            hint="Both traces are added, and twice the trace of the root is subtracted.",
        ),
        Case(
            "two of 6 dimensions",
            ask(full(6), full(6)),
            weight=3,
            hint="The root is that of the matrix cov_1 @ cov_2: ref.root_trace.",
        ),
        Case(
            "features of about a thousand",
            ask(scaled(1e3, full(3)), scaled(1e3, full(3))),
            weight=1,
            hint="All is squared here: features a thousand times as large have a distance a "
            "million times as large.",
        ),
        Case(
            "features of about 1e-4",
            ask(scaled(1e-4, full(3)), scaled(1e-4, full(3))),
            weight=1,
            hint="The distance is about 1e-8 here, and no 0: nothing is added to a covariance, and "
            "no limit but 0 is set.",
        ),
        Case(
            "the second is a single point",
            ask(full(4), (normal(rng, 4), torch.zeros(4, 4, dtype=torch.float64)), singular=True),
            weight=1,
            hint="A covariance may be 0 all over. Then the root is 0, and the other trace is left.",
        ),
        Case(
            "neither covariance has an inverse: D = 8",
            ask(few(3, 8), few(4, 8), singular=True),
            weight=2,
            hint="With fewer features than dimensions a covariance has no inverse; it needs none.",
        ),
        Case(
            "twelve distributions, each with itself",
            ask(stacked(themselves), rounded_otherwise(themselves)),
            weight=2,
            hint="It is 0. Rounding makes 1e-15 or -1e-15 of it: clamp(min=0) at the end.",
        ),
        Case(
            "twelve without an inverse, each with itself",
            ask(
                stacked(themselves_singular),
                rounded_otherwise(themselves_singular),
                singular=True,
            ),
            weight=5,
            hint="It is 0. Rounding makes -1e-7 of it here, and no distance is below 0: "
            "clamp(min=0) at the end.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the distance, or several of them; and whether one is below 0.

    Where a covariance is singular, only float32's digits are compared: a root of what rounding
    leaves of 0 is 1e-8, and no mistake.
    """

    def distance(first: Distribution, second: Distribution) -> Tensor:
        return rounded(implementation(first, second), "the distance", torch.float64)

    first, second = inputs["first"], inputs["second"]
    if first[0].dim() == 1:
        found = distance(first, second)
    else:
        pairs = zip(zip(*first, strict=True), zip(*second, strict=True), strict=True)
        found = torch.stack([distance(*pair) for pair in pairs])
    sign = "below 0" if bool((found < 0).any()) else "0 or more"
    digits = torch.float32 if inputs["singular"] else torch.float64
    return {
        "the distance": rounded(found, "the distance", digits),
        "the smallest distance": [sign],
    }


def _root(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def _eigenvalues(cov_1, cov_2):
    """Return the eigenvalues of the product, with what rounding does to them."""
    root = _root(cov_1)
    return torch.linalg.eigvalsh(root @ cov_2 @ root)


def _root_trace(cov_1, cov_2):
    return _eigenvalues(cov_1, cov_2).clamp(min=0).sqrt().sum()


def _apart(mean_1, mean_2):
    return (mean_1 - mean_2).square().sum()


def _traces(cov_1, cov_2):
    return cov_1.trace() + cov_2.trace()


def _spread(cov_1, cov_2):
    return _traces(cov_1, cov_2) - 2 * _root_trace(cov_1, cov_2)


def _with_means(first, second, apart):
    """Return what is right but for the part of the means, which is ``apart(difference)``."""
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    return (apart(mean_1 - mean_2) + _spread(cov_1, cov_2)).clamp(min=0)


def _with_root(first, second, root):
    """Return what is right but for the trace of the root, which is ``root(cov_1, cov_2)``."""
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    traces = _traces(cov_1, cov_2)
    return (_apart(mean_1, mean_2) + traces - 2 * root(cov_1, cov_2)).clamp(min=0)


@mistakes.when("the difference of the means is not squared.")
def _means_not_squared(first, second):
    return _with_means(first, second, lambda difference: difference.sum())


@mistakes.when(
    "the distance of the means is taken, a norm: it is the square of it, a sum of squares."
)
def _norm_of_means(first, second):
    return _with_means(first, second, lambda difference: difference.norm())


@mistakes.when(
    "squares are averaged over the dimensions (F.mse_loss does so): the squared distance of the "
    "means is their sum."
)
def _mean_of_squares(first, second):
    return _with_means(first, second, lambda difference: difference.square().mean())


@mistakes.when("the means are left out: their squared distance is added.")
def _no_means(first, second):
    return _with_means(first, second, lambda difference: 0)


@mistakes.when("only the means are compared: the part of the covariances is added.")
def _only_means(first, second):
    return _apart(first[0], second[0])


@mistakes.when("the trace of the root is subtracted once: it is twice.")
def _factor_missing(first, second):
    return _with_root(first, second, lambda *covs: _root_trace(*covs) / 2)


@mistakes.when("the trace of the root is added: it is subtracted, twice.")
def _added(first, second):
    return _with_root(first, second, lambda *covs: -_root_trace(*covs))


@mistakes.when("the trace of the root is left out: it is subtracted, twice.")
def _without_root(first, second):
    return _with_root(first, second, lambda cov_1, cov_2: 0)


@mistakes.when("the trace of one covariance is forgotten: that of the second is added, too.")
def _first_trace_alone(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = cov_1.trace() - 2 * _root_trace(cov_1, cov_2)
    return (_apart(mean_1, mean_2) + spread).clamp(min=0)


@mistakes.when("the trace of one covariance is forgotten: that of the first is added, too.")
def _second_trace_alone(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    spread = cov_2.trace() - 2 * _root_trace(cov_1, cov_2)
    return (_apart(mean_1, mean_2) + spread).clamp(min=0)


@mistakes.when("the root of the whole is taken: what is called FID is the squared distance.")
def _root_of_all(first, second):
    return _with_root(first, second, _root_trace).sqrt()


@mistakes.when("cov_1 @ cov_2 has its trace taken without a root.")
def _product(first, second):
    return _with_root(first, second, lambda cov_1, cov_2: (cov_1 @ cov_2).trace())


@mistakes.when(
    "roots of single numbers are taken: only the variances count then, and how dimensions go "
    "together does not. It is the root of the matrix cov_1 @ cov_2."
)
def _deviations(first, second):
    return _with_root(first, second, lambda cov_1, cov_2: (cov_1 * cov_2).sqrt().trace())


@mistakes.when(
    "the root of each number of cov_1 @ cov_2 is taken: the root of a matrix has the roots of its "
    "eigenvalues."
)
def _root_of_numbers(first, second):
    return _with_root(first, second, lambda cov_1, cov_2: (cov_1 @ cov_2).sqrt().trace())


@mistakes.when(
    "each covariance has its root taken, and the trace is that of the roots' product: it is that "
    "of the root of cov_1 @ cov_2."
)
def _product_of_roots(first, second):
    return _with_root(first, second, lambda cov_1, cov_2: (_root(cov_1) @ _root(cov_2)).trace())


@mistakes.when("the determinant of cov_1 @ cov_2 is taken: it is the trace of its root.")
def _determinant(first, second):
    return _with_root(first, second, lambda cov_1, cov_2: (cov_1 @ cov_2).det().clamp(min=0).sqrt())


@mistakes.when(
    "the covariances are compared number by number, as the sum of (cov_1 - cov_2)²: their traces "
    "are added, and twice that of the root of their product is subtracted."
)
def _frobenius(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    return _apart(mean_1, mean_2) + (cov_1 - cov_2).square().sum()


@mistakes.when(
    "np.cov or torch.cov is called: first[1] and second[1] are covariances already, and what is "
    "needed is the root of their product."
)
def _covariance_of_covariances(first, second):
    return _with_root(
        first, second, lambda cov_1, cov_2: torch.cov(torch.cat([cov_1, cov_2])).trace()
    )


@mistakes.when(
    "an eigenvalue that is 0 comes out as -1e-16 by rounding, and its root is NaN: clamp(min=0) "
    "before the root; ref.root_trace does so."
)
def _root_of_less_than_zero(first, second):
    return _with_root(first, second, lambda *covs: _eigenvalues(*covs).sqrt().sum())


@mistakes.when("the distance is below 0 by rounding where it should be 0: clamp(min=0) at the end.")
def _not_clamped(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    return _apart(mean_1, mean_2) + _spread(cov_1, cov_2)


EXERCISE = Exercise(
    name="frechet_distance",
    title="The Fréchet distance",
    points=3,
    reference=frechet_distance,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(estimate_frechet_distance, extrapolated_frechet_distance),
    read="The Fréchet distance",
)
