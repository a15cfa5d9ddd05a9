"""Exercise: choose the hardest negatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import require_unchanged
from cvgen_course.detection.hard_negative_mining import hard_negative_mining

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: images with many, few and no objects, hard objects, equal losses."""

    def ranks(*shape: int) -> Tensor:
        """Return a random order of each row."""
        return torch.rand(shape, generator=rng).argsort(dim=1)

    def ask(num_boxes: int, *num_positive: int) -> dict[str, Any]:
        shape = (len(num_positive), num_boxes)
        losses = 4 * torch.rand(shape, generator=rng) ** 2
        return {
            "losses": losses,
            "positive": ranks(*shape) < torch.tensor(num_positive)[:, None],
        }

    hard = ask(16, 2, 3)
    hard["losses"] += 5 * hard["positive"]
    easy = ask(12, 2, 1)
    easy["losses"] *= ~easy["positive"]
    zero = ask(14, 3, 2)
    zero["positive"][0] = torch.arange(14) < 3
    zero["losses"] = (zero["losses"] + 0.1) * ((ranks(2, 14) < 4) & ~zero["positive"])
    equal = {**ask(24, 1, 2), "ratio": 2}
    equal["losses"] = (ranks(2, 24) // 12).float()  # 12 losses of 0 and of 1
    unlike = ask(20, 3, 3)
    unlike["losses"][0] += 10
    last = ask(12, 1)
    last["losses"] += torch.arange(12)
    return [
        Case(
            "one image, two objects",
            ask(16, 2),
            weight=1.5,
            hint="Both positives, and of the negatives the 3 · 2 with the largest losses.",
        ),
        Case(
            "three images with 1, 4 and 2 objects",
            ask(18, 1, 4, 2),
            weight=1.5,
            hint="Each image gets ratio × the number of its own positives.",
        ),
        Case(
            "one image is much harder than the other",
            unlike,
            weight=1.5,
            hint="Negatives compete with those of their own image only: sort along dimension 1.",
        ),
        Case(
            "hard positives",
            hard,
            weight=1.5,
            hint="Positives are chosen anyway: they must not take the places of negatives.",
        ),
        Case(
            "easy positives",
            easy,
            weight=1,
            hint="All positives are chosen, however small their losses are.",
        ),
        Case(
            "an image without objects beside one with three",
            ask(16, 0, 3),
            weight=3.4,
            hint="3 × 0 = 0: without positives, no negatives are chosen.",
        ),
        Case(
            "no object at all",
            ask(9, 0, 0),
            weight=3.4,
            hint="3 × 0 = 0: without positives, nothing is chosen.",
        ),
        Case(
            "fewer negatives than wanted",
            ask(10, 4, 1),
            weight=1,
            hint="Where there are fewer negatives, all of them are chosen.",
        ),
        Case(
            "only positives",
            ask(5, 5),
            weight=0.5,
            hint="Without negatives, the answer is all positives.",
        ),
        Case(
            "other ratios: 1",
            {**ask(15, 3, 2), "ratio": 1},
            weight=1.7,
            hint="`ratio` says how many negatives there are for each positive; 3 is the default.",
        ),
        Case(
            "other ratios: 5",
            {**ask(21, 2, 3), "ratio": 5},
            weight=1.7,
            hint="`ratio` says how many negatives there are for each positive; 3 is the default.",
        ),
        Case(
            "equal losses, ratio 2",
            equal,
            weight=3.4,
            hint="Of equal losses, the lower index comes first: argsort(..., stable=True).",
        ),
        Case(
            "many losses are 0",
            zero,
            weight=3.4,
            hint="Then negatives of loss 0 are chosen, the lower index first; positives don't take "
            "their places.",
        ),
        Case(
            "the last boxes are the hardest",
            last,
            weight=0.5,
            hint="argsort says which box is at a place, not at which place a box is.",
        ),
        Case(
            "losses that need a gradient, float64",
            {**ask(12, 1, 2), "needs_grad": True},
            weight=1,
            hint="The choice is a bool tensor, and has no gradient: .detach() before .numpy().",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return which boxes are chosen."""
    losses, positive = inputs["losses"], inputs["positive"]
    handed = losses.clone()
    if "needs_grad" in inputs:
        handed = losses.double().requires_grad_() * 1
    options = {"ratio": inputs["ratio"]} if "ratio" in inputs else {}
    chosen = as_tensor(implementation(handed, positive, **options), "the choice")
    require_unchanged({"losses": losses.to(handed.dtype)}, {"losses": handed.detach()})
    return {"the choice": chosen.detach()}


def _hardest(losses: Tensor, wanted: Tensor) -> Tensor:
    order = losses.argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1) < wanted


def _wanted(positive: Tensor, ratio: int) -> Tensor:
    return ratio * positive.sum(dim=1, keepdim=True)


@mistakes.when("the negatives of all images compete for places: each image has its own.")
def _whole_batch(losses, positive, ratio=3):
    of_negatives = losses.masked_fill(positive, -1).flatten()[None]
    wanted = _wanted(positive.flatten()[None], ratio)
    return positive | _hardest(of_negatives, wanted).view_as(positive)


@mistakes.when("positives take places among the hardest: only negatives compete for them.")
def _positives_take_places(losses, positive, ratio=3):
    return positive | _hardest(losses, _wanted(positive, ratio))


@mistakes.when("the negatives with the smallest losses are chosen: the hardest have the largest.")
def _easiest(losses, positive, ratio=3):
    order = losses.masked_fill(positive, torch.inf).argsort(dim=1, stable=True)
    return positive | (order.argsort(dim=1) < _wanted(positive, ratio))


@mistakes.when("the positives are missing: they are chosen, too.")
def _negatives_only(losses, positive, ratio=3):
    return _hardest(losses.masked_fill(positive, -1), _wanted(positive, ratio)) & ~positive


@mistakes.when("each image gets as many negatives as the one with the most positives.")
def _as_the_fullest_image(losses, positive, ratio=3):
    wanted = _wanted(positive, ratio).amax(dim=0)
    return positive | _hardest(losses.masked_fill(positive, -1), wanted)


@mistakes.when("an image without positives gets negatives as if it had one.")
def _one_at_least(losses, positive, ratio=3):
    wanted = _wanted(positive, ratio).clamp(min=ratio)
    return positive | _hardest(losses.masked_fill(positive, -1), wanted)


@mistakes.when(
    "the result of argsort is taken for ranks: it says which box is at a place; "
    "argsort of it says at which place a box is."
)
def _places_for_boxes(losses, positive, ratio=3):
    order = losses.masked_fill(positive, -1).argsort(dim=1, descending=True, stable=True)
    return positive | (order < _wanted(positive, ratio))


@mistakes.when("positives are counted among the ratio × positives: that many are negatives.")
def _ratio_of_all(losses, positive, ratio=3):
    wanted = _wanted(positive, ratio) - positive.sum(dim=1, keepdim=True)
    return positive | _hardest(losses.masked_fill(positive, -1), wanted)


@mistakes.when("each image gets ratio × the positives of the whole batch: only its own count.")
def _positives_of_the_batch(losses, positive, ratio=3):
    wanted = _wanted(positive, ratio).sum()
    return positive | _hardest(losses.masked_fill(positive, -1), wanted)


@mistakes.when("`ratio` is ignored: it says how many negatives there are for each positive.")
def _three_always(losses, positive, ratio=3):
    return positive | _hardest(losses.masked_fill(positive, -1), _wanted(positive, 3))


@mistakes.when("all of an image without positives is chosen: 3 × 0 = 0, so nothing is.")
def _all_without_positives(losses, positive, ratio=3):
    chosen = positive | _hardest(losses.masked_fill(positive, -1), _wanted(positive, ratio))
    return chosen | ~positive.any(dim=1, keepdim=True)


@mistakes.when(
    "all negatives that are as hard as the last one are chosen: of equal losses, those with the "
    "lower index come first, until there are enough."
)
def _all_equals(losses, positive, ratio=3):
    of_negatives = losses.masked_fill(positive, -1)
    hardest = ~positive & _hardest(of_negatives, _wanted(positive, ratio))
    limit = losses.masked_fill(~hardest, torch.inf).amin(dim=1, keepdim=True)
    return positive | (of_negatives >= limit)


@mistakes.when("of equal losses the higher index comes first: it is the lower one.")
def _last_of_equals(losses, positive, ratio=3):
    order = losses.masked_fill(positive, -1).argsort(dim=1, stable=True).flip(1)
    return positive | (order.argsort(dim=1) < _wanted(positive, ratio))


EXERCISE = Exercise(
    name="hard_negative_mining",
    title="Hard negative mining",
    points=2,
    reference=hard_negative_mining,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="SSD: only the hardest negatives",
)
