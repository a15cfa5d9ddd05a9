"""Exercise: non-maximum suppression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision import ops

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import require_unchanged
from cvgen_course.detection.boxes import box_iou
from cvgen_course.detection.nms import batched_nms, nms

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: crowds of boxes, and what is decided by a hair.

    Coordinates are quarters of a pixel and thresholds binary fractions, so that no rounding decides
    whether an IoU is above the threshold.
    """

    def number(low: int, high: int) -> float:
        return float(torch.randint(low, high, (), generator=rng))

    def crowd(num_boxes: int, num_objects: int) -> Tensor:
        """Draw boxes around objects, in any order."""
        whose = torch.arange(num_boxes) % num_objects
        whose = whose[torch.randperm(num_boxes, generator=rng)]
        corner = torch.randint(40, (num_objects, 2), generator=rng)[whose]
        size = torch.randint(7, 14, (num_objects, 2), generator=rng)[whose]
        jitter = torch.randint(-9, 10, (2, num_boxes, 2), generator=rng) / 4
        return torch.cat([corner + jitter[0], corner + size + jitter[1]], dim=1)

    def scores(num_boxes: int) -> Tensor:
        """Draw scores that are all different."""
        return (torch.randperm(num_boxes, generator=rng) + 1) / (num_boxes + 2)

    def row(*starts: float, width: float) -> Tensor:
        """Return boxes of one size beside each other."""
        x, y = torch.tensor(starts) + number(0, 30), number(0, 30)
        top = torch.full_like(x, y)
        return torch.stack([x, top, x + width, top + number(4, 20)], dim=1)

    def descending(num_boxes: int) -> Tensor:
        return scores(num_boxes).sort(descending=True).values

    def case(
        title: str, weight: float, hint: str, boxes: Tensor, scores: Tensor, threshold: float
    ) -> Case:
        inputs = {"boxes": boxes, "scores": scores, "threshold": threshold}
        return Case(title, inputs, weight, hint)

    chain = torch.randperm(3, generator=rng)  # a box overlaps the next one only: IoU 1/3
    order = torch.randperm(4, generator=rng)
    halves = row(0, 0, 40, 40, width=8)  # the second of each pair is the upper half of the first
    halves[1::2, 3] = (halves[::2, 1] + halves[::2, 3]) / 2
    many, scores_of_many = torch.cat([crowd(218, 11), halves[:2] + 100]), scores(220)
    scores_of_many[-2:] = torch.tensor([1.0, 0.001])  # the best and the last one: IoU 1/2
    empty = crowd(8, 2)
    empty[::4, 2] = empty[::4, 0]
    empty[1] = 0
    tied = scores(4)[torch.randint(4, (60,), generator=rng)]
    return [
        case(
            "twenty boxes around two objects",
            2,
            "Take the boxes by decreasing score, keep one unless it overlaps one you have kept; "
            "return their indices, best first.",
            *(crowd(20, 2), scores(20), 0.5),
        ),
        case(
            "a suppressed box in the middle",
            2.5,
            "IoU 1/3, threshold 1/4. Only kept boxes suppress: what overlaps nothing but a "
            "suppressed box stays.",
            *(row(0, 8, 16, width=16)[chain], descending(3)[chain], 0.25),
        ),
        case(
            "a long row of neighbours",
            2.5,
            "Whether a box stays hangs on what became of all better ones, not only the last.",
            *(row(*range(0, 96, 8), width=16), descending(12), 0.25),
        ),
        case(
            "an IoU of exactly the threshold",
            4,
            "Suppressed is what has an IoU above the threshold; at the threshold, it stays.",
            *(halves[order], scores(4), 0.5),
        ),
        case(
            "a low threshold",
            1.5,
            "The lower the threshold, the fewer boxes stay; `threshold` is an argument.",
            *(crowd(20, 2), scores(20), 0.25),
        ),
        case(
            "a high threshold",
            1.5,
            "The higher the threshold, the more boxes stay; `threshold` is an argument.",
            *(crowd(20, 2), scores(20), 0.75),
        ),
        case(
            "threshold 0: boxes that touch",
            1.5,
            "Boxes with a common edge have IoU 0, which is not above 0.",
            *(row(0, 6, 12, 15, width=6), descending(4), 0.0),
        ),
        case(
            "threshold 1: the same box again and again",
            1.5,
            "No IoU is above 1, so every box stays, best first. (A kept box must leave your list.)",
            *(crowd(1, 1).expand(5, 4).clone(), scores(5), 1.0),
        ),
        case(
            "equal scores",
            3.5,
            "Of equal scores, the lower index comes first: sort with stable=True.",
            *(crowd(60, 5), tied, 0.5),
        ),
        case(
            "the same score for all",
            3.5,
            "Of equal scores, the lower index comes first: sort with stable=True, turn nothing.",
            *(crowd(12, 2), scores(12)[:1].expand(12).clone(), 0.5),
        ),
        case(
            "scores below zero",
            1,
            "Logits are scores, too: only their order counts.",
            *(crowd(20, 2), scores(20) - 2, 0.5),
        ),
        case(
            "boxes without an area",
            1,
            "An empty box has IoU 0 with everything, itself too, and stays. (Is yours NaN? Must "
            "IoU remove a kept box from your list?)",
            *(empty, scores(8), 0.25),
        ),
        case(
            "220 boxes",
            1.5,
            "Nothing new, only more of it; two of them have an IoU of exactly the threshold.",
            *(many, scores_of_many, 0.5),
        ),
        case(
            "one box",
            0.25,
            "A single box stays: [0], of shape (1,).",
            *(crowd(1, 1), scores(1), 0.5),
        ),
        case(
            "no box",
            0.25,
            "Then nothing stays: int64 of shape (0,). torch.tensor([]) is float32.",
            *(torch.zeros(0, 4), torch.zeros(0), 0.5),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the indices of the boxes that an implementation keeps."""
    handed = {name: inputs[name].clone() for name in ("boxes", "scores")}
    kept = as_tensor(implementation(*handed.values(), inputs["threshold"]), "the indices")
    require_unchanged({name: inputs[name] for name in handed}, handed)
    return {"the indices of the kept boxes": kept}


def _by_score(scores: Tensor) -> Tensor:
    return scores.sort(descending=True, stable=True).indices


def _greedy(order: Tensor, too_much: Tensor) -> Tensor:
    kept: list[int] = []
    for i in order.tolist():
        if not too_much[i, kept].any():
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


@mistakes.when("suppressed boxes suppress others: only a box that is kept may do that.")
def _suppressed_suppress(boxes, scores, threshold):
    order = _by_score(scores)
    too_much = (box_iou(boxes[order], boxes[order]) > threshold).triu(diagonal=1)
    return order[~too_much.any(dim=0)]


@mistakes.when("a box is compared only with the last one that was kept: with all that were.")
def _last_kept_only(boxes, scores, threshold):
    too_much = box_iou(boxes, boxes) > threshold
    kept: list[int] = []
    for i in _by_score(scores).tolist():
        if not too_much[i, kept[-1:]].any():
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


@mistakes.when("the threshold is always 0.5: it is an argument.")
def _always_half(boxes, scores, threshold):
    return _greedy(_by_score(scores), box_iou(boxes, boxes) > 0.5)


@mistakes.when(
    "of equal scores the higher index comes first, as in an ascending list turned round."
)
def _ties_turned(boxes, scores, threshold):
    return _greedy(scores.sort(stable=True).indices.flip(0), box_iou(boxes, boxes) > threshold)


@mistakes.when("a box is suppressed at an IoU equal to the threshold: only above it.")
def _at_the_threshold(boxes, scores, threshold):
    return _greedy(_by_score(scores), box_iou(boxes, boxes) >= threshold)


@mistakes.when("the boxes are taken by increasing score: the best one comes first.")
def _worst_first(boxes, scores, threshold):
    return _greedy(scores.sort(stable=True).indices, box_iou(boxes, boxes) > threshold)


@mistakes.when("the boxes are taken in the order in which they came, not by decreasing score.")
def _scores_ignored(boxes, scores, threshold):
    return _greedy(torch.arange(len(boxes)), box_iou(boxes, boxes) > threshold)


@mistakes.when("the indices are sorted: they come by decreasing score, the best box first.")
def _by_index(boxes, scores, threshold):
    return _greedy(_by_score(scores), box_iou(boxes, boxes) > threshold).sort().values


@mistakes.when("places in the sorted list are returned: look up which boxes stood there.")
def _positions(boxes, scores, threshold):
    boxes = boxes[_by_score(scores)]
    return _greedy(torch.arange(len(boxes)), box_iou(boxes, boxes) > threshold)


@mistakes.when("a mask is returned: asked are the indices of the kept boxes, best first.")
def _mask(boxes, scores, threshold):
    kept = _greedy(_by_score(scores), box_iou(boxes, boxes) > threshold)
    return torch.isin(torch.arange(len(boxes)), kept)


@mistakes.when("the boxes themselves are returned: asked are their indices.")
def _boxes_returned(boxes, scores, threshold):
    return boxes[_greedy(_by_score(scores), box_iou(boxes, boxes) > threshold)]


@mistakes.when("your own IoU counts boxes that lie apart: clamp the overlap's sides at 0.")
def _not_clamped(boxes, scores, threshold):
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    overlap = (torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - low).prod(dim=-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return _greedy(_by_score(scores), overlap / (area[:, None] + area - overlap) > threshold)


@mistakes.when("a box's sides are one pixel too long: the width is x2 − x1, without + 1.")
def _last_pixel(boxes, scores, threshold):
    wider = torch.cat([boxes[:, :2], boxes[:, 2:] + 1], dim=1)
    return _greedy(_by_score(scores), box_iou(wider, wider) > threshold)


@mistakes.when("the intersection is divided by the smaller box, not by the union.")
def _smaller_box(boxes, scores, threshold):
    iou = box_iou(boxes, boxes)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
    shared = (area[:, None] + area) * iou / (1 + iou)
    smaller = area[:, None].minimum(area).clamp(min=1e-9)
    return _greedy(_by_score(scores), shared / smaller > threshold)


EXERCISE = Exercise(
    name="nms",
    title="Non-maximum suppression",
    points=2,
    reference=nms,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(ops.nms, ops.batched_nms, "torchvision::nms", batched_nms),
    read="One object, one box: non-maximum suppression",
)
