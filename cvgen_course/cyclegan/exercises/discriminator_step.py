"""Exercise: a step of one discriminator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.cyclegan import CycleGAN, discriminator_step
from cvgen_course.cyclegan.exercises.players import CALM_ADAM, drawn, images, ready
from cvgen_course.cyclegan.exercises.steps import judged, unchanged
from cvgen_course.gan import discriminator_loss, least_squares_discriminator_loss
from cvgen_course.gan.exercises.players import DESCENT, MOMENTUM
from cvgen_course.gan.exercises.steps import (
    learn,
    learn_and_zero,
    learn_without_zero,
    zero_too_late,
)

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches of all sizes, fakes with a graph, optimizers, batch norm."""
    ask = partial(_questions, rng)
    return [
        Case(
            "one step, three images of each",
            ask((3, 3), left=True),
            weight=2,
            hint="Loss, zero_grad(), backward(), step(). Return loss.detach().",
        ),
        Case(
            "more fakes than real images",
            ask((2, 5)),
            weight=2,
            hint="Half a mean over real images, plus half a mean over fakes, each over all logits "
            "of its own.",
        ),
        Case(
            "one real image and one fake",
            ask((1, 1)),
            weight=1,
            hint="A batch may hold a single image: no squeeze.",
        ),
        Case(
            "one logit for each image",
            ask((4, 3), judge="images"),
            weight=1,
            hint="Logits may have any shape: .mean() is over all of them.",
        ),
        Case(
            "gradients are left over from before",
            ask((3, 2), leftovers=True),
            weight=4,
            hint="backward() adds to .grad: the optimizer's zero_grad() comes before it. So it may "
            "be right after a generator's step.",
        ),
        Case(
            "fakes with a graph",
            ask((3, 4), graph=True, left=True),
            weight=4,
            hint="backward() goes on to whoever made the fakes, unless fake.detach() ends the way.",
        ),
        Case(
            "three steps with momentum",
            ask((2, 3), (4, 2), (3, 3), optimizer=MOMENTUM),
            weight=4,
            hint="One zero_grad() and one step() a call, for both halves of the loss together.",
        ),
        Case(
            "two steps of Adam, and gradients left over",
            ask((2, 4), (3, 2), optimizer=CALM_ADAM, leftovers=True, graph=True),
            weight=4,
            hint="zero_grad() before backward(), and one step() a call. The fakes are detached.",
        ),
        Case(
            "batch norm in the discriminator",
            ask((3, 5), judge="normed patches", left=True),
            weight=4,
            hint="Ask the discriminator about real images, and apart from that about fakes: no "
            "torch.cat. It stays in training mode.",
        ),
        Case(
            "two steps with batch norm, and fakes with a graph",
            ask((4, 3), (2, 4), judge="normed patches", graph=True),
            weight=4,
            hint="Each batch goes through the discriminator on its own; it stays in training mode.",
        ),
        Case(
            "one step in float64",
            ask((2, 3), dtype=torch.float64),
            weight=1,
            hint="Labels of the logits' dtype: torch.ones_like(logits), or the number 1.",
        ),
    ]


def _questions(
    rng: torch.Generator,
    *sizes: tuple[int, int],
    judge: str = "patches",
    optimizer: dict[str, Any] = DESCENT,
    leftovers: bool = False,
    graph: bool = False,
    dtype: torch.dtype = torch.float32,
    left: bool = False,
) -> dict[str, Any]:
    """Return a discriminator, who makes the fakes, and both batches of each step."""
    return {
        "discriminator": drawn(rng, [judge], optimizer, leftovers, dtype),
        "generator": drawn(rng, ["generator"], dtype=dtype),
        "real": [images(rng, N, dtype) for N, _ in sizes],
        "translated": [images(rng, M, dtype) for _, M in sizes],
        "graph": graph,
        "left": left,
    }


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the loss of each step, what became of the discriminator, and who else learns."""
    player, maker = ready(inputs["discriminator"]), ready(inputs["generator"])
    (discriminator,), (generator,) = player.network.children(), maker.network.children()
    found: dict[str, Any] = {}
    with_graph = False
    for step, (real, x) in enumerate(zip(inputs["real"], inputs["translated"], strict=True), 1):
        fake = generator(x) if inputs["graph"] else generator(x).detach()
        loss = implementation(discriminator, real, fake, player.optimizer)
        if isinstance(loss, tuple | list):
            raise WrongAnswer("your function should return one loss: return loss.detach()")
        loss = as_tensor(loss, "the loss")
        with_graph |= loss.requires_grad
        found[f"step {step}, the loss"] = loss.detach()
    found["the discriminator's parameters afterwards"] = player.parameters
    if inputs["graph"]:
        learns = any(parameter.grad is not None for parameter in generator.parameters())
        found["whoever made the fakes"] = "gets gradients" if learns else "gets no gradients"
    if inputs["left"]:
        found["the loss is returned"] = "with its graph" if with_graph else "without a graph"
        found["the discriminator's modes afterwards"] = player.modes
    return found


@mistakes.when(
    "the fakes are not detached: backward() goes on into the generator that made them, and leaves "
    "gradients there."
)
def _not_detached(*game):
    return judged(*game, shown=unchanged)


@mistakes.when(
    "the logits of the fakes are detached, or computed without gradients: detach the fakes, so "
    "that the discriminator still learns from them."
)
def _logits_detached(*game):
    return judged(
        *game, loss=lambda real, fake: least_squares_discriminator_loss(real, fake.detach())
    )


@mistakes.when("the loss is not halved.")
def _not_halved(*game):
    return judged(*game, loss=lambda real, fake: 2 * least_squares_discriminator_loss(real, fake))


@mistakes.when("the labels are exchanged: a discriminator wants 1 for real images, 0 for fakes.")
def _labels_exchanged(*game):
    return judged(*game, loss=lambda real, fake: least_squares_discriminator_loss(fake, real))


@mistakes.when("the loss is a cross-entropy: it is to have the squares of D(real) − 1 and D(fake).")
def _cross_entropy(*game):
    return judged(*game, loss=discriminator_loss)


@mistakes.when(
    "the loss is a cross-entropy, halved: it is to have squares of D(real) − 1, D(fake)."
)
def _half_a_cross_entropy(*game):
    return judged(*game, loss=lambda real, fake: discriminator_loss(real, fake) / 2)


@mistakes.when("the loss has real images alone: half the mean of D(fake)² is added.")
def _real_alone(*game):
    return judged(*game, loss=lambda real, fake: (real - 1).square().mean() / 2)


@mistakes.when("the loss has fakes alone: half the mean of (D(real) − 1)² is added.")
def _fakes_alone(*game):
    return judged(*game, loss=lambda real, fake: fake.square().mean() / 2)


@mistakes.when(
    "there is one mean over the logits of all images: where there are more fakes than real images, "
    "they count more. Each kind has a mean of its own."
)
def _one_mean(*game):
    return judged(*game, loss=_mean_of_all)


@mistakes.when(
    "real images and fakes are one batch for the discriminator: its batch norm then mixes their "
    "statistics."
)
def _one_batch(discriminator, real, fake, optimizer):
    return _of_one_batch(discriminator, real, fake, optimizer, least_squares_discriminator_loss)


@mistakes.when(
    "real images and fakes are one batch, with one mean: batch norm then mixes their statistics, "
    "and the kind that there is more of counts more."
)
def _one_batch_and_one_mean(discriminator, real, fake, optimizer):
    return _of_one_batch(discriminator, real, fake, optimizer, _mean_of_all)


def _of_one_batch(discriminator, real, fake, optimizer, loss_of):
    logits = discriminator(torch.cat([real, fake.detach()]))
    loss = loss_of(*logits.split([len(real), len(fake)]))
    learn(optimizer, loss)
    return loss.detach()


def _mean_of_all(real, fake):
    return torch.cat([real - 1, fake]).square().mean()


@mistakes.when(
    "the gradients are not set to 0 before backward(): those from before, a generator's step say, "
    "are added."
)
def _not_zeroed(*game):
    return judged(*game, learn=learn_without_zero)


@mistakes.when(
    "zero_grad() comes only after step(): what .grad held before your function was called is added."
)
def _zeroed_afterwards(*game):
    return judged(*game, learn=learn_and_zero)


@mistakes.when(
    "zero_grad() comes between backward() and step(), or there is no step(): nobody learns."
)
def _zeroed_too_late(*game):
    return judged(*game, learn=zero_too_late)


@mistakes.when(
    "the discriminator takes two steps, one for real images and one for fakes: both halves are "
    "added, for one step."
)
def _two_steps(discriminator, real, fake, optimizer):
    of_real = (discriminator(real) - 1).square().mean() / 2
    learn(optimizer, of_real)
    of_fake = discriminator(fake.detach()).square().mean() / 2
    learn(optimizer, of_fake)
    return (of_real + of_fake).detach()


@mistakes.when("the loss is computed anew after the step: return the one that the step is for.")
def _loss_afterwards(*game):
    judged(*game)
    return judged(*game, learn=lambda optimizer, loss: None)


@mistakes.when(
    "the loss is returned with its graph: who keeps such losses, say for a curve, keeps all that "
    "they were computed from. loss.detach() is without."
)
def _with_graph(*game):
    return judged(*game, result=unchanged)


@mistakes.when(
    "the discriminator is in evaluation mode: its batch norm then uses its running statistics. It "
    "stays in training mode."
)
def _in_evaluation(discriminator, *rest):
    discriminator.eval()
    loss = judged(discriminator, *rest)
    discriminator.train()
    return loss


EXERCISE = Exercise(
    name="discriminator_step",
    title="A step of one discriminator",
    points=3,
    reference=discriminator_step,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(CycleGAN,),
    read="One step of each",
)
