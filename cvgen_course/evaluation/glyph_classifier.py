"""The embedded feature extractor: a small classifier of glyphs, the same on every machine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from cvgen_course.require import require

WEIGHTS = Path(__file__).with_name("glyph_classifier.safetensors")
NUM_FEATURES = 64


class GlyphClassifier(nn.Module):
    """Three convolutions and two linear layers, for digits of 28 × 28 pixels.

    What its last hidden layer says is what glyphs are compared by, as photographs are compared by
    the last pooling of an Inception network.

    Attributes:
        scale: what that is divided by: of glyphs, features then have variance 1 on average.
    """

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.SiLU()),  # (N, 16, 14, 14)
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.SiLU()),  # (N, 32, 7, 7)
            *(nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.SiLU()),  # (N, 64, 4, 4)
            *(nn.Flatten(), nn.Linear(64 * 4 * 4, NUM_FEATURES), nn.SiLU()),
        )
        self.head = nn.Linear(NUM_FEATURES, 10)
        self.register_buffer("scale", torch.ones(()))

    def features(self, images: Tensor) -> Tensor:
        """Return what images are compared by.

        Args:
            images: float (N, 1, 28, 28) in [-1, 1], white on black.

        Returns:
            float (N, 64).

        Raises:
            TypeError: ``images`` is no floating-point tensor.
            ValueError: it has another shape.
        """
        require(images=(images, "N C H W", "float"), C=1, H=28, W=28)
        return cast(Tensor, self.body(images)) / self.scale

    def classify(self, features: Tensor) -> Tensor:
        """Return logits of the ten digits, float (N, 10), of features (N, 64)."""
        return cast(Tensor, self.head(features * self.scale))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of the ten digits, float (N, 10); for arguments see `features`."""
        return self.classify(self.features(images))


@cache
def glyph_classifier() -> GlyphClassifier:
    """Return the classifier with the course's weights, in evaluation mode, on the CPU.

    They come with the package, so that distances measured on two machines can be compared. They
    were trained by ``cvgen_course/experiments/evaluation/glyph_classifier.py``.
    """
    model = GlyphClassifier()
    model.load_state_dict(load_file(WEIGHTS))
    return model.requires_grad_(False).eval()
