"""Full-size experiments of chapter 01: U-Net on street scenes, on Pascal VOC, on drawn scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cvgen_course.data import IGNORE, SegmentationItem, load
from cvgen_course.experiments.core.crop import cut, random_corner
from cvgen_course.experiments.core.experiment import Each, Experiment
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.segmentation.augmentation import flip_and_turn
from cvgen_course.segmentation.losses import cross_entropy_dice_loss
from cvgen_course.segmentation.metrics import (
    confusion_matrix,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
)
from cvgen_course.segmentation.unet import UNet
from cvgen_course.training.phase import Phase


class SegmentationRecipe(NamedTuple):
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
    "scenes": SegmentationRecipe((64, 64), True, 16, 1, 3000, 16, 3e-3),
    "camvid": SegmentationRecipe((352, 352), False, 32, 2, 3000, 8, 1e-3),
    "voc": SegmentationRecipe((256, 256), False, 48, 2, 40_000, 16, 1e-3, every=4000),
}
MODELS = ("unet",)


def _build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a data set; see `Offer`."""
    recipe = RECIPES[data]
    sets = {split: load(data, split) for split in ("train", "val", "test")}
    train_set = sets["train"]
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
        phases=(Phase("", _loss),),
        evaluate=partial(evaluate, sets=sets),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        every=recipe.every,
    )


def draw(
    item: SegmentationItem, rng: torch.Generator, recipe: SegmentationRecipe
) -> SegmentationItem:
    """Cut a random window out of an image and its mask, and mirror or turn it."""
    corner = random_corner(item.mask.shape, recipe.window, rng)  # type: ignore[arg-type]
    image, mask = (
        cut(item.image, corner, recipe.window),
        cut(item.mask, corner, recipe.window, IGNORE),
    )
    images, masks = flip_and_turn((image[None], mask[None]), rng, turns=recipe.turns)
    return SegmentationItem(images[0], masks[0])


def collate(examples: list[SegmentationItem]) -> SegmentationItem:
    """Make a batch of examples: images (N, 3, h, w) and their masks (N, h, w)."""
    images, masks = zip(*examples, strict=True)
    together = torch.stack(images).contiguous(memory_format=torch.channels_last)
    return SegmentationItem(together, torch.stack(masks))


def _loss(model: nn.Module, batch: SegmentationItem) -> Tensor:
    """Return cross-entropy plus Dice loss, in float32 whatever the network computes in."""
    images, masks = batch
    return cross_entropy_dice_loss(model(images).float(), masks, IGNORE)


def evaluate(
    model: nn.Module, split: str, each: Each, sets: Mapping[str, Dataset[Any]]
) -> dict[str, float]:
    """Return mean IoU, pixel accuracy, and the IoU of every class, over all images' pixels."""
    classes = sets[split].classes  # type: ignore[attr-defined]  # every data set has it
    confusions = each(partial(count, model, num_classes=len(classes)), sets[split])
    return _measure(torch.stack(list(confusions)).sum(dim=0), classes)


def count(model: nn.Module, item: SegmentationItem, num_classes: int) -> Tensor:
    """Label an image, whole, and count its pixels: a confusion matrix, int64 (C, C)."""
    device = next(model.parameters()).device
    pred = model(item.image[None].to(device)).argmax(dim=1)
    return confusion_matrix(pred.cpu(), item.mask[None], num_classes, IGNORE)


def _measure(confusion: Tensor, classes: Sequence[str]) -> dict[str, float]:
    """Return a confusion matrix's metrics by name."""
    per_class = iou_per_class(confusion).tolist()
    return {
        "mean_iou": mean_iou(confusion).item(),
        "pixel_accuracy": pixel_accuracy(confusion).item(),
    } | {f"iou_{name}": value for name, value in zip(classes, per_class, strict=True)}


OFFER = Offer(dict.fromkeys(RECIPES, MODELS), _build)
