"""Full-size experiments of chapter 03: what is trained on MNIST, Fashion-MNIST, CIFAR-10, glyphs.

The likelihood of the VAE follows from its pixels. MNIST and glyphs are black and white, binarised
dynamically, and a test set binarised once is what it is measured on; on Fashion-MNIST and CIFAR-10,
which are grey or coloured, it has normal distributions whose deviation is learned, and all grey
values are dequantised. The other models see images as they are.

On several devices a codebook that follows running means follows those of the first device: before
each step its codebook becomes everybody's, and what the others have counted is forgotten. So codes
follow a share of each batch only, and get so many fewer rows before they count as dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.autoencoders import (
    VAE,
    VQVAE,
    Autoencoder,
    BernoulliLikelihood,
    GaussianLikelihood,
)
from cvgen_course.data import ImageItem, load
from cvgen_course.experiments.autoencoders.measures import (
    measure_autoencoder,
    measure_vae,
    measure_vqvae,
)
from cvgen_course.experiments.autoencoders.recipes import RECIPES, AutoencoderRecipe
from cvgen_course.experiments.core.experiment import Each, Experiment
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.experiments.core.pixels import (
    Measured,
    Prepare,
    binarised,
    dequantised,
    unchanged,
)
from cvgen_course.training.phase import Phase

MEASURES = {"vae": measure_vae, "vqvae": measure_vqvae, "autoencoder": measure_autoencoder}
MODELS = tuple(MEASURES)


def _build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a data set; see `Offer`."""
    recipe = RECIPES[data]
    sets = {split: load(data, split) for split in ("train", "val", "test")}
    train_set = sets.pop("train")
    channels, size, _ = train_set[0].image.shape
    prepare = prepare_for(model, recipe)
    batches = {split: Measured(items, prepare, split) for split, items in sets.items()}
    return Experiment(
        chapter="autoencoders",
        data=data,
        model_name=model,
        seed=seed,
        model=make_model(model, recipe, channels, size),
        train_set=train_set,
        draw=partial(draw, prepare=prepare, mirrored=recipe.mirrored),
        collate=collate,
        phases=(Phase("", loss),),
        evaluate=partial(_evaluate, model_name=model, batches=batches),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        every=recipe.every,
    )


def make_model(name: str, recipe: AutoencoderRecipe, channels: int, size: int) -> nn.Module:
    """Return a model for images of such a size."""
    if name == "autoencoder":
        return Autoencoder(recipe.latent_dim, channels, size, recipe.width)
    if name == "vqvae":
        return VQVAE(
            recipe.num_codes, recipe.code_dim, channels, recipe.width, num_blocks=recipe.num_blocks
        )
    likelihood = BernoulliLikelihood() if recipe.binarised else GaussianLikelihood(0.3, True)
    return VAE(likelihood, recipe.latent_dim, channels, size, recipe.width)


def prepare_for(name: str, recipe: AutoencoderRecipe) -> Prepare:
    """Return what makes of an image's pixels those that a model has a likelihood for."""
    if name != "vae":
        return unchanged
    return binarised if recipe.binarised else dequantised


def draw(item: ImageItem, rng: torch.Generator, prepare: Prepare, mirrored: bool) -> Tensor:
    """Mirror an image, or not, and prepare its pixels."""
    image = item.image
    if mirrored and torch.rand((), generator=rng) < 0.5:
        image = image.flip(-1)
    return prepare(image, rng)


def collate(examples: list[Tensor]) -> Tensor:
    """Make a batch of images, (N, C, H, W)."""
    return torch.stack(examples).contiguous(memory_format=torch.channels_last)


def loss(model: nn.Module, images: Tensor) -> Tensor | Mapping[str, Tensor]:
    """Return what is minimised, in float32 whatever the network computes in."""
    if isinstance(model, VAE | VQVAE):
        return model.loss(images)
    return F.mse_loss(cast(Tensor, model(images)).float(), images)


def _evaluate(
    model: nn.Module, split: str, each: Each, model_name: str, batches: Mapping[str, Measured]
) -> dict[str, float]:
    """Return the metrics of a model on a split."""
    return MEASURES[model_name](model, split, each, batches[split])


OFFER = Offer(dict.fromkeys(RECIPES, MODELS), _build)
