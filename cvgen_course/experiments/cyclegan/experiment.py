"""Full-size experiments of chapter 07: what is trained on pairs, two classes, and horse2zebra.

Translations are measured by a judge, a classifier of the two domains that is trained beforehand and
kept in the cache. Pools of fakes belong to the model's state, so a run that goes on has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.autoencoders import EncoderClassifier
from cvgen_course.cyclegan import CycleGAN, linear_decay
from cvgen_course.data import UnpairedItem
from cvgen_course.experiments.core.crop import cut, random_corner
from cvgen_course.experiments.core.experiment import Each, Experiment
from cvgen_course.experiments.core.judge import trained_judge
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.experiments.cyclegan.domains import Domains, labelled, load_domains
from cvgen_course.experiments.cyclegan.measures import measure
from cvgen_course.experiments.cyclegan.recipes import BETAS, MODELS, RECIPES, TranslationRecipe
from cvgen_course.experiments.cyclegan.samples import draw_sheet
from cvgen_course.training.phase import Phase


def _build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a pair of domains; see `Offer`."""
    recipe = RECIPES[data]
    sets = {split: load_domains(data, split) for split in ("train", "val", "test")}
    train_set = sets.pop("train")
    judge = trained_judge(data, labelled(train_set), recipe.judge_steps)
    return Experiment(
        chapter="cyclegan",
        data=data,
        model_name=model,
        seed=seed,
        model=make_model(model, recipe),
        train_set=train_set,
        draw=partial(draw, enlarged=recipe.enlarged),
        collate=collate,
        phases=(
            # The generators are first: the discriminators are shown what these have just made.
            Phase("generators", generators_loss, betas=BETAS, schedule=linear_decay),
            Phase("discriminators", discriminators_loss, betas=BETAS, schedule=linear_decay),
        ),
        evaluate=partial(_evaluate, sets=sets, judge=judge),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        weight_decay=0.0,
        every=recipe.every,
        draw_sheet=partial(draw_sheet, items=sets["val"]),
    )


def make_model(name: str, recipe: TranslationRecipe) -> CycleGAN:
    """Return all four networks, with the paper's weights and pools."""
    return CycleGAN(recipe.generators[name], recipe.discriminator)


def draw(item: UnpairedItem, rng: torch.Generator, enlarged: int | None) -> UnpairedItem:
    """Cut a part out of each of two enlarged images, and mirror it, or not.

    Args:
        item: an image of each domain.
        rng: where all chance comes from.
        enlarged: height and width before a part of the old size is cut out; None for no change.
    """
    return UnpairedItem(*(_drawn(image, rng, enlarged) for image in item))


def _drawn(image: Tensor, rng: torch.Generator, enlarged: int | None) -> Tensor:
    if enlarged is not None:
        size = image.shape[-2], image.shape[-1]
        large = F.interpolate(image[None], (enlarged, enlarged), mode="bicubic")[0].clamp(-1, 1)
        image = cut(large, random_corner((enlarged, enlarged), size, rng), size)
    return image.flip(-1) if torch.rand((), generator=rng) < 0.5 else image


def collate(examples: list[UnpairedItem]) -> UnpairedItem:
    """Make a batch of examples: images (N, C, H, W) of each domain."""
    batches = map(torch.stack, zip(*examples, strict=True))
    return UnpairedItem(*(x.contiguous(memory_format=torch.channels_last) for x in batches))


def generators_loss(model: nn.Module, batch: UnpairedItem) -> dict[str, Tensor]:
    """Return what both generators minimise, in float32 whatever the networks compute in."""
    return cast(CycleGAN, model).generators_loss(batch.a, batch.b)


def discriminators_loss(model: nn.Module, batch: UnpairedItem) -> Tensor:
    """Return what both discriminators minimise, in float32 whatever the networks compute in."""
    return cast(CycleGAN, model).discriminators_loss(batch.a, batch.b)


def _evaluate(
    model: nn.Module,
    split: str,
    each: Each,
    sets: Mapping[str, Domains],
    judge: EncoderClassifier,
) -> dict[str, float]:
    """Return the metrics of a model on a split."""
    return measure(model, each, sets[split], judge)


OFFER = Offer(dict.fromkeys(RECIPES, MODELS), _build)
