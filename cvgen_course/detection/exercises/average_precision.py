"""Exercise: average precision of a ranked list of detections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import require_unchanged
from cvgen_course.detection.average_precision import (
    average_precision,
    interpolated,
    precision_at,
    precision_recall,
)
from cvgen_course.detection.metrics import detection_metrics

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: the area and points of recall; ties, nothing found, nothing right."""

    def hits(start: str, num_hits: int, num_misses: int) -> Tensor:
        """Return hits and misses as given (``"+-"``), then so many more in random order."""
        rest = torch.arange(num_hits + num_misses) < num_hits
        rest = rest[torch.randperm(len(rest), generator=rng)]
        return torch.cat([torch.tensor([sign == "+" for sign in start], dtype=torch.bool), rest])

    def ranked(hits: Tensor, low: float = 0.0, high: float = 1.0) -> dict[str, Tensor]:
        """Return falling scores, no two of them equal."""
        steps = torch.arange(len(hits), 0, -1) - 0.9 * torch.rand(len(hits), generator=rng)
        return {"scores": low + (high - low) * steps / len(hits), "hits": hits}

    def shuffled(hits: Tensor, low: float = 0.0, high: float = 1.0) -> dict[str, Tensor]:
        order = torch.randperm(len(hits), generator=rng)
        return {name: values[order] for name, values in ranked(hits, low, high).items()}

    def tied(hits: Tensor) -> dict[str, Tensor]:
        """Return three scores for all; among equal ones the misses come first, then the hits."""
        level = torch.arange(len(hits)) % 3
        level = level[torch.randperm(len(hits), generator=rng)]
        hits = hits.clone()
        for each in range(3):
            hits[level == each] = hits[level == each].sort().values
        return {"scores": 0.9 - 0.3 * level, "hits": hits}

    nothing = {"scores": torch.zeros(0), "hits": torch.zeros(0, dtype=torch.bool)}
    return [
        Case(
            "the area, sorted detections, all objects found",
            {**ranked(hits("+-", 4, 3)), "num_objects": 5},
            weight=2,
            hint="Precision: hits / detections so far; recall: hits so far / num_objects. Each "
            "recall gets the largest precision there or further down.",
        ),
        Case(
            "the area, unsorted detections, some objects not found",
            {**shuffled(hits("-++", 3, 5)), "num_objects": 9},
            weight=3,
            hint="Sort both lists by decreasing score. Objects that nobody found count in the "
            "recall, too.",
        ),
        Case(
            "the area, precision rises and falls",
            {**ranked(hits("--+++-", 4, 4)), "num_objects": 8},
            weight=2,
            hint="Each recall gets the largest precision there or further down the list.",
        ),
        Case(
            "11 points, sorted detections",
            {**ranked(hits("-+", 3, 4)), "num_objects": 7, "num_points": 11},
            weight=2,
            hint="The mean over recall 0, 0.1, …, 1, both ends included; a recall that is never "
            "reached counts as 0.",
        ),
        Case(
            "11 points, unsorted detections",
            {**shuffled(hits("+--+", 4, 6)), "num_objects": 7, "num_points": 11},
            weight=3,
            hint="At each point: the largest precision among all places with at least that recall.",
        ),
        Case(
            "11 points, exactly at recall 0.5",
            {**shuffled(hits("+-", 1, 5)), "num_objects": 4, "num_points": 11},
            weight=3.5,
            hint="Recall 0.5 is reached where the recall is 0.5 or more: >=, not >.",
        ),
        Case(
            "5 points, every hit exactly at a point",
            {**shuffled(hits("-+-", 2, 4)), "num_objects": 4, "num_points": 5},
            weight=4,
            hint="Points 0, 1/4, 1/2, 3/4, 1: num_points may be any number, both ends included.",
        ),
        Case(
            "101 points, many detections",
            {**shuffled(hits("", 30, 170)), "num_objects": 37, "num_points": 101},
            weight=4.5,
            hint="As with 11 points, with 0, 0.01, …, 1: `num_points` may be any number.",
        ),
        Case(
            "equal scores, the area",
            {**tied(hits("", 7, 8)), "num_objects": 8},
            weight=2,
            hint="Among equal scores the first in the list comes first: a stable sort.",
        ),
        Case(
            "equal scores, 11 points",
            {**tied(hits("", 8, 13)), "num_objects": 11, "num_points": 11},
            weight=2,
            hint="Among equal scores the first in the list comes first: a stable sort.",
        ),
        Case(
            "scores outside [0, 1]",
            {**shuffled(hits("+-+", 4, 5), -30.0, 20.0), "num_objects": 7},
            weight=2,
            hint="Scores may be logits: only their order counts.",
        ),
        Case(
            "everything found, before any miss",
            {**shuffled(hits("+++", 0, 4)), "num_objects": 3, "num_points": 11},
            weight=1,
            hint="Precision 1 at every recall: the average precision is 1.",
        ),
        Case(
            "no detections",
            {**nothing, "num_objects": 1 + int(torch.randint(9, (), generator=rng))},
            weight=1,
            hint="No recall but 0 is reached: return 0. `max` of an empty tensor is an error.",
        ),
        Case(
            "no detections, 11 points",
            {**nothing, "num_objects": 3, "num_points": 11},
            weight=1,
            hint="Nobody found anything: the average precision is 0.",
        ),
        Case(
            "every detection is wrong",
            {**shuffled(hits("", 0, 6)), "num_objects": 4, "num_points": 101},
            weight=1,
            hint="The precision is 0 everywhere, and so is its average.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the average precision; a number is as good as a tensor."""
    options = {name: inputs[name] for name in ("num_points",) if name in inputs}
    given = {name: inputs[name] for name in ("scores", "hits")}
    handed = {name: each.clone() for name, each in given.items()}
    value = implementation(handed["scores"], handed["hits"], inputs["num_objects"], **options)
    require_unchanged(given, handed)
    return {"the average precision": as_tensor(value, "the average precision").detach().float()}


def _ordered(scores: Tensor, hits: Tensor) -> Tensor:
    return hits[torch.sort(scores, descending=True, stable=True).indices].double()


def _curve(hits: Tensor, num_objects: int) -> tuple[Tensor, Tensor]:
    found = hits.cumsum(0)
    return found / torch.arange(1, len(hits) + 1), found / num_objects


def _best(precision: Tensor) -> Tensor:
    return torch.stack([precision[k:].max() for k in range(len(precision))])


def _averaged(precision: Tensor, recall: Tensor, num_points: int | None) -> Tensor:
    """Return the average of a precision that belongs to each place of the list."""
    if len(recall) == 0:
        return torch.tensor(0.0)
    if num_points is None:
        return (precision * torch.diff(recall, prepend=torch.zeros(1))).sum()
    points = torch.linspace(0, 1, num_points, dtype=torch.float64)
    at = [precision[recall >= point][:1].sum() for point in points]
    return torch.stack(at).mean()


@mistakes.when(
    "the detections are taken in the order in which they come: sort by decreasing score."
)
def _unsorted(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(hits.double(), num_objects)
    return _averaged(_best(precision) if len(hits) else precision, recall, num_points)


@mistakes.when("the list begins with the smallest score: sort with descending=True.")
def _worst_first(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(-scores, hits), num_objects)
    return _averaged(_best(precision) if len(hits) else precision, recall, num_points)


@mistakes.when(
    "the precision is not interpolated: each recall gets the largest precision from there on."
)
def _as_it_is(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    return _averaged(precision, recall, num_points)


@mistakes.when("the maximum of the precision runs from the top of the list down: it runs upwards.")
def _largest_so_far(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    return _averaged(precision.cummax(0).values if len(hits) else precision, recall, num_points)


@mistakes.when("the recall is divided by the number of hits: objects that nobody found count, too.")
def _only_found(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), max(1, int(hits.sum())))
    return _averaged(_best(precision) if len(hits) else precision, recall, num_points)


@mistakes.when("num_points is ignored: with a number it is a mean over so many points of recall.")
def _always_area(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    return _averaged(_best(precision) if len(hits) else precision, recall, None)


@mistakes.when("the area is a mean over the detections: it runs over the recall.")
def _per_detection(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    best = _best(precision) if len(hits) else precision
    if num_points is None and len(hits):
        return best.mean()
    return _averaged(best, recall, num_points)


@mistakes.when(
    "the area lies under the precision as it is: "
    "there, too, each recall gets the largest precision from there on."
)
def _area_as_it_is(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    filled = num_points is not None and len(hits)
    return _averaged(_best(precision) if filled else precision, recall, num_points)


@mistakes.when(
    "the area is made of trapezoids under the precision as it is: "
    "each recall gets the largest precision from there on."
)
def _trapezoids(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    if num_points is not None or len(hits) == 0:
        return _averaged(_best(precision) if len(hits) else precision, recall, num_points)
    recall = torch.cat([torch.zeros(1), recall])
    return torch.trapezoid(torch.cat([precision[:1], precision]), recall)


@mistakes.when("the recall must be over a point's: exactly there is enough, >= and not >.")
def _only_beyond(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    best = _best(precision) if len(hits) else precision
    return _averaged(best, recall - (num_points is not None) * 1e-9, num_points)


@mistakes.when(
    "the points of recall end before 1: they are i / (num_points − 1), 0 and 1 included."
)
def _without_one(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    best = _best(precision) if len(hits) else precision
    if num_points is None:
        return _averaged(best, recall, None)
    return _averaged(best, recall * num_points / (num_points - 1), num_points)


@mistakes.when("there are always 11 points: `num_points` says how many.")
def _always_eleven(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    best = _best(precision) if len(hits) else precision
    return _averaged(best, recall, None if num_points is None else 11)


@mistakes.when("recalls that are never reached are left out of the mean: they count as 0.")
def _reached_only(scores, hits, num_objects, num_points=None):
    precision, recall = _curve(_ordered(scores, hits), num_objects)
    if len(hits) == 0 or not hits.any():
        return torch.tensor(0.0)
    share = recall[-1]
    if num_points is not None:
        points = torch.linspace(0, 1, num_points, dtype=torch.float64)
        share = (points <= recall[-1]).double().mean()
    return _averaged(_best(precision), recall, num_points) / share


EXERCISE = Exercise(
    name="average_precision",
    title="Average precision",
    points=3,
    reference=average_precision,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(precision_recall, interpolated, precision_at, detection_metrics),
    read="Measuring a detector",
)
