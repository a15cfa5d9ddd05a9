"""What a pixel is to a model: a coin's toss, a grey value spread over its step, or as it is.

A likelihood belongs to a kind of pixels, and nats of one kind say nothing about another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from cvgen_course import seeding
from cvgen_course.bits import dequantize

Prepare = Callable[[Tensor, torch.Generator], Tensor]
"""``prepare(image, rng)`` → the image as a model sees it."""


def binarised(image: Tensor, rng: torch.Generator) -> Tensor:
    """Toss a coin for each pixel: white, 1, with the probability that its grey value says, else -1.

    In training each showing tosses anew (dynamic binarisation), so the model sees more than one
    version of an image. Numbers in nats compare only with those of images binarised like this.

    Source:
        Salakhutdinov and Murray, "On the quantitative analysis of deep belief networks", ICML 2008.
    """
    white = torch.rand(image.shape, generator=rng) < (image + 1) / 2
    return torch.where(white, 1.0, -1.0)


def dequantised(image: Tensor, rng: torch.Generator) -> Tensor:
    """Spread grey values evenly over their step, as a density needs them."""
    return dequantize(image[None], rng)[0]


def unchanged(image: Tensor, rng: torch.Generator) -> Tensor:
    """Leave an image as it is."""
    return image


class Measured(Dataset[Tensor]):
    """The images that a model is measured on, in batches, each image prepared once for all.

    What is drawn follows from the image's number alone: it is the same after every step, in every
    run with whatever seed, and on as many devices as there are.

    Args:
        items: a data set of ``ImageItem``.
        prepare: makes of an image what the model sees.
        split: which split these are.
        batch_size: images in a batch; the last one may be smaller.
    """

    def __init__(self, items: Any, prepare: Prepare, split: str, batch_size: int = 250) -> None:
        self.items, self.prepare = items, prepare
        self.split, self.batch_size = split, batch_size

    def __len__(self) -> int:
        return -(-len(self.items) // self.batch_size)

    def __getitem__(self, number: int) -> Tensor:
        first = number * self.batch_size
        numbers = range(first, min(first + self.batch_size, len(self.items)))
        return torch.stack(
            [
                self.prepare(self.items[i].image, seeding.generator("measured", self.split, i))
                for i in numbers
            ]
        )
