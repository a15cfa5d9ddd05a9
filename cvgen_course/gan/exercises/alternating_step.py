"""Exercise: a step of the discriminator, then one of the generator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.gan import (
    GAN,
    alternating_step,
    discriminator_loss,
    non_saturating_loss,
    saturating_loss,
)
from cvgen_course.gan.exercises.players import ADAM, MOMENTUM, PLAYERS, game, ready
from cvgen_course.gan.exercises.steps import (
    d_loss,
    g_loss,
    learn,
    learn_and_zero,
    learn_without_zero,
    played,
    zero_too_late,
)

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches of all sizes, gradients left over, optimizers, batch norm."""
    ask = partial(game, rng)
    return [
        Case(
            "one step, four images in each batch",
            ask((4, 4, 4), graph=True),
            weight=2,
            hint="Loss, zero_grad(), backward(), step(): first all for the discriminator, then all "
            "for the generator. Return loss.detach().",
        ),
        Case(
            "batches of different sizes",
            ask((6, 3, 5)),
            weight=2,
            hint="discriminator_loss is a mean over real images plus a mean over generated ones. "
            "z[0] is for it, z[1] for the generator.",
        ),
        Case(
            "one image in each batch",
            ask((1, 1, 1)),
            weight=1,
            hint="A batch may hold a single image: no squeeze.",
        ),
        Case(
            "gradients are left over from before",
            ask((4, 5, 3), leftovers=True),
            weight=3,
            hint="backward() adds to .grad: each optimizer's zero_grad() comes before the "
            "backward() that it will use.",
        ),
        Case(
            "three steps with momentum",
            ask((4, 3, 5), (4, 4, 4), (3, 5, 4), optimizer=MOMENTUM),
            weight=3,
            hint="The generator's backward() leaves gradients in the discriminator, too: hence "
            "zero_grad() before the discriminator's next one.",
        ),
        Case(
            "two steps of Adam, and gradients left over",
            ask((4, 5, 3), (5, 4, 4), optimizer=ADAM, leftovers=True),
            weight=3,
            hint="Each optimizer takes one step a call, with the gradients of its own player's "
            "loss alone.",
        ),
        Case(
            "batch norm in the discriminator",
            ask((5, 4, 6), batch_norm="discriminator", graph=True),
            weight=4,
            hint="Ask the discriminator about real images, and apart from that about generated "
            "ones: no torch.cat. It stays in training mode.",
        ),
        Case(
            "two steps with batch norm in both networks",
            ask((5, 6, 4), (4, 4, 4), batch_norm="generator, discriminator"),
            weight=6,
            hint="Each batch goes through a network on its own, and both networks stay in training "
            "mode.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the losses of each step, and what became of both players."""
    generator, discriminator = players = [ready(data) for data in inputs["players"]]
    optimizers = generator.optimizer, discriminator.optimizer
    found: dict[str, Any] = {}
    graphs = set()
    for step, (real, z) in enumerate(zip(inputs["real"], inputs["z"], strict=True), 1):
        pair = implementation(generator.network, discriminator.network, real, z, optimizers)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise WrongAnswer("your function should return two losses: return loss_d, loss_g")
        for name, loss in zip(reversed(PLAYERS), pair, strict=True):
            loss = as_tensor(loss, f"the {name}'s loss")
            graphs.add(f"carry {'a' if loss.requires_grad else 'no'} graph")
            found[f"step {step}, the {name}'s loss"] = loss.detach()
    for name, player in zip(PLAYERS, players, strict=True):
        found[f"the {name}'s parameters afterwards"] = player.parameters
        found[f"the {name}'s mode afterwards"] = player.modes
    return {**found, "the losses": sorted(graphs)} if inputs["graph"] else found


@mistakes.when(
    "the generator takes its step first: it should meet a discriminator that has just learned."
)
def _generator_first(generator, discriminator, real, z, optimizers):
    of_g = g_loss(generator, discriminator, z)
    learn(optimizers[0], of_g)
    of_d = d_loss(generator, discriminator, real, z)
    learn(optimizers[1], of_d)
    return of_d.detach(), of_g.detach()


@mistakes.when(
    "the generator's loss is computed before the discriminator's step: ask the discriminator about "
    "generated images anew, after it has learned."
)
def _old_discriminator(generator, discriminator, real, z, optimizers):
    of_d, of_g = (
        d_loss(generator, discriminator, real, z),
        g_loss(generator, discriminator, z),
    )
    optimizers[0].zero_grad()
    of_g.backward()
    learn(optimizers[1], of_d)
    optimizers[0].step()
    return of_d.detach(), of_g.detach()


@mistakes.when(
    "the discriminator's gradients are not set to 0 before its backward(): those that the "
    "generator's step left in it are added."
)
def _discriminator_not_zeroed(*game):
    return played(*game, learn_d=learn_without_zero)


@mistakes.when(
    "the generator's gradients are not set to 0 before its backward(): those from before are added."
)
def _generator_not_zeroed(*game):
    return played(*game, learn_g=learn_without_zero)


@mistakes.when("there is no zero_grad(): the gradients of all steps are added up.")
def _nothing_zeroed(*game):
    return played(*game, learn_d=learn_without_zero, learn_g=learn_without_zero)


@mistakes.when(
    "zero_grad() comes only after step(): what .grad held before your function was called is then "
    "added, and so is what the generator's backward() left in the discriminator."
)
def _zeroed_afterwards(*game):
    return played(*game, learn_d=learn_and_zero, learn_g=learn_and_zero)


@mistakes.when(
    "zero_grad() comes between backward() and step(), or there is no step(): nobody learns."
)
def _zeroed_too_late(*game):
    return played(*game, learn_d=zero_too_late, learn_g=zero_too_late)


@mistakes.when(
    "the generator also learns from the discriminator's loss: without .detach(), its gradients "
    "have to be set to 0 before its own backward()."
)
def _learns_from_both(generator, discriminator, real, z, optimizers):
    for optimizer in optimizers:
        optimizer.zero_grad()
    of_d = discriminator_loss(discriminator(real), discriminator(generator(z[0])))
    learn_without_zero(optimizers[1], of_d)
    of_g = g_loss(generator, discriminator, z)
    learn_without_zero(optimizers[0], of_g)
    return of_d.detach(), of_g.detach()


@mistakes.when(
    "the generated images are detached, or made without gradients, in the generator's step, too: "
    "no gradient comes back to it, and it learns nothing."
)
def _generator_cut_off(generator, *rest):
    return played(torch.no_grad()(generator), *rest)


@mistakes.when(
    "the discriminator takes two steps, one for real images and one for generated ones: both means "
    "are added, for one step."
)
def _two_steps_of_d(generator, discriminator, real, z, optimizers):
    of_real = non_saturating_loss(discriminator(real))
    learn(optimizers[1], of_real)
    of_fake = -saturating_loss(discriminator(generator(z[0]).detach()))
    learn(optimizers[1], of_fake)
    of_g = g_loss(generator, discriminator, z)
    learn(optimizers[0], of_g)
    return (of_real + of_fake).detach(), of_g.detach()


@mistakes.when("the discriminator takes no step: its optimizer's step() comes after backward().")
def _no_step_of_d(*game):
    return played(*game, learn_d=lambda optimizer, loss: loss.backward())


@mistakes.when(
    "the discriminator is in evaluation mode for the generator's step: its batch norm then uses "
    "its running statistics. It stays in training mode."
)
def _d_in_evaluation(generator, discriminator, real, z, optimizers):
    def learned(optimizer, loss):
        learn(optimizer, loss)
        discriminator.eval()

    losses = played(generator, discriminator, real, z, optimizers, learn_d=learned)
    discriminator.train()
    return losses


@mistakes.when(
    "the discriminator's parameters are frozen for the generator's step, and stay so: at the next "
    "call it can't learn. requires_grad_(True) thaws them."
)
def _stays_frozen(generator, discriminator, *rest):
    losses = played(generator, discriminator, *rest)
    discriminator.requires_grad_(False)
    return losses


@mistakes.when("the two optimizers are exchanged: the generator's comes first.")
def _optimizers_exchanged(generator, discriminator, real, z, optimizers):
    return played(generator, discriminator, real, z, optimizers[::-1])


@mistakes.when("the discriminator's optimizer takes both steps: the second is the generator's.")
def _discriminators_optimizer_twice(generator, discriminator, real, z, optimizers):
    return played(generator, discriminator, real, z, (optimizers[1], optimizers[1]))


@mistakes.when(
    "both optimizers take a step with the generator's loss: the discriminator then learns what the "
    "generator wants."
)
def _both_step(generator, discriminator, real, z, optimizers):
    def both(optimizer, loss):
        optimizers[1].zero_grad()
        learn(optimizer, loss)
        optimizers[1].step()

    return played(generator, discriminator, real, z, optimizers, learn_g=both)


@mistakes.when("both players get the same noise, z[0]: the generator's step has its own, z[1].")
def _same_noise(generator, discriminator, real, z, optimizers):
    return played(generator, discriminator, real, (z[0], z[0]), optimizers)


@mistakes.when("the two batches of noise are exchanged: z[0] is for the discriminator's step.")
def _noise_exchanged(generator, discriminator, real, z, optimizers):
    return played(generator, discriminator, real, z[::-1], optimizers)


@mistakes.when(
    "real and generated images are one batch for the discriminator: its batch norm then mixes "
    "their statistics, and in the generator's step it sees others."
)
def _one_batch(generator, discriminator, real, z, optimizers):
    images = torch.cat([real, generator(z[0]).detach()])
    of_d = discriminator_loss(*discriminator(images).split([len(real), len(z[0])]))
    learn(optimizers[1], of_d)
    of_g = g_loss(generator, discriminator, z)
    learn(optimizers[0], of_g)
    return of_d.detach(), of_g.detach()


@mistakes.when("the generator minimises the saturating loss: it is to be the non-saturating one.")
def _saturating(*game):
    return played(*game, loss_g=saturating_loss)


@mistakes.when("the generator minimises the mean of log D: its loss is minus that.")
def _generators_sign(*game):
    return played(*game, loss_g=lambda fake: -non_saturating_loss(fake))


@mistakes.when("the discriminator minimises the value of the game: its loss is minus that.")
def _discriminators_sign(*game):
    return played(*game, loss_d=lambda real, fake: -discriminator_loss(real, fake))


@mistakes.when("real and generated images change places in the discriminator's loss.")
def _labels_exchanged(*game):
    return played(*game, loss_d=lambda real, fake: discriminator_loss(fake, real))


@mistakes.when("the discriminator's loss is halved: its two means are added.")
def _halved(*game):
    return played(*game, loss_d=lambda real, fake: discriminator_loss(real, fake) / 2)


@mistakes.when("the losses come in the wrong order: the discriminator's is returned first.")
def _losses_exchanged(*game):
    return played(*game)[::-1]


@mistakes.when(
    "the losses are computed anew after the steps: return those that the steps were taken for."
)
def _losses_afterwards(generator, discriminator, real, z, optimizers):
    learn(optimizers[1], d_loss(generator, discriminator, real, z))
    of_d = d_loss(generator, discriminator, real, z)
    learn(optimizers[0], g_loss(generator, discriminator, z))
    return of_d.detach(), g_loss(generator, discriminator, z).detach()


@mistakes.when(
    "a loss is returned with its graph: who keeps such losses, say for a curve, keeps all that "
    "they were computed from. loss.detach() is without."
)
def _with_graph(*game):
    return played(*game, result=lambda loss: loss)


EXERCISE = Exercise(
    name="alternating_step",
    title="One step of each",
    points=4,
    reference=alternating_step,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(GAN,),
    read="One step of each",
)
