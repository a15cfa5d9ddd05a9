"""Exercise: a step of both generators, against discriminators that stand still."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.cyclegan import (
    CycleGAN,
    cycle_loss,
    generator_step,
    generators_loss,
    identity_loss,
)
from cvgen_course.cyclegan.exercises.players import CALM_ADAM, CALM_MOMENTUM, game, ready
from cvgen_course.cyclegan.exercises.steps import translated, unchanged
from cvgen_course.cyclegan.losses import distance
from cvgen_course.cyclegan.steps import CYCLE_WEIGHT, IDENTITY_WEIGHT
from cvgen_course.gan import least_squares_generator_loss, non_saturating_loss
from cvgen_course.gan.exercises.steps import (
    learn,
    learn_and_zero,
    learn_without_zero,
    zero_too_late,
)

RESULTS = ("the loss", "the fakes of A", "the fakes of B")
SIDES = ("generators", "discriminators")

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches of all sizes, weights, gradients left over, optimizers."""
    ask = partial(game, rng)
    return [
        Case(
            "one step, two images of each domain",
            ask((2, 2), left=True),
            weight=3,
            hint="Loss, zero_grad(), backward(), step(). All three results without a graph; a "
            "discriminator that was frozen is thawed.",
        ),
        Case(
            "batches of different sizes",
            ask((3, 1)),
            weight=2,
            hint="Each mean is over all numbers of its own batch. D_B judges G_AB(a), and D_A "
            "judges G_BA(b).",
        ),
        Case(
            "one image of each domain",
            ask((1, 1)),
            weight=1,
            hint="A batch may hold a single image: no squeeze.",
        ),
        Case(
            "other weights",
            ask((2, 3), weights=(8.0, 1.0)),
            weight=3,
            hint="cycle_weight times the cycle loss, plus identity_weight times the identity loss.",
        ),
        Case(
            "the cycle loss has the weight 0",
            ask((2, 1), weights=(0.0, 3.0)),
            weight=2,
            hint="The identity loss has a weight of its own, whatever that of the cycle loss is.",
        ),
        Case(
            "the identity loss has the weight 0",
            ask((1, 2), weights=(4.0, 0.0)),
            weight=2,
            hint="What is left: half a mean of squares for each generator, and the weighted cycle "
            "loss.",
        ),
        Case(
            "discriminators with one logit for each image",
            ask((3, 2), judges="images"),
            weight=1,
            hint="Logits may have any shape: .mean() is over all of them.",
        ),
        Case(
            "gradients are left over in all four networks",
            ask((2, 3), leftovers=True),
            weight=4,
            hint="backward() adds to .grad: the optimizer's zero_grad() comes before it.",
        ),
        Case(
            "three steps with momentum",
            ask((2, 1), (1, 3), (2, 2), optimizer=CALM_MOMENTUM),
            weight=3,
            hint="One zero_grad() and one step() a call: both generators learn together, from one "
            "loss.",
        ),
        Case(
            "two steps of Adam, and gradients left over",
            ask((3, 2), (2, 3), optimizer=CALM_ADAM, leftovers=True, left=True),
            weight=4,
            hint="One zero_grad() and one step() a call; all three results are from before the "
            "step, and without a graph.",
        ),
        Case(
            "one step in float64",
            ask((2, 3), dtype=torch.float64),
            weight=1,
            hint="Labels of the logits' dtype: torch.ones_like(logits), or the number 1.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the results of each step, and what became of all four networks."""
    players = [ready(inputs[side]) for side in SIDES]
    generators, discriminators = (tuple(player.network.children()) for player in players)
    optimizer = players[0].optimizer
    found: dict[str, Any] = {}
    with_graph = set()
    for step, (a, b) in enumerate(zip(inputs["a"], inputs["b"], strict=True), 1):
        results = implementation(generators, discriminators, a, b, optimizer, *inputs["weights"])
        if not isinstance(results, tuple | list) or len(results) != len(RESULTS):
            raise WrongAnswer(
                "your function should return three things: return loss, fake_a, fake_b"
            )
        for name, result in zip(RESULTS, results, strict=True):
            tensor = as_tensor(result, name)
            if tensor.requires_grad:
                with_graph.add(name)
            found[f"step {step}, {name}"] = tensor.detach()
    for side, player in zip(SIDES, players, strict=True):
        found[f"the {side}' parameters afterwards"] = player.parameters
    if inputs["left"]:
        found["what is returned with a graph"] = " and ".join(sorted(with_graph)) or "nothing"
        for side, player in zip(SIDES, players, strict=True):
            found[f"the {side}' modes afterwards"] = player.modes
            learns = all(parameter.requires_grad for parameter in player.network.parameters())
            found[f"the {side} afterwards"] = "can learn" if learns else "are frozen"
    return found


@mistakes.when(
    "the identity loss compares a translation with what it was made from: G_AB makes images of B, "
    "and is to leave those of B as they are, not those of A."
)
def _identity_of_the_other_domain(*game):
    return translated(*game, identity=lambda g_ab, g_ba, a, b: identity_loss(g_ba, g_ab, a, b))


@mistakes.when(
    "the discriminators are exchanged: G_AB(a) is to look like an image of B, which D_B judges."
)
def _discriminators_exchanged(generators, discriminators, *rest):
    return translated(generators, discriminators[::-1], *rest)


@mistakes.when(
    "the cycle loss has the way from A to B and back alone: the one from B to A and back is added."
)
def _one_way(*game):
    return translated(*game, cycle=lambda g_ab, g_ba, a, b: distance(g_ba(g_ab(a)), a))


@mistakes.when(
    "the fakes are detached, or made without gradients, for the discriminators and for the way "
    "back: detach what is returned, not what the loss is computed from."
)
def _fakes_detached(*game):
    return translated(*game, shown=Tensor.detach, cycle=_way_back_alone)


@mistakes.when(
    "the discriminators are shown detached fakes: then no gradient of theirs comes to a generator."
)
def _detached_for_the_discriminators(*game):
    return translated(*game, shown=Tensor.detach)


@mistakes.when(
    "the cycle loss is computed from detached fakes: the generator that made them is to learn from "
    "what comes back, too."
)
def _detached_for_the_way_back(*game):
    return translated(*game, cycle=_way_back_alone)


def _way_back_alone(g_ab, g_ba, a, b):
    return distance(g_ba(g_ab(a).detach()), a) + distance(g_ab(g_ba(b).detach()), b)


@mistakes.when(
    "the generators want logits of 0, as a discriminator does for fakes: they want 1, that of real "
    "images."
)
def _discriminators_label(*game):
    return translated(*game, fooled=lambda logits: logits.square().mean() / 2)


@mistakes.when("the generators' loss is a cross-entropy: it is to be the mean of (D − 1)², halved.")
def _cross_entropy(*game):
    return translated(*game, fooled=non_saturating_loss)


@mistakes.when("the means of (D − 1)² are not halved.")
def _not_halved(*game):
    return translated(*game, fooled=lambda logits: (logits - 1).square().mean())


@mistakes.when(
    "the gradients are not set to 0 before backward(): those from before are added up with it."
)
def _not_zeroed(*game):
    return translated(*game, learn=learn_without_zero)


@mistakes.when(
    "zero_grad() comes only after step(): what .grad held before your function was called is added."
)
def _zeroed_afterwards(*game):
    return translated(*game, learn=learn_and_zero)


@mistakes.when(
    "zero_grad() comes between backward() and step(), or there is no step(): nobody learns."
)
def _zeroed_too_late(*game):
    return translated(*game, learn=zero_too_late)


@mistakes.when(
    "the discriminators are frozen, and stay so: they can't learn afterwards. requires_grad_(True) "
    "thaws them."
)
def _stay_frozen(generators, discriminators, *rest):
    for discriminator in discriminators:
        discriminator.requires_grad_(False)
    return translated(generators, discriminators, *rest)


@mistakes.when("the two weights are exchanged.")
def _weights_exchanged(*game):
    return _reweighted(game, lambda cycle, identity: (identity, cycle))


@mistakes.when(
    "the identity loss is weighted with both weights, as in the authors' code: here its weight is "
    "identity_weight alone."
)
def _weights_multiplied(*game):
    return _reweighted(game, lambda cycle, identity: (cycle, cycle * identity))


@mistakes.when("cycle_weight and identity_weight are passed over: numbers are used in their place.")
def _weights_passed_over(*game):
    return translated(*game[:5])


def _reweighted(game, change):
    return translated(*game[:5], *change(*_weights(game)))


def _weights(game):
    return game[5:] or (CYCLE_WEIGHT, IDENTITY_WEIGHT)


@mistakes.when(
    "the cycle loss is added to each generator's loss, and so counts twice: it is to count once."
)
def _cycle_counted_twice(*game):
    return translated(*game, cycle=lambda *both: 2 * cycle_loss(*both))


@mistakes.when("the cycle loss is a mean of squares: it is to be one of absolute differences.")
def _cycle_squared(*game):
    def squared(g_ab, g_ba, a, b):
        there, back = g_ba(g_ab(a)) - a, g_ab(g_ba(b)) - b
        return there.square().mean() + back.square().mean()

    return translated(*game, cycle=squared)


@mistakes.when(
    "the optimizer takes two steps, one for each generator's loss: both are added, for one step."
)
def _two_steps(*game):
    (g_ab, g_ba), (d_a, d_b), a, b, optimizer = game[:5]
    cycle_weight, identity_weight = _weights(game)
    fake_a, fake_b = g_ba(b).detach(), g_ab(a).detach()
    losses = []
    for there, back, judge, x, y in ((g_ab, g_ba, d_b, a, b), (g_ba, g_ab, d_a, b, a)):
        fake = there(x)
        loss = least_squares_generator_loss(judge(fake)) + cycle_weight * distance(back(fake), x)
        losses.append(loss + identity_weight * distance(there(y), y))
        learn(optimizer, losses[-1])
    return sum(losses).detach(), fake_a, fake_b


@mistakes.when("the loss is computed anew after the step: return the one that the step is for.")
def _loss_afterwards(*game):
    _, *fakes = translated(*game)
    loss, *_ = translated(*game, learn=lambda optimizer, loss: None)
    return loss, *fakes


@mistakes.when(
    "the fakes are made anew after the step: return those that the loss was computed from."
)
def _fakes_afterwards(*game):
    loss, *_ = translated(*game)
    _, *fakes = translated(*game, learn=lambda optimizer, loss: None)
    return loss, *fakes


@mistakes.when("the fakes come in the wrong order: those of A, G_BA(b), are first.")
def _fakes_exchanged(*game):
    loss, fake_a, fake_b = translated(*game)
    return loss, fake_b, fake_a


@mistakes.when(
    "the loss is returned with its graph: who keeps such losses, say for a curve, keeps all that "
    "they were computed from. loss.detach() is without."
)
def _loss_with_graph(*game):
    return translated(*game, result=unchanged)


@mistakes.when(
    "the fakes are returned with their graphs: a pool of them would keep all that they were "
    "computed from. fake.detach() is without."
)
def _fakes_with_graph(*game):
    return translated(*game, images=unchanged)


@mistakes.when("all three results are returned with their graphs: detach() the loss and the fakes.")
def _all_with_graph(*game):
    return translated(*game, result=unchanged, images=unchanged)


EXERCISE = Exercise(
    name="generator_step",
    title="A step of both generators",
    points=4,
    reference=generator_step,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(CycleGAN, generators_loss),
    read="One step of each",
)
