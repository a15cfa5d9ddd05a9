"""Full-size experiments of chapter 01: U-Net on street scenes, on Pascal VOC, on drawn scenes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cvgen_course.data import IGNORE, SegmentationItem, load
from cvgen_course.experiments.crop import cut, random_corner
from cvgen_course.experiments.experiment import Chapter, Experiment
from cvgen_course.segmentation.losses import cross_entropy_dice_loss
from cvgen_course.segmentation.metrics import (
    confusion_matrix,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
)
from cvgen_course.segmentation.unet import UNet
from cvgen_course.training.augment import flip_and_turn


class Recipe(NamedTuple):
    """How a data set is trained on.

    Attributes:
        window: height and width of what is cut out of an image to learn from.
        turns: whether an image upside down is an image; else it is only mirrored.
        width: of the U-Net.
        stem_stride: of the U-Net.
        steps: number of batches.
        batch_size: windows in a batch.
        lr: the highest learning rate.
        every: steps between two evaluations.
    """

    window: tuple[int, int]
    turns: bool
    width: int
    stem_stride: int
    steps: int
    batch_size: int
    lr: float
    every: int = 500


RECIPES = {
    "scenes": Recipe((64, 64), True, 16, 1, 3000, 16, 3e-3),
    "camvid": Recipe((352, 352), False, 32, 2, 3000, 8, 1e-3),
    "voc": Recipe((256, 256), False, 48, 2, 40_000, 16, 1e-3, every=4000),
}
MODELS = ("unet",)


class Batch(NamedTuple):
    """Windows and their masks.

    Attributes:
        images: float32 (N, 3, h, w) in [-1, 1].
        masks: int64 (N, h, w), with ``IGNORE``.
    """

    images: Tensor
    masks: Tensor


def build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a data set; see `Chapter`."""
    recipe = RECIPES[data]
    train_set, val_set, test_set = (load(data, split) for split in ("train", "val", "test"))
    num_classes = len(train_set.classes)  # type: ignore[attr-defined]  # every data set has it
    return Experiment(
        chapter="segmentation",
        data=data,
        model_name=model,
        seed=seed,
        model=UNet(num_classes, recipe.width, stem_stride=recipe.stem_stride),
        train_set=train_set,
        draw=partial(draw, recipe=recipe),
        collate=collate,
        loss=loss,
        val_set=val_set,
        test_set=test_set,
        predict=partial(predict, num_classes=num_classes),
        measure=measure,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        every=recipe.every,
    )


def draw(item: SegmentationItem, rng: torch.Generator, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Cut a random window out of an image and its mask, and mirror or turn it."""
    corner = random_corner(item.mask.shape, recipe.window, rng)  # type: ignore[arg-type]
    image, mask = (
        cut(item.image, corner, recipe.window),
        cut(item.mask, corner, recipe.window, IGNORE),
    )
    images, masks = flip_and_turn(image[None], mask[None], rng, turns=recipe.turns)
    return images[0], masks[0]


def collate(examples: list[tuple[Tensor, Tensor]]) -> Batch:
    """Make a batch of examples."""
    images, masks = zip(*examples, strict=True)
    return Batch(
        torch.stack(images).contiguous(memory_format=torch.channels_last), torch.stack(masks)
    )


def loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return cross-entropy plus Dice loss, in float32 whatever the network computes in."""
    return cross_entropy_dice_loss(model(batch.images).float(), batch.masks, IGNORE)


def predict(model: nn.Module, item: SegmentationItem, num_classes: int) -> Tensor:
    """Label an image, whole, and count: an answer is a confusion matrix, int64 (C, C)."""
    device = next(model.parameters()).device
    pred = model(item.image[None].to(device)).argmax(dim=1)
    return confusion_matrix(pred.cpu(), item.mask[None], num_classes, IGNORE)


def measure(answers: Sequence[Tensor], items: Dataset[Any]) -> dict[str, float]:
    """Return mean IoU, pixel accuracy, and the IoU of every class, over all images' pixels."""
    confusion = torch.stack(list(answers)).sum(dim=0)
    classes = items.classes  # type: ignore[attr-defined]
    per_class = iou_per_class(confusion).tolist()
    return {
        "mean_iou": mean_iou(confusion).item(),
        "pixel_accuracy": pixel_accuracy(confusion).item(),
    } | {f"iou_{name}": value for name, value in zip(classes, per_class, strict=True)}


CHAPTER = Chapter(dict.fromkeys(RECIPES, MODELS), build)
