"""Exercise: how far images are from what comes back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.cyclegan import cycle_loss, generator_step, generators_loss, identity_loss
from cvgen_course.cyclegan.exercises.translators import drawn, loss_of
from cvgen_course.cyclegan.losses import distance

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: as many images of A as of B and not, values alone and gradients."""
    ask = partial(drawn, rng)
    ask_gradient = partial(ask, gradient=True)
    return [
        Case(
            "three images of A, three of B",
            ask(3, 3, (2, 3, 4)),
            weight=1,
            hint="From A: a, g_ab(a), g_ba(g_ab(a)), which is compared with a. From B: b, g_ba(b), "
            "g_ab(g_ba(b)), which is compared with b.",
        ),
        Case(
            "two images of A, five of B",
            ask(2, 5, (3, 4, 2)),
            weight=2,
            hint="Two means, each over all numbers of its own batch; then their sum.",
        ),
        Case(
            "six images of A, a single one of B",
            ask(6, 1, (1, 2, 5)),
            weight=1,
            hint="N and M may differ, and be 1: take the two means before they are added.",
        ),
        Case(
            "images of a single number",
            ask(3, 4, (1, 1, 1)),
            weight=1,
            hint="C, H and W may be 1: no squeeze.",
        ),
        Case(
            "loss and gradients, two images of A, four of B",
            ask_gradient(2, 4, (3, 2, 3)),
            weight=3,
            hint="Both generators are to learn from both ways: nothing is detached, and there is "
            "no torch.no_grad().",
        ),
        Case(
            "loss and gradients, a single image of each",
            ask_gradient(1, 1, (2, 5, 3)),
            weight=2,
            hint="The generator that comes first learns, too, through the one that comes second.",
        ),
        Case(
            "float64: loss and gradients",
            ask_gradient(5, 3, (2, 2, 2), dtype=torch.float64),
            weight=1,
            hint="New here: float64; the loss is as precise as the images.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the loss and, where a case asks for them, the gradients."""
    return loss_of(implementation, **inputs)


def _pairs(g_ab, g_ba, a, b):
    """Return what comes back, and what it should be."""
    return (g_ba(g_ab(a)), a), (g_ab(g_ba(b)), b)


def _l1(x, y):
    return (x - y).abs().mean()


def _loss(pairs, measure=_l1):
    (x, a), (y, b) = pairs
    return measure(x, a) + measure(y, b)


@mistakes.when("only the way from A to B and back counts: there is one from B to A and back, too.")
def _from_a_alone(g_ab, g_ba, a, b):
    return _l1(g_ba(g_ab(a)), a)


@mistakes.when("only the way from B to A and back counts: there is one from A to B and back, too.")
def _from_b_alone(g_ab, g_ba, a, b):
    return _l1(g_ab(g_ba(b)), b)


@mistakes.when(
    "the generators come in the wrong order: images of A go through G_AB first, then through G_BA; "
    "those of B through G_BA first."
)
def _wrong_order(g_ab, g_ba, a, b):
    return _loss(_pairs(g_ba, g_ab, a, b))


@mistakes.when(
    "images of B go through G_AB first, as those of A do: theirs is the other way, G_BA first."
)
def _same_order(g_ab, g_ba, a, b):
    return _l1(g_ba(g_ab(a)), a) + _l1(g_ba(g_ab(b)), b)


@mistakes.when("there and back goes the same generator twice: the way back is the other one's.")
def _same_twice(g_ab, g_ba, a, b):
    return _l1(g_ab(g_ab(a)), a) + _l1(g_ba(g_ba(b)), b)


@mistakes.when(
    "differences are squared: it is their absolute values that are averaged (an L1 distance)."
)
def _squared(*inputs):
    return _loss(_pairs(*inputs), lambda x, y: (x - y).square().mean())


@mistakes.when(
    "the absolute value is missing: differences of both signs cancel each other in the mean."
)
def _signed(*inputs):
    return _loss(_pairs(*inputs), lambda x, y: (x - y).mean())


@mistakes.when(
    "the mean comes before the absolute value: differences of both signs have cancelled by then."
)
def _mean_first(*inputs):
    return _loss(_pairs(*inputs), lambda x, y: (x - y).mean().abs())


@mistakes.when("the absolute differences are summed: it is their mean.")
def _summed(*inputs):
    return _loss(_pairs(*inputs), lambda x, y: (x - y).abs().sum())


@mistakes.when(
    "the absolute differences are summed over an image, and averaged over the batch alone: the "
    "mean is over all numbers, so that it does not grow with the images."
)
def _summed_over_image(*inputs):
    return _loss(_pairs(*inputs), lambda x, y: (x - y).abs().sum() / len(x))


@mistakes.when(
    "one mean is taken over the images of both domains: it is a mean over each batch, and their "
    "sum."
)
def _one_mean(*inputs):
    return torch.cat([(x - y).abs() for x, y in _pairs(*inputs)]).mean()


@mistakes.when(
    "the differences of a and of b are added pair by pair, which takes as many of both: take the "
    "two means first."
)
def _pair_by_pair(*inputs):
    (x, a), (y, b) = _pairs(*inputs)
    return ((x - a).abs() + (y - b).abs()).mean()


@mistakes.when(
    "what comes back is compared with the translation in the middle: it is to be like the image "
    "that went out."
)
def _compared_with_fake(g_ab, g_ba, a, b):
    fake_b, fake_a = g_ab(a), g_ba(b)
    return _l1(g_ba(fake_b), fake_b) + _l1(g_ab(fake_a), fake_a)


@mistakes.when(
    "the translation is compared with the image, without the way back: so each generator is asked "
    "to change nothing."
)
def _there_alone(g_ab, g_ba, a, b):
    return _l1(g_ab(a), a) + _l1(g_ba(b), b)


@mistakes.when(
    "it is the identity loss: each generator is shown images that are of its target domain "
    "already, and nothing goes there and back."
)
def _identity(g_ab, g_ba, a, b):
    return _l1(g_ab(b), b) + _l1(g_ba(a), a)


@mistakes.when(
    "the translation in the middle is detached, or made under torch.no_grad(): the generator that "
    "made it learns nothing from what becomes of it."
)
def _fakes_detached(g_ab, g_ba, a, b):
    return _l1(g_ba(g_ab(a).detach()), a) + _l1(g_ab(g_ba(b).detach()), b)


@mistakes.when(
    "the loss is cut off from the generators (`.item()`, `.detach()`, torch.no_grad()): they could "
    "not learn from it."
)
def _detached(*inputs):
    return _loss(_pairs(*inputs)).detach()


@mistakes.when("the loss is halved: the two means are added.")
def _halved(*inputs):
    return _loss(_pairs(*inputs)) / 2


@mistakes.when(
    "the loss is multiplied by 10, the paper's λ: its weight belongs to the step that adds it to "
    "the others."
)
def _times_10(*inputs):
    return 10 * _loss(_pairs(*inputs))


@mistakes.when(
    "the loss is multiplied by 5, its weight here: that belongs to the step that adds it to the "
    "others."
)
def _times_5(*inputs):
    return 5 * _loss(_pairs(*inputs))


EXERCISE = Exercise(
    name="cycle_loss",
    title="There and back",
    points=2,
    reference=cycle_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(distance, identity_loss, generators_loss, generator_step),
    read="There and back",
)
