"""Exercise: which detection finds which object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.detection.claims import UNMATCHED, claim_objects, match_detections
from cvgen_course.detection.metrics import detection_metrics

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: who chooses first, what is still free, how much is enough.

    IoUs are multiples of 1/1024 and thresholds of 1/8, so that no rounding decides. No detection
    has the same IoU with two objects, unless it is 0: the exercise does not ask which it takes.
    """

    def draw(D: int, K: int, low: float, high: float) -> Tensor:
        """Return IoUs that are all different, and no multiple of 1/8."""
        steps = torch.arange(int(1024 * low), int(1024 * high))
        steps = steps[steps % 128 != 0]
        return steps[torch.randperm(len(steps), generator=rng)[: D * K]].view(D, K) / 1024

    def one_each(K: int, low: float, high: float) -> Tensor:
        """Return (K, K): a detection for each object, which overlaps nothing else."""
        return torch.diag(draw(1, K, low, high)[0])

    def exactly(iou: float, K: int) -> Tensor:
        return iou * torch.eye(K)

    def scores(D: int) -> Tensor:
        """Draw scores that are all different."""
        return (torch.randperm(D, generator=rng) + 1) / (D + 2)

    def falling(*rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows with falling scores, and the objects in any order."""
        iou = torch.cat(rows)
        iou = iou[:, torch.randperm(iou.shape[1], generator=rng)]
        return iou, scores(len(iou)).sort(descending=True).values

    def shuffled(*rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same, and the detections in any order, too."""
        iou, ranked = falling(*rows)
        order = torch.randperm(len(iou), generator=rng)
        return iou[order], ranked[order]

    def heap(D: int, K: int) -> Tensor:
        """Return (D, K): a third of the pairs overlap."""
        return draw(D, K, 0.0, 1.0) * (torch.rand(D, K, generator=rng) < 0.35)

    def case(
        title: str, weight: float, hint: str, iou: Tensor, scores: Tensor, threshold: float = 0.5
    ) -> Case:
        inputs = {"iou": iou, "scores": scores, "threshold": threshold}
        return Case(title, inputs, weight, hint)

    last_first, ranked = falling(one_each(4, 0.5, 0.75), one_each(4, 0.75, 0.95))
    two = torch.cat([draw(6, 1, 0.75, 0.95), draw(6, 1, 0.5, 0.75)], dim=1)
    rivals = torch.cat([draw(4, 1, 0.75, 0.95), draw(4, 3, 0.5, 0.75)], dim=1)
    too_far = torch.cat([draw(4, 1, 0.75, 0.95), draw(4, 3, 0.0, 0.5)], dim=1)
    closest = draw(5, 5, 0.5, 0.75) + exactly(0.25, 5)
    low = exactly(0.125, 2), one_each(3, 0.125, 0.5), one_each(2, 0.0, 0.125)
    high = exactly(0.875, 2), one_each(3, 0.5, 0.875), one_each(2, 0.875, 0.95)
    many = heap(60, 15)
    many[torch.arange(0, 60, 3), torch.randint(15, (20,), generator=rng)] = 0.5
    num = 2 + int(torch.randint(20, (), generator=rng))
    return [
        case(
            "a detection for each object, and one of nothing",
            1,
            "The object of a detection's largest IoU, if that reaches the threshold; else −1.",
            *falling(one_each(4, 0.5, 0.95), draw(1, 4, 0.0, 0.375)),
        ),
        case(
            "two detections of each object",
            2,
            "An object is found once, by the detection with the best score; the other gets −1.",
            *falling(one_each(4, 0.75, 0.95), one_each(4, 0.5, 0.75)),
        ),
        case(
            "the surest detection is not the closest",
            2,
            "The detections choose, the one with the best score first, however close others are.",
            *falling(one_each(4, 0.5, 0.75), one_each(4, 0.75, 0.95)),
        ),
        case(
            "the surest detection is the last in the list",
            2,
            "Go by decreasing score, but write each answer where its detection stands.",
            *(last_first.flip(0), ranked.flip(0)),
        ),
        case(
            "all scores are equal",
            1.5,
            "Of equal scores the first in the list chooses first: sort with stable=True.",
            *(falling(one_each(4, 0.75, 0.95), one_each(4, 0.5, 0.75))[0], scores(1).repeat(8)),
        ),
        case(
            "an IoU of exactly the threshold",
            4.5,
            "An IoU of exactly the threshold is enough: >=, not >.",
            *shuffled(torch.block_diag(exactly(0.5, 3), exactly(511 / 1024, 2))),
        ),
        case(
            "two detections between two objects",
            2.5,
            "Look only at objects that are still free: the other one may be near enough.",
            *shuffled(torch.block_diag(*two.split(2))),
        ),
        case(
            "the closest object is taken, others are free",
            3.5,
            "Look only at objects that are still free: of them, the closest may be near enough.",
            *shuffled(rivals),
        ),
        case(
            "the closest object is taken, others are too far",
            1,
            "What is free must reach the threshold, too; else the detection gets −1.",
            *shuffled(too_far),
        ),
        case(
            "sure detections that overlap too little",
            1,
            "Who gets −1 takes nothing: the object stays free for the next detection.",
            *shuffled(one_each(5, 0.125, 0.5), one_each(5, 0.5, 0.95)),
        ),
        case(
            "several objects are near enough",
            3.5,
            "Of the free objects it is the one with the largest IoU, not the first that will do.",
            *shuffled(closest),
        ),
        case(
            "a low threshold",
            2,
            "The threshold is an argument, and who reaches it exactly gets the object.",
            *(*shuffled(torch.block_diag(*low)), 0.125),
        ),
        case(
            "a high threshold",
            2,
            "The threshold is an argument, and who reaches it exactly gets the object.",
            *(*shuffled(torch.block_diag(*high)), 0.875),
        ),
        case(
            "scores below zero",
            1,
            "Logits are scores, too: only their order counts.",
            *(heap(9, 4), scores(9) - 2),
        ),
        case(
            "sixty detections, fifteen objects",
            2.5,
            "Nothing new, only more of it; some IoUs are exactly the threshold.",
            *shuffled(many),
        ),
        case(
            "more objects than detections",
            0.5,
            "Objects that nobody finds do not appear; the result has a number for each detection.",
            *shuffled(draw(2, num + 1, 0.0, 1.0)),
        ),
        case(
            "no detection",
            0.25,
            "Then nothing is found: int64 of shape (0,). torch.tensor([]) is float32.",
            *(torch.zeros(0, num), torch.zeros(0)),
        ),
        case(
            "no object",
            0.25,
            "With K = 0 there is no largest IoU: every detection gets −1.",
            *(torch.zeros(num, 0), scores(num)),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return which object an implementation gives to each detection."""
    matches = implementation(inputs["iou"], inputs["scores"], inputs["threshold"])
    return {"the matches": as_tensor(matches, "the matches")}


def _by_score(scores: Tensor) -> Tensor:
    return scores.sort(descending=True, stable=True).indices


def _in_turn(order: Tensor, iou: Tensor, threshold: float) -> Tensor:
    """Return the matches if the detections choose in this order."""
    matches, free = torch.full((len(iou),), UNMATCHED), torch.ones(iou.shape[1], dtype=torch.bool)
    for d in order.tolist():
        left = iou[d] * free
        if (left >= threshold).any():
            matches[d] = left.argmax()
            free[matches[d]] = False
    return matches


@mistakes.when("an object is found several times: who comes later gets −1, or another object.")
def _found_again(iou, scores, threshold):
    alone = [_in_turn(torch.arange(1), row[None], threshold) for row in iou]
    return torch.cat([torch.zeros(0, dtype=torch.int64), *alone])


@mistakes.when("the detections choose in the order in which they came, not by decreasing score.")
def _scores_ignored(iou, scores, threshold):
    return _in_turn(torch.arange(len(iou)), iou, threshold)


@mistakes.when("the worst score comes first: sort with descending=True.")
def _worst_first(iou, scores, threshold):
    return _in_turn(scores.sort(stable=True).indices, iou, threshold)


@mistakes.when(
    "the result is in the order of the scores: a detection's answer stands where the detection "
    "stood."
)
def _sorted_result(iou, scores, threshold):
    order = _by_score(scores)
    return _in_turn(order, iou, threshold)[order]


@mistakes.when("an IoU has to be over the threshold: exactly the threshold is enough.")
def _strictly_over(iou, scores, threshold):
    return _in_turn(_by_score(scores), iou, threshold + 1e-5)


@mistakes.when(
    "a detection whose closest object is taken gets nothing, which is Pascal VOC's rule: it may "
    "take another that is free and near enough."
)
def _closest_or_nothing(iou, scores, threshold):
    closest = torch.zeros_like(iou)
    if iou.numel():
        index = iou.argmax(dim=1, keepdim=True)
        closest.scatter_(1, index, iou.gather(1, index))
    return _in_turn(_by_score(scores), closest, threshold)


@mistakes.when("a detection gets the first free object that is near enough: it takes the closest.")
def _first_near_enough(iou, scores, threshold):
    return _in_turn(_by_score(scores), _preferred(iou, threshold), threshold)


def _preferred(iou: Tensor, threshold: float) -> Tensor:
    """Return IoUs that reach the threshold where these do, but fall from object to object."""
    K = iou.shape[1]
    return torch.where(iou >= threshold, 1 + torch.arange(K, 0, -1), 0.0)


@mistakes.when("the objects choose their closest detections: the detections choose, best first.")
def _objects_choose(iou, scores, threshold):
    matches = torch.full((len(iou),), UNMATCHED)
    for k in range(iou.shape[1] if len(iou) else 0):
        closest = iou[:, k].argmax()
        if iou[closest, k] >= threshold:
            matches[closest] = k
    return matches


EXERCISE = Exercise(
    name="match_detections",
    title="Matching detections with objects",
    points=2,
    reference=match_detections,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(claim_objects, detection_metrics),
    read="Measuring a detector",
)
