"""How the models of chapter 07 are trained on each pair of domains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from torch import nn

from cvgen_course.cyclegan import PatchGAN, ResNetGenerator, UNetGenerator

BETAS = (0.5, 0.999)
"""Of all optimizers."""


class TranslationRecipe(NamedTuple):
    """How a pair of domains is trained on.

    Attributes:
        generators: what makes one, by the model's name.
        discriminator: what makes one.
        enlarged: height and width to which a training image is enlarged before a part of its old
            size is cut out; None where it stays as it is.
        steps: number of batches.
        batch_size: images of each domain in a batch.
        lr: the highest learning rate.
        every: steps between two evaluations.
        judge_steps: number of batches that the judge learns from.
    """

    generators: Mapping[str, Callable[[], nn.Module]]
    discriminator: Callable[[], nn.Module]
    enlarged: int | None
    steps: int
    batch_size: int
    lr: float
    every: int
    judge_steps: int


RECIPES = {
    "pairs": TranslationRecipe(
        generators={
            "resnet": partial(ResNetGenerator, 3, 16, 1, 4, False, "resize"),
            "unet": partial(UNetGenerator, 3, 24, 4),
        },
        discriminator=partial(PatchGAN, 3, 24, 2),
        enlarged=None,
        steps=2000,
        batch_size=8,
        lr=1e-3,
        every=500,
        judge_steps=600,
    ),
    "cifar10:horse,deer": TranslationRecipe(
        generators={
            "resnet": partial(ResNetGenerator, 3, 32, 1, 6, False, "resize"),
            "unet": partial(UNetGenerator, 3, 48, 4),
        },
        discriminator=partial(PatchGAN, 3, 48, 2),
        enlarged=None,
        steps=10_000,
        batch_size=8,
        lr=5e-4,
        every=1000,
        judge_steps=600,
    ),
    # As in the paper: 200 times all images of the smaller domain.
    "horse2zebra": TranslationRecipe(
        generators={
            "resnet": partial(ResNetGenerator, 3, 64, 2, 9, True, "transposed"),
            "unet": partial(UNetGenerator, 3, 64, 8),
        },
        discriminator=partial(PatchGAN, 3, 64, 3),
        enlarged=286,
        steps=200_000,
        batch_size=1,
        lr=2e-4,
        every=10_000,
        judge_steps=600,
    ),
}
MODELS = ("resnet", "unet")
