"""The networks in whose features images are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from cvgen_course.errors import CourseError
from cvgen_course.evaluation import glyph_classifier, load_inception, resize
from cvgen_course.evaluation.glyph_classifier import WEIGHTS
from cvgen_course.evaluation.inception import PUBLISHED, SIZE, SOURCE, weights_digest

NAMES = ("glyphs", "inception")
LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue count for in grey (ITU-R BT.601)."""


class FeatureNetwork(Protocol):
    """A classifier whose features can be had, too."""

    def features(self, images: Tensor) -> Tensor:
        """Return features (N, D) of images (N, C, H, W)."""

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (N, K) of features (N, D)."""


@dataclass(frozen=True)
class FeatureExtractor:
    """A network, and how images have to be for it.

    Attributes:
        name: ``"glyphs"`` or ``"inception"``.
        network: in evaluation mode.
        device: where it is.
        channels: of its images, 1 or 3.
        size: of its images, height and width.
        sha256: of the file with its weights.
        published: whether published FIDs were measured with these weights.
    """

    name: str
    network: FeatureNetwork
    device: torch.device
    channels: int
    size: int
    sha256: str
    published: bool

    def look(self, images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return what the network makes of images.

        Args:
            images: float (C, H, W) in [-1, 1]; C is 1 or 3, and sizes may differ.

        Returns:
            Features, float (N, D), and probabilities of classes, float (N, K), where the network
            is.
        """
        runs = [torch.stack([*run]) for _, run in groupby(images, key=lambda image: image.shape)]
        # TensorFloat-32 has ten bits of a number: a GPU would measure something else than a CPU.
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with torch.no_grad(), exact:
            features = self.network.features(torch.cat([self._prepared(run) for run in runs]))
            return features, self.network.classify(features).softmax(dim=1)

    def _prepared(self, images: Tensor) -> Tensor:
        images = images.to(self.device)
        if self.channels == 1 and images.shape[1] == 3:
            images = torch.einsum("nchw,c->nhw", images, images.new_tensor(LUMA))[:, None]
        return resize(images, self.size, self.size).expand(-1, self.channels, -1, -1)


def choose_extractor(
    features: str | None, weights: Path | None, device: torch.device
) -> FeatureExtractor:
    """Return the extractor that somebody means.

    Args:
        features: one of ``NAMES``; None for Inception where there are weights, else for glyphs.
        weights: a file with the Inception network's.
        device: where the network is to be.

    Raises:
        CourseError: there is no such extractor, its weights are missing or others, or weights are
            named for glyphs.
    """
    name = features or ("inception" if weights else "glyphs")
    if name not in NAMES:
        raise CourseError(f"--features: expected one of {', '.join(NAMES)}, got {name!r}")
    if name == "glyphs":
        if weights is not None:
            raise CourseError(
                "--weights: expected none with --features glyphs, whose weights are embedded, got "
                f"{str(weights)!r}; use --features inception"
            )
        classifier = glyph_classifier().to(device)
        return FeatureExtractor(name, classifier, device, 1, 28, weights_digest(WEIGHTS), False)
    if weights is None:
        raise CourseError(
            "--weights: expected a file with the Inception network's weights, got none. They are "
            f"no part of the course: download {SOURCE} once (91 MiB; its SHA-256 begins with "
            f"{PUBLISHED}, which is checked), and add: --weights {SOURCE.rpartition('/')[2]}"
        )
    network = load_inception(weights).to(device)
    digest = weights_digest(weights)
    return FeatureExtractor(name, network, device, 3, SIZE, digest, digest.startswith(PUBLISHED))
