"""How the models of chapter 05 are trained, and how each data set is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cvgen_course.gan import HINGE, NON_SATURATING, Objective


class Game(NamedTuple):
    """How a model's two networks play.

    Attributes:
        objective: what both want.
        betas: of both optimizers.
        lr: the highest learning rate of both.
        ema: the decay of the running mean of the weights.
    """

    objective: Objective
    betas: tuple[float, float]
    lr: float
    ema: float


class GANRecipe(NamedTuple):
    """How a data set is trained on.

    Attributes:
        mirrored: whether an image seen in a mirror is an image of the same kind.
        widths: of both networks of each model, by its name.
        steps: number of batches.
        batch_size: images in a batch.
        every: steps between two evaluations.
        judge_steps: number of batches that the judge learns from.
    """

    mirrored: bool
    widths: Mapping[str, int]
    steps: int
    batch_size: int
    every: int
    judge_steps: int


GAMES = {
    "dcgan": Game(NON_SATURATING, (0.5, 0.999), 1e-3, 0.999),
    "biggan": Game(HINGE, (0.0, 0.999), 2e-3, 0.999),
}

RECIPES = {
    "glyphs": GANRecipe(False, {"dcgan": 32, "biggan": 16}, 5000, 64, 1000, 500),
    "mnist": GANRecipe(False, {"dcgan": 64, "biggan": 32}, 20_000, 64, 2000, 1000),
    "fashion_mnist": GANRecipe(False, {"dcgan": 64, "biggan": 32}, 20_000, 64, 2000, 1500),
    "cifar10": GANRecipe(True, {"dcgan": 64, "biggan": 32}, 40_000, 64, 4000, 1500),
}
