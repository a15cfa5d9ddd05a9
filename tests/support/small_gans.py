"""Small games, small pictures of ten classes, and judges that know them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from cvgen_course.data.image_set import LabelledImages
from cvgen_course.gan import (
    GAN,
    BigGANDiscriminator,
    BigGANGenerator,
    DCGANDiscriminator,
    DCGANGenerator,
)

SIZE = 8
CLASSES = tuple("0123456789")


def pictures(num=20, channels=1, seed=0):
    """Squares on black, whose row and column say the class, in shades that differ."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % len(CLASSES)
    images = np.zeros((num, channels, SIZE, SIZE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 4 * (label // 5), label % 5
        image[:, top : top + 4, left : left + 4] = rng.integers(150, 256, (channels, 1, 1))
    return LabelledImages(images, labels, CLASSES)


def dcgan(channels=1):
    torch.manual_seed(0)
    generator = DCGANGenerator(4, channels, SIZE, width=8)
    return GAN(generator, DCGANDiscriminator(channels, SIZE, 8, spectral=True)).eval()


def biggan(channels=1, num_classes=10):
    torch.manual_seed(0)
    generator = BigGANGenerator(num_classes, 4, 4, channels, SIZE, width=8)
    for name, weight in generator.named_parameters():
        if "to_gain" in name or "to_bias" in name:
            nn.init.normal_(weight)  # it makes a difference which class is wanted
    return GAN(generator, BigGANDiscriminator(num_classes, channels, SIZE, 8)).eval()


GAMES = {"dcgan": dcgan, "biggan": biggan}


class Painter(nn.Module):
    """A generator that knows classes and paints the same picture of each, whatever the noise."""

    z_size = 2

    def __init__(self, images):
        super().__init__()
        self.images = nn.Parameter(images)
        self.num_classes = len(images)

    def forward(self, z, labels):
        return self.images[labels]


class Pixels(nn.Module):
    """A judge whose features are an image's first pixels, and whose class is the brightest."""

    def __init__(self, num=10):
        super().__init__()
        self.num, self.head = num, nn.Identity()

    def features(self, images):
        return images.flatten(1)[:, : self.num]
