"""Exercise: how much a generator changes what need not change."""

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
            "four images of A, four of B",
            ask(4, 4, (2, 4, 3)),
            weight=1,
            hint="Which domain's images does G_AB make? Those it is shown, and what it makes of "
            "them is compared with them.",
        ),
        Case(
            "five images of A, two of B",
            ask(5, 2, (3, 2, 4)),
            weight=2,
            hint="Two means, each over all numbers of its own batch; then their sum.",
        ),
        Case(
            "a single image of A, six of B",
            ask(1, 6, (1, 5, 2)),
            weight=1,
            hint="N and M may differ, and be 1: take the two means before they are added.",
        ),
        Case(
            "images of a single number",
            ask(4, 3, (1, 1, 1)),
            weight=1,
            hint="C, H and W may be 1: no squeeze.",
        ),
        Case(
            "loss and gradients, four images of A, three of B",
            ask_gradient(4, 3, (3, 3, 2)),
            weight=3,
            hint="Both generators are to learn from it: nothing is detached, and there is no "
            "torch.no_grad().",
        ),
        Case(
            "loss and gradients, a single image of each",
            ask_gradient(1, 1, (2, 3, 5)),
            weight=2,
            hint="G_AB learns from one of the two means, G_BA from the other.",
        ),
        Case(
            "float64: loss and gradients",
            ask_gradient(2, 5, (2, 2, 2), dtype=torch.float64),
            weight=1,
            hint="New here: float64; the loss is as precise as the images.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the loss and, where a case asks for them, the gradients."""
    return loss_of(implementation, **inputs)


def _pairs(g_ab, g_ba, a, b):
    """Return what the generators make of images of their own targets, and these."""
    return (g_ab(b), b), (g_ba(a), a)


def _l1(x, y):
    return (x - y).abs().mean()


def _loss(pairs, measure=_l1):
    (x, b), (y, a) = pairs
    return measure(x, b) + measure(y, a)


@mistakes.when(
    "the images are exchanged: G_AB is shown a, G_BA is shown b, and each is asked not to change "
    "the very images that it is there to translate. That pulls against the adversarial loss. G_AB "
    "makes images of B: it is b that it should leave as it is."
)
def _exchanged(g_ab, g_ba, a, b):
    return _l1(g_ab(a), a) + _l1(g_ba(b), b)


@mistakes.when("only G_AB counts, shown b: G_BA should leave a as it is, too.")
def _of_g_ab_alone(g_ab, g_ba, a, b):
    return _l1(g_ab(b), b)


@mistakes.when("only G_BA counts, shown a: G_AB should leave b as it is, too.")
def _of_g_ba_alone(g_ab, g_ba, a, b):
    return _l1(g_ba(a), a)


@mistakes.when(
    "it is the cycle loss: here each generator is asked once, about images that are of its target "
    "domain already; nothing goes there and back."
)
def _cycle(g_ab, g_ba, a, b):
    return _l1(g_ba(g_ab(a)), a) + _l1(g_ab(g_ba(b)), b)


@mistakes.when(
    "translations are compared with the other batch, as if a and b were pairs: what a generator "
    "makes of an image is compared with this image."
)
def _as_if_paired(g_ab, g_ba, a, b):
    return _l1(g_ab(a), b) + _l1(g_ba(b), a)


@mistakes.when("both generators are shown b: G_BA makes images of A, and is shown a.")
def _both_shown_b(g_ab, g_ba, a, b):
    return _l1(g_ab(b), b) + _l1(g_ba(b), b)


@mistakes.when("both generators are shown a: G_AB makes images of B, and is shown b.")
def _both_shown_a(g_ab, g_ba, a, b):
    return _l1(g_ab(a), a) + _l1(g_ba(a), a)


@mistakes.when(
    "each generator is shown what it has made itself: it is shown real images of its target domain."
)
def _shown_fakes(g_ab, g_ba, a, b):
    x, y = g_ab(a), g_ba(b)
    return _l1(g_ab(x), x) + _l1(g_ba(y), y)


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
    (x, b), (y, a) = _pairs(*inputs)
    return ((x - b).abs() + (y - a).abs()).mean()


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
    "the loss is multiplied by 5, as in the paper (half of λ = 10): its weight belongs to the step "
    "that adds it to the others."
)
def _times_5(*inputs):
    return 5 * _loss(_pairs(*inputs))


@mistakes.when(
    "the loss is multiplied by 2.5, its weight here: that belongs to the step that adds it to the "
    "others."
)
def _times_2_5(*inputs):
    return 2.5 * _loss(_pairs(*inputs))


EXERCISE = Exercise(
    name="identity_loss",
    title="What need not change",
    points=2,
    reference=identity_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(distance, cycle_loss, generators_loss, generator_step),
    read="What need not change",
)
