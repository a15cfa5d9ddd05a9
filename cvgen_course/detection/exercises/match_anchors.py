"""Exercise: which anchor answers for which object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import _utils

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.detection.matching import IGNORED, NEGATIVE, match_anchors

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: thresholds, small objects, ties, and objects that nobody touches.

    What a case is about stands in its first rows; then anchors and objects are shuffled.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng)

    def shuffled(iou: Tensor) -> Tensor:
        iou = iou[torch.randperm(len(iou), generator=rng)]
        return iou[:, torch.randperm(iou.shape[1], generator=rng)]

    def matrix(K: int, *rows: Tensor) -> Tensor:
        """Return special rows, an anchor over 0.8 for each of the first K objects, and noise."""
        num_objects = max([K, *(len(row) for row in rows)])
        large = torch.zeros(K, num_objects)
        large[:, :K] = torch.diag(uniform(0.8, 0.95, K)) + uniform(0, 0.05, K, K)
        noise = torch.zeros(4, num_objects)
        noise[:, :K] = uniform(0, 0.2, 4, K)
        return shuffled(torch.cat([*(row[None] for row in rows), large, noise]))

    def case(
        title: str, weight: float, hint: str, iou: Tensor, low: float = 0.25, high: float = 0.75
    ) -> Case:
        return Case(title, {"iou": iou, "low": low, "high": high}, weight, hint)

    def row(*values: float | Tensor) -> Tensor:
        return torch.stack([torch.as_tensor(value).reshape(()) for value in values])

    small = uniform(0.05, 0.2, 3)
    lesser, larger = uniform(0.3, 0.4, 2), uniform(0.55, 0.7, 2)
    tie, twins = uniform(0.1, 0.2, 1), uniform(0.76, 0.79, 1)
    eighths = torch.tensor(  # each rule is needed here, and nearly all of them meet
        [
            [0.75, 0.0, 0.125, 0.0, 0.0],  # exactly high
            [0.875, 0.0, 0.0, 0.0, 0.0],
            [0.25, 0.0, 0.125, 0.0, 0.0],  # exactly low
            [0.125, 0.375, 0.0, 0.0, 0.0],  # the two best of object 1
            [0.0, 0.375, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.5, 0.375, 0.0],  # the best of object 3 overlaps object 2 more
            [0.0, 0.0, 0.625, 0.25, 0.0],
            [0.0, 0.125, 0.125, 0.125, 0.0],
            [0.0, 0.0, 0.0, 0.0, 0.0],  # and nobody touches object 4
        ]
    )
    num_anchors = 3 + int(torch.randint(30, (), generator=rng))
    return [
        case(
            "IoUs over the upper and under the lower threshold",
            1,
            "Each anchor's largest IoU decides; its object's number is the match, or else −1.",
            matrix(3, uniform(0.76, 0.79, 3)),  # nobody's best
        ),
        case(
            "IoUs between the thresholds, too",
            1.5,
            "An anchor with low <= IoU < high is neither: −2.",
            matrix(4, *uniform(0.3, 0.7, 5, 4)),
            low=0.3,
            high=0.7,
        ),
        case(
            "both thresholds are 0.5",
            0.5,
            "Where low equals high, nothing is ignored.",
            matrix(3, *uniform(0.3, 0.7, 6, 3)),
            low=0.5,
            high=0.5,
        ),
        case(
            "IoUs that are exactly low or high",
            1.5,
            "An IoU of exactly `high` matches, one of exactly `low` is not negative any more.",
            matrix(2, row(0.75, 0.0), row(0.125, 0.75), row(0.25, 0.0), row(0.0, 0.25)),
        ),
        case(
            "objects whose best anchor has a small IoU",
            2.5,
            "An object's best anchor is matched, however small the IoU.",
            matrix(2, *(row(0.0, 0.0, *(small * one)) for one in torch.eye(3))),
        ),
        case(
            "several anchors are the best of an object",
            2.5,
            "All anchors that share an object's largest IoU are its best, and matched: compare "
            "with ==.",
            matrix(
                2,
                row(0.0, 0.0, *tie),
                row(0.05, 0.0, *tie),
                row(0.0, 0.0, *tie),
                row(0.0, 0.0, 0.05),
            ),
        ),
        case(
            "an object's best anchor overlaps another object more",
            2,
            "An anchor that is kept answers for the object that it overlaps most itself.",
            matrix(
                2,
                *(row(0.0, larger[0], lesser[0]), row(larger[1], 0.0, lesser[0])),
                row(0.0, 0.0, lesser[0] / 2),
            ),
        ),
        case(
            "an object that no anchor touches",
            2,
            "Its largest IoU is 0, which all anchors share; an IoU of 0 never matches.",
            matrix(2, row(0.0, 0.0, 0.0), row(0.5, 0.375, 0.0)),
        ),
        case(
            "two objects with the same IoU",
            0.5,
            "Where an anchor has its largest IoU with several objects, its own is the first.",
            matrix(4, row(0.0, 0.1, twins, twins), row(twins, 0.0, 0.1, twins)),
        ),
        case(
            "everything at once, in eighths",
            4,
            "First the thresholds, then each object's best anchors; see the cases above.",
            shuffled(eighths),
        ),
        case(
            "a single anchor",
            0.5,
            "An object's only anchor is its best one, and the result has one number.",
            uniform(0.1, 0.6, 1, 3),
        ),
        case(
            "an image without objects",
            1,
            "With K = 0 there is no largest IoU: all anchors are negative.",
            torch.zeros(num_anchors, 0),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the matches that an implementation finds."""
    return as_tensor(implementation(inputs["iou"], inputs["low"], inputs["high"]), "the matches")


def _by_thresholds(iou: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Return the matches without any best anchors, and each anchor's object."""
    if iou.shape[1] == 0:
        return torch.full((len(iou),), NEGATIVE), torch.full((len(iou),), NEGATIVE)
    largest, own = iou.max(dim=1)
    matches = own.clone()
    matches[largest < high] = IGNORED
    matches[largest < low] = NEGATIVE
    return matches, own


def _keep(matches: Tensor, own: Tensor, iou: Tensor) -> Tensor:
    """Return the matches with all best anchors kept."""
    if iou.shape[1] == 0:
        return matches
    best = ((iou == iou.max(dim=0).values) & (iou > 0)).any(dim=1)
    return torch.where(best, own, matches)


@mistakes.when(
    "only the thresholds decide, or decide last: the best anchors of an object stay matched."
)
def _thresholds_only(iou, low, high):
    return _by_thresholds(iou, low, high)[0]


@mistakes.when("an object's best anchor must reach `low`: it is matched, however small the IoU.")
def _best_from_low_on(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    return _keep(matches, own, iou.where(iou >= low, 0.0))


@mistakes.when(
    "`matches[iou.argmax(dim=0)] = …` is used: of several best anchors it takes one, it changes "
    "whom an anchor answers for, and it matches where no anchor touches."
)
def _assigned(iou, low, high):
    matches, _ = _by_thresholds(iou, low, high)
    if iou.shape[1]:
        matches[iou.argmax(dim=0)] = torch.arange(iou.shape[1])
    return matches


@mistakes.when(
    "an object's best anchors are given to it: "
    "they keep the object that they overlap most themselves."
)
def _takes_the_object(iou, low, high):
    matches, _ = _by_thresholds(iou, low, high)
    for k in range(iou.shape[1]):
        best = iou[:, k].max()
        if best > 0:
            matches[iou[:, k] == best] = k
    return matches


@mistakes.when("`argmax` finds one best anchor of an object: of several all are kept.")
def _one_of_several(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    for k in range(iou.shape[1]):
        best = iou[:, k].argmax()
        if iou[best, k] > 0:
            matches[best] = own[best]
    return matches


@mistakes.when(
    "every anchor is the best of an object that none touches: an IoU of 0 never matches."
)
def _zero_matches(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    for k in range(iou.shape[1]):
        best = iou[:, k] == iou[:, k].max()
        matches[best] = own[best]
    return matches


@mistakes.when("anchors between the thresholds are negative: they are ignored, −2.")
def _nothing_ignored(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    return _keep(matches.clamp(min=NEGATIVE), own, iou)


@mistakes.when("an IoU must be over `high` to match: exactly `high` is enough.")
def _strict(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    if iou.shape[1]:
        largest = iou.amax(dim=1)
        matches[largest == high] = IGNORED if low < high else NEGATIVE
    return _keep(matches, own, iou)


@mistakes.when("an IoU of exactly `low` is negative: only below `low`.")
def _low_is_negative(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    if iou.shape[1]:
        matches[(iou.amax(dim=1) == low) & (matches < 0)] = NEGATIVE
    return _keep(matches, own, iou)


@mistakes.when("−1 and −2 are exchanged: negative is −1, ignored is −2.")
def _codes_exchanged(iou, low, high):
    matches, own = _by_thresholds(iou, low, high)
    if iou.shape[1]:
        matches = torch.where(matches < 0, NEGATIVE + IGNORED - matches, matches)
    return _keep(matches, own, iou)


EXERCISE = Exercise(
    name="match_anchors",
    title="Matching anchors with objects",
    points=3,
    reference=match_anchors,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(_utils.Matcher, _utils.Matcher.__call__, _utils.Matcher.set_low_quality_matches_),
    read="Which anchor answers for which object",
)
