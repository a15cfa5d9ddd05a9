"""Full-size experiments of chapter 05: what is trained on MNIST, Fashion-MNIST, CIFAR-10, glyphs.

Samples are measured in the features of a judge, a classifier that is trained on the same images
beforehand, and kept in the cache. What is measured and kept is a running mean of the weights, with
the statistics that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from cvgen_course.autoencoders import EncoderClassifier
from cvgen_course.data import ImageItem, load
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.experiments.core.experiment import Each, Experiment
from cvgen_course.experiments.core.judge import trained_judge
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.experiments.gan.measures import measure
from cvgen_course.experiments.gan.recipes import GAMES, RECIPES, Game, GANRecipe
from cvgen_course.experiments.gan.samples import condition, draw_sheet
from cvgen_course.gan import (
    GAN,
    BigGANDiscriminator,
    BigGANGenerator,
    DCGANDiscriminator,
    DCGANGenerator,
)
from cvgen_course.training.phase import Phase

MODELS = tuple(GAMES)


def _build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a data set; see `Offer`."""
    recipe, game = RECIPES[data], GAMES[model]
    sets = {split: cast(LabelledImages, load(data, split)) for split in ("train", "val", "test")}
    train_set = sets.pop("train")
    channels, size, _ = train_set[0].image.shape
    judge = trained_judge(data, train_set, recipe.judge_steps)
    return Experiment(
        chapter="gan",
        data=data,
        model_name=model,
        seed=seed,
        model=make_model(model, recipe, len(train_set.classes), channels, size),
        train_set=train_set,
        draw=partial(draw, mirrored=recipe.mirrored),
        collate=collate,
        phases=_make_phases(game),
        evaluate=partial(_evaluate, sets=sets, judge=judge),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=game.lr,
        weight_decay=0.0,
        every=recipe.every,
        ema=game.ema,
        draw_sheet=draw_sheet,
    )


def _make_phases(game: Game) -> tuple[Phase, Phase]:
    """Return the turns of a step: the generator answers the discriminator that has just learned."""
    return (
        Phase("discriminator", discriminator_loss, betas=game.betas),
        Phase("generator", generator_loss, betas=game.betas),
    )


def make_model(name: str, recipe: GANRecipe, num_classes: int, channels: int, size: int) -> GAN:
    """Return both networks, for images of such a size and so many classes."""
    objective, width = GAMES[name].objective, recipe.widths[name]
    if name == "biggan":
        return GAN(
            BigGANGenerator(num_classes, channels=channels, size=size, width=width),
            BigGANDiscriminator(num_classes, channels, size, width),
            objective,
        )
    return GAN(
        DCGANGenerator(channels=channels, size=size, width=width),
        DCGANDiscriminator(channels, size, width),
        objective,
    )


def draw(item: ImageItem, rng: torch.Generator, mirrored: bool) -> ImageItem:
    """Mirror an image, or not."""
    if mirrored and torch.rand((), generator=rng) < 0.5:
        return item._replace(image=item.image.flip(-1))
    return item


def collate(examples: list[ImageItem]) -> ImageItem:
    """Make a batch of examples: images (N, C, H, W) and their labels (N,)."""
    images, labels = map(torch.stack, zip(*examples, strict=True))
    return ImageItem(images.contiguous(memory_format=torch.channels_last), labels)


def discriminator_loss(model: nn.Module, batch: ImageItem) -> Tensor:
    """Return what the discriminator minimises, in float32 whatever the networks compute in."""
    gan = cast(GAN, model)
    return gan.discriminator_loss(batch.image, *condition(gan, batch.label))


def generator_loss(model: nn.Module, batch: ImageItem) -> Tensor:
    """Return what the generator minimises, in float32 whatever the networks compute in."""
    gan = cast(GAN, model)
    return gan.generator_loss(batch.image, *condition(gan, batch.label))


def _evaluate(
    model: nn.Module,
    split: str,
    each: Each,
    sets: Mapping[str, LabelledImages],
    judge: EncoderClassifier,
) -> dict[str, float]:
    """Return the metrics of a model on a split."""
    return measure(model, split, each, sets[split], judge)


OFFER = Offer(dict.fromkeys(RECIPES, MODELS), _build)
