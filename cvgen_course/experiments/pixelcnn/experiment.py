"""Full-size experiments of chapter 04: what is trained on MNIST, Fashion-MNIST, CIFAR-10, glyphs.

MNIST and glyphs are black and white, binarised dynamically, and measured on images binarised once.
Fashion-MNIST is grey, CIFAR-10 coloured, with all 256 levels that the files have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from cvgen_course.bits import bits_per_dim
from cvgen_course.data import ImageItem, load
from cvgen_course.experiments.core.experiment import Each, Experiment
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.experiments.core.pixels import Measured, binarised
from cvgen_course.experiments.pixelcnn.measures import measure
from cvgen_course.experiments.pixelcnn.recipes import RECIPES, PixelCNNRecipe
from cvgen_course.pixelcnn import (
    DiagonalBiLSTM,
    GatedPixelCNN,
    PixelCNN,
    PixelRNN,
    RowLSTM,
    to_levels,
)
from cvgen_course.training.phase import Phase

MODELS: dict[str, Callable[..., nn.Module]] = {
    "pixelcnn": PixelCNN,
    "gated": GatedPixelCNN,
    "row_lstm": partial(PixelRNN, recurrence=RowLSTM),
    "diagonal_bilstm": partial(PixelRNN, recurrence=DiagonalBiLSTM),
}
MEASURED_AT_ONCE = 50
"""Images in a batch that is measured: the logits of as many of CIFAR-10 take 157 MB."""


def _build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a data set; see `Offer`."""
    recipe = RECIPES[data]
    sets = {split: load(data, split) for split in ("train", "val", "test")}
    train_set = sets.pop("train")
    prepare = partial(levels_of, num_levels=recipe.num_levels)
    batches = {
        split: Measured(items, prepare, split, MEASURED_AT_ONCE) for split, items in sets.items()
    }
    return Experiment(
        chapter="pixelcnn",
        data=data,
        model_name=model,
        seed=seed,
        model=make_model(model, recipe, channels=len(train_set[0].image)),
        train_set=train_set,
        draw=partial(draw, num_levels=recipe.num_levels, mirrored=recipe.mirrored),
        collate=torch.stack,
        phases=(Phase("", loss),),
        evaluate=partial(_evaluate, batches=batches),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        every=recipe.every,
    )


def make_model(name: str, recipe: PixelCNNRecipe, channels: int) -> nn.Module:
    """Return a model for images of so many channels."""
    size = recipe.sizes[name]
    return MODELS[name](recipe.num_levels, channels, width=size.width, num_layers=size.num_layers)


def draw(item: ImageItem, rng: torch.Generator, num_levels: int, mirrored: bool) -> Tensor:
    """Mirror an image, or not, and return its levels, int64 (C, H, W)."""
    image = item.image
    if mirrored and torch.rand((), generator=rng) < 0.5:
        image = image.flip(-1)
    return levels_of(image, rng, num_levels)


def levels_of(image: Tensor, rng: torch.Generator, num_levels: int) -> Tensor:
    """Return the levels of an image, of which black and white are drawn where there are but two.

    Args:
        image: float (C, H, W) in [-1, 1].
        rng: where the draws come from.
        num_levels: K.

    Returns:
        int64 (C, H, W), in [0, K).
    """
    return to_levels(binarised(image, rng) if num_levels == 2 else image, num_levels)


def loss(model: nn.Module, levels: Tensor) -> Tensor:
    """Return bits per dimension: losses of about the same size, however large an image is.

    They are in float32 whatever the network computes in.
    """
    nats = cast(PixelCNN, model).loss(levels)
    return bits_per_dim(-nats, levels[0].numel())


def _evaluate(
    model: nn.Module, split: str, each: Each, batches: Mapping[str, Measured]
) -> dict[str, float]:
    """Return how likely a split is."""
    return measure(model, split, each, batches[split])


OFFER = Offer(dict.fromkeys(RECIPES, tuple(MODELS)), _build)
