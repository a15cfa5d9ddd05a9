"""The judge: a small classifier in whose features images of a model are compared with real ones."""

from __future__ import annotations

from functools import partial
from typing import cast

from torch import Tensor, nn

from cvgen_course.autoencoders import Encoder, EncoderClassifier
from cvgen_course.data import ImageItem
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.training.history import History
from cvgen_course.training.loop import fit
from cvgen_course.training.trained import trained

WIDTH = 16
"""Of the encoder; there are 16 times as many features."""


def trained_judge(data: str, train_set: LabelledImages, steps: int) -> EncoderClassifier:
    """Return a classifier of a data set: from the cache, or trained now.

    It is the same for every run, whatever its seed: so runs can be compared.

    Args:
        data: the data set's name.
        train_set: its training set.
        steps: number of batches.

    Raises:
        KeyboardInterrupt: the training was stopped by hand.
    """
    channels, size, _ = train_set[0].image.shape
    num_classes = len(train_set.classes)
    recipe = {"data": data, "num_images": len(train_set), "width": WIDTH, "steps": steps}
    make = partial(_make, channels, size, num_classes)
    return cast(
        EncoderClassifier, trained("judge", recipe, make, partial(_train, train_set, steps))
    )


def _make(channels: int, size: int, num_classes: int) -> EncoderClassifier:
    return EncoderClassifier(Encoder(channels, size, num_classes, WIDTH), num_classes)


def _train(train_set: LabelledImages, steps: int, judge: nn.Module) -> History:
    history = fit(
        judge, train_set, _loss, steps=steps, batch_size=128, lr=3e-3, seed=0, title="judge"
    )
    if history.interrupted:  # half a judge would measure something else
        raise KeyboardInterrupt
    return history


def _loss(judge: nn.Module, batch: ImageItem) -> Tensor:
    return cast(EncoderClassifier, judge).loss(batch.image, batch.label)
