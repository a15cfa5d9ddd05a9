"""Exercise: precision and recall of samples, by the balls of nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer
from cvgen_course.evaluation import (
    estimate_manifold,
    manifold,
    manifold_per_item,
    nearest_radii,
    precision_recall,
)
from cvgen_course.evaluation.exercises import balls
from cvgen_course.evaluation.exercises.point_sets import (
    Sets,
    generic,
    on_edges,
    points,
    rounded_below_zero,
    scattered,
    with_a_mode_lost,
    with_copies,
)
from cvgen_course.evaluation.exercises.rounded import rounded

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: points all over, on edges, copied; modes that are lost or made up.

    Features are whole numbers, of which float32 holds squares and sums exactly: however distances
    are computed, a point on an edge is on it. Others are far from all edges: there a wrong distance
    matters, and how a right one is rounded does not.
    """

    def ask(
        sets: Sets, k: int | None = None, swap: bool = False, dtype: torch.dtype = torch.float32
    ) -> dict[str, Any]:
        real, fake = reversed(sets) if swap else sets
        given = {} if k is None else {"k": k}
        return {"real": real.to(dtype), "fake": fake.to(dtype), **given}

    return [
        Case(
            "on a line, k = 1",
            ask(scattered(rng, 4, 3, 1, 1, size=30), k=1),
            weight=2,
            hint="Each ball reaches to the nearest other number of its own set. Precision is of "
            "fakes, in balls of real ones.",
        ),
        Case(
            "twelve real features, eight fakes, k is not given",
            ask(scattered(rng, 12, 8, 2, 3)),
            weight=2,
            hint="k is 3 then. A point counts once, in however many balls it lies.",
        ),
        Case(
            "six real features, nine fakes, k = 5",
            ask(scattered(rng, 6, 9, 2, 5), k=5),
            weight=3,
            hint="k is 5 here: of distances in ascending order, the first is 0, to itself; the "
            "sixth is the radius.",
        ),
        Case(
            "ten real features, thirteen fakes, k = 1",
            ask(scattered(rng, 10, 13, 2, 1), k=1),
            weight=2,
            hint="The nearest other feature, k = 1, is the second smallest of all distances: the "
            "smallest is 0, to itself.",
        ),
        Case(
            "a mode is lost",
            ask(with_a_mode_lost(rng, 3), k=3),
            weight=2,
            hint="All that is sampled looks real, so precision is 1. What is not sampled is "
            "missing in recall.",
        ),
        Case(
            "a mode is made up",
            ask(with_a_mode_lost(rng, 3), k=3, swap=True),
            weight=2,
            hint="All that is real is sampled, so recall is 1. What never was real is missing in "
            "precision.",
        ),
        Case(
            "all fakes are far away",
            ask((points(rng, 7, 2, 0, 40), points(rng, 6, 2, 400, 440)), k=2),
            weight=1,
            hint="No ball reaches so far: precision and recall are 0.",
        ),
        Case(
            "on the edge, on a line, k = 1",
            ask(on_edges(rng, 1, 1), k=1),
            weight=3,
            hint="What lies on the edge of a ball counts: <=, not <.",
        ),
        Case(
            "on the edge, in a plane, k = 2",
            ask(on_edges(rng, 2, 2), k=2),
            weight=3,
            hint="What lies on the edge of a ball counts: <=, not <.",
        ),
        Case(
            "copies among the real features, k = 1",
            ask(with_copies(rng, 1, 1), k=1),
            weight=6,
            hint="A copy is a neighbour, at distance 0: the ball is a point then, and another "
            "copy lies on its edge.",
        ),
        Case(
            "copies among the fakes, k = 2",
            ask(with_copies(rng, 2, 3), k=2, swap=True),
            weight=6,
            hint="A copy is a neighbour, at distance 0: only the feature itself is left out, not "
            "all that is at distance 0.",
        ),
        Case(
            "eight features of each image, k = 4",
            ask(scattered(rng, 11, 9, 8, 4, size=10), k=4),
            weight=2,
            hint="Distances are those of all D numbers: torch.cdist.",
        ),
        Case(
            "float64, k = 2",
            ask(generic(rng, 9, 11, 3, 2), k=2, dtype=torch.float64),
            weight=1,
            hint="New here: float64, and numbers that are not whole.",
        ),
        Case(
            "64 features of each image, not whole numbers, k = 2",
            ask(rounded_below_zero(rng, 9, 8, 64, 2), k=2),
            weight=6,
            hint="The distance is Euclid's: torch.cdist. With |x|² + |y|² - 2 x·y rounding leaves "
            "less than 0 of a distance of 0, and the root of that is NaN.",
        ),
        Case(
            "32 features of each image, not whole numbers, k is not given",
            ask(rounded_below_zero(rng, 8, 10, 32, 3)),
            weight=6,
            hint="The distance is Euclid's, and that of a feature to itself is 0, not NaN.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return precision and recall; float32 is precise enough for a share of a few points."""
    given = {"k": inputs["k"]} if "k" in inputs else {}
    pair = implementation(inputs["real"], inputs["fake"], **given)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two numbers: return precision, recall")
    parts = zip(("precision", "recall"), pair, strict=True)
    return {name: rounded(each, name, torch.float32) for name, each in parts}


@mistakes.when(
    "precision and recall change places: precision is of fakes, in balls of real features, and it "
    "comes first."
)
def _swapped(real, fake, k=3):
    precision, recall = balls.shares(real, fake, k)
    return recall, precision


@mistakes.when(
    "each feature is counted as its own first neighbour: of the distances in ascending order, the "
    "one at place k + 1 is the radius."
)
def _itself_counted(real, fake, k=3):
    return balls.shares(real, fake, k - 1)


@mistakes.when("balls reach to neighbour k + 1: itself is left out twice.")
def _one_too_far(real, fake, k=3):
    def radii(features, k):
        distances = torch.cdist(features, features).fill_diagonal_(torch.inf)
        return distances.kthvalue(k + 1, dim=1).values

    return balls.shares(real, fake, k, balls.within(radii))


@mistakes.when(
    "all that is at distance 0 is left out: only the feature itself is, its copies are neighbours."
)
def _copies_left_out(real, fake, k=3):
    def radii(features, k):
        distances = torch.cdist(features, features)
        return distances.masked_fill(distances == 0, torch.inf).kthvalue(k, dim=1).values

    return balls.shares(real, fake, k, balls.within(radii))


@mistakes.when("what lies on the edge is left out: <=, not <.")
def _edge_left_out(real, fake, k=3):
    def inside(centres, points, k):
        return torch.cdist(points, centres) < balls.radii(centres, k)

    return balls.shares(real, fake, k, inside)


@mistakes.when(
    "the ball is that of the point which is asked about: precision asks for balls of real "
    "features, recall for balls of fakes."
)
def _ball_of_the_point(real, fake, k=3):
    def inside(centres, points, k):
        return torch.cdist(points, centres) <= balls.radii(points, k)[:, None]

    return balls.shares(real, fake, k, inside)


@mistakes.when("k is always 3: that is but its default.")
def _always_three(real, fake, k=3):
    return balls.shares(real, fake, 3)


@mistakes.when("balls reach to the nearest neighbour, whatever k is.")
def _always_nearest(real, fake, k=3):
    return balls.shares(real, fake, 1)


@mistakes.when("all balls of a set have one radius, their mean: each has its own.")
def _mean_radius(real, fake, k=3):
    return balls.shares(real, fake, k, balls.within(lambda x, k: balls.radii(x, k).mean()))


@mistakes.when("distances are compared with squared radii: square both or neither.")
def _squared_radius(real, fake, k=3):
    return balls.shares(real, fake, k, balls.within(lambda x, k: balls.radii(x, k).square()))


@mistakes.when("squared distances are compared with radii: square both or neither.")
def _squared_distance(real, fake, k=3):
    return balls.shares(real, fake, k, balls.within(lambda x, k: balls.radii(x, k).sqrt()))


@mistakes.when(
    "a ball reaches to the k-th nearest feature of the other set: it is that of its own set."
)
def _neighbour_across(real, fake, k=3):
    def inside(centres, points, k):
        distances = torch.cdist(points, centres)
        return distances <= distances.kthvalue(k, dim=0).values

    return balls.shares(real, fake, k, inside)


@mistakes.when(
    "the number of balls is averaged and divided by k, which is called density: here a point "
    "counts once, in however many balls it lies."
)
def _density(real, fake, k=3):
    return balls.shares(real, fake, k, share=lambda inside: inside.sum(dim=1).double().mean() / k)


@mistakes.when(
    "balls of real features are used for recall, too, which is called coverage: recall asks for "
    "balls of fakes."
)
def _coverage(real, fake, k=3):
    inside = balls.inside(real, fake, k)
    return balls.share(inside), balls.share(inside.T)


@mistakes.when(
    "the share of pairs is returned: a point counts as soon as it lies in one ball, .any(dim=1)."
)
def _pairs(real, fake, k=3):
    return balls.shares(real, fake, k, share=lambda inside: inside.double().mean())


@mistakes.when(
    "any is taken along the wrong axis: it is to say of each point whether it lies in any ball, "
    "not of each ball whether any point lies in it. Of (points, balls) it is .any(dim=1)."
)
def _balls_that_are_hit(real, fake, k=3):
    return balls.shares(real, fake, k, share=lambda inside: inside.any(dim=0).double().mean())


@mistakes.when("a point is to lie in all balls: it is in any of them.")
def _in_all(real, fake, k=3):
    return balls.shares(real, fake, k, share=lambda inside: inside.all(dim=1).double().mean())


@mistakes.when(
    "only the ball of the nearest feature is asked: another one may be larger, and reach as far."
)
def _nearest_ball(real, fake, k=3):
    return balls.shares(real, fake, k, balls.in_the_nearest)


@mistakes.when(
    "distances are sums of differences: they are Euclid's, roots of sums of squares, as "
    "torch.cdist has them."
)
def _sums_of_differences(real, fake, k=3):
    return balls.shares(real, fake, k, balls.by_sums)


@mistakes.when(
    "distances are roots of |x|² + |y|² - 2 x·y, of which rounding leaves less than 0 where it "
    "should be 0. Then the root is NaN, which is sorted last: clamp(min=0) before the root, or "
    "torch.cdist."
)
def _root_of_less_than_zero(real, fake, k=3):
    return balls.shares(real, fake, k, balls.by_products)


EXERCISE = Exercise(
    name="precision_recall",
    title="Precision and recall",
    points=4,
    reference=precision_recall,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(manifold, manifold_per_item, nearest_radii, estimate_manifold),
    read="Two questions, two numbers",
)
