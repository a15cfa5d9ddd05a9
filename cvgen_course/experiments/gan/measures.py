"""How good a GAN's samples are, in the eyes of a judge."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from cvgen_course import seeding
from cvgen_course.autoencoders import EncoderClassifier
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.evaluation import feature_statistics, frechet_distance
from cvgen_course.experiments.core.experiment import Each
from cvgen_course.experiments.gan.samples import AT_ONCE, draw_noise, inputs, num_classes, settle
from cvgen_course.gan import GAN

COVERED = 0.02
"""A class with a smaller share of the samples is not covered."""


class Seen(NamedTuple):
    """What a judge sees in a batch of real images and as many samples, on the CPU.

    Attributes:
        real: features of the real images, float (N, D).
        generated: features of the samples, float (N, D).
        right: whether the judge names a real image's class, bool (N,).
        named: the class that it names for each sample, int64 (N,).
        agreed: whether that is the class that the generator was told, bool (N,).
    """

    real: Tensor
    generated: Tensor
    right: Tensor
    named: Tensor
    agreed: Tensor


def measure(
    model: nn.Module, split: str, each: Each, items: LabelledImages, judge: EncoderClassifier
) -> dict[str, float]:
    """Return how near samples are to the images of a split, of which there are as many.

    Args:
        model: a `GAN`; its generator gets new statistics, see `settle`.
        split: which it is; the noise follows from its name.
        each: a ``map``.
        items: the split's images. A generator that knows classes draws as many of each.
        judge: a classifier of the same data set.

    Returns:
        frechet_distance of the judge's features, which counts; classes_covered, how many classes
        have at least 2 % of the samples; class_agreement, the share of samples in which the judge
        sees the class that the generator was told, if it was; judge_accuracy, on the real images.
    """
    gan = cast(GAN, model)
    settle(gan)
    look = partial(look_at, gan, judge.to(next(gan.parameters()).device), items, split)
    batches = each(look, range(-(-len(items) // AT_ONCE)))
    seen = Seen(*map(torch.cat, zip(*batches, strict=True)))
    distance = frechet_distance(feature_statistics(seen.real), feature_statistics(seen.generated))
    found = {
        "frechet_distance": distance.item(),
        "classes_covered": float(classes_covered(seen.named)),
        "class_agreement": seen.agreed.double().mean().item(),
        "judge_accuracy": seen.right.double().mean().item(),
    }
    if num_classes(gan) is None:
        found.pop("class_agreement")
    return found


def look_at(
    gan: GAN, judge: EncoderClassifier, items: LabelledImages, split: str, number: int
) -> Seen:
    """Return what a judge sees in a batch of a split, and in samples of the same classes.

    The noise follows from the split and the batch's number alone.
    """
    numbers = range(number * AT_ONCE, min((number + 1) * AT_ONCE, len(items)))
    images, labels = map(torch.stack, zip(*items.__getitems__(numbers), strict=True))
    z = draw_noise(gan, len(images), seeding.generator("samples", split, number))
    arguments = inputs(gan, z, labels)
    real = judge.features(images.to(arguments[0].device))
    generated = judge.features(gan.generator(*arguments))
    right = judge.head(real).argmax(dim=1).cpu() == labels
    named = judge.head(generated).argmax(dim=1).cpu()
    return Seen(real.cpu(), generated.cpu(), right, named, named == labels)


def classes_covered(named: Tensor, share: float = COVERED) -> int:
    """Return how many classes have at least a share of the samples.

    Args:
        named: the class of each sample, int64 (N,), N at least 1.
        share: with ten classes, a fair one would be 0.1.
    """
    return int((named.bincount() >= share * len(named)).sum())
