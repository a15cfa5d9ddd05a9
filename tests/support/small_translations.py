"""Small CycleGANs and small domains, drawn, of photographs in memory, and in files."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import nn

from cvgen_course.cyclegan import CycleGAN, PatchGAN, ResNetGenerator, UNetGenerator
from cvgen_course.data.cifar10 import CLASSES
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.experiments.cyclegan.recipes import RECIPES

GENERATORS = {
    "resnet": partial(ResNetGenerator, 3, 4, 1, 1, False, "resize"),
    "unet": partial(UNetGenerator, 3, 4, 2),
}
DISCRIMINATOR = partial(PatchGAN, 3, 4, 1)
SMALL = {
    data: recipe._replace(
        generators=GENERATORS,
        discriminator=DISCRIMINATOR,
        enlarged=recipe.enlarged and 76,
        steps=4,
        batch_size=3,
        every=2,
        judge_steps=2,
    )
    for data, recipe in RECIPES.items()
}
COUNTS = {"trainA": 6, "trainB": 5, "testA": 3, "testB": 2}
"""Of `photographs`."""


def small_cyclegan(capacity=2):
    torch.manual_seed(0)
    return CycleGAN(GENERATORS["resnet"], DISCRIMINATOR, capacity=capacity).eval()


def cifar(num=60, seed=0):
    """Noise of ten classes."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (num, 3, 32, 32), np.uint8)
    return LabelledImages(images, np.arange(num) % 10, CLASSES)


def write_photographs(root, counts=COUNTS, size=(72, 72)):
    """Write a horse2zebra of noise."""
    rng = np.random.default_rng(0)
    for folder, count in counts.items():
        (root / "horse2zebra" / folder).mkdir(parents=True)
        for number in range(count):
            picture = Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8))
            picture.save(root / "horse2zebra" / folder / f"{number}.jpg")


class Shift(nn.Module):
    """A generator that adds a number."""

    def __init__(self, number):
        super().__init__()
        self.number = nn.Parameter(torch.tensor(float(number)))

    def forward(self, x):
        return x + self.number


class Brightness(nn.Module):
    """A judge whose features are means of channels: class 1 where the first is above 0."""

    def features(self, images):
        return images.mean(dim=(2, 3))

    def head(self, features):
        return torch.stack([-features[:, 0], features[:, 0]], dim=1)
