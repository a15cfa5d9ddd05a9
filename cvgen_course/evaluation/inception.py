"""The network of FID: Inception of 2015, with its own pooling and 1008 classes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import inception

from cvgen_course.errors import CourseError
from cvgen_course.evaluation.resizing import resize
from cvgen_course.require import require

PUBLISHED = "6726825d"
"""How the SHA-256 of the published weights begins: their file's name says so."""
SOURCE = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth"
)
SIZE = 299


def _mean_pool(x: Tensor) -> Tensor:
    """Return means over 3 × 3 pixels, of which only those inside the image count."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _A(inception.InceptionA):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [*super()._forward(x)[:-1], self.branch_pool(_mean_pool(x))]


class _C(inception.InceptionC):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [*super()._forward(x)[:-1], self.branch_pool(_mean_pool(x))]


class _MeanE(inception.InceptionE):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [*super()._forward(x)[:-1], self.branch_pool(_mean_pool(x))]


class _MaxE(inception.InceptionE):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        pooled = F.max_pool2d(x, 3, stride=1, padding=1)
        return [*super()._forward(x)[:-1], self.branch_pool(pooled)]


class Inception(nn.Module):
    """The Inception network of December 2015 that FIDs are computed with.

    It is *not* torchvision's ``inception_v3``, which was trained otherwise: that has 1000 classes,
    counts the padding where it takes a mean, and has no maximum in its last block. With its weights
    the numbers are others. This class builds on its blocks, and has the names of the published
    weights' parameters; see `load_inception`.
    """

    def __init__(self) -> None:
        super().__init__()
        conv = inception.BasicConv2d
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.Mixed_5b = _A(192, pool_features=32)
        self.Mixed_5c = _A(256, pool_features=64)
        self.Mixed_5d = _A(288, pool_features=64)
        self.Mixed_6a = inception.InceptionB(288)
        self.Mixed_6b = _C(768, channels_7x7=128)
        self.Mixed_6c = _C(768, channels_7x7=160)
        self.Mixed_6d = _C(768, channels_7x7=160)
        self.Mixed_6e = _C(768, channels_7x7=192)
        self.Mixed_7a = inception.InceptionD(768)
        self.Mixed_7b = _MeanE(1280)
        self.Mixed_7c = _MaxE(2048)
        self.fc = nn.Linear(2048, 1008)

    def features(self, images: Tensor) -> Tensor:
        """Return the last pooling's features, which FID, KID, precision and recall compare.

        Args:
            images: float (N, 3, H, W) in [-1, 1], of any size; they are resized to 299 × 299.

        Returns:
            float (N, 2048), at least 0.

        Raises:
            TypeError: ``images`` is no floating-point tensor.
            ValueError: it has another shape.
        """
        require(images=(images, "N C H W", "float"), C=3)
        x = (127.5 * resize(images, SIZE, SIZE) - 0.5) / 128  # of a pixel p it saw (p - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))  # (N, 64, 147, 147)
        x = F.max_pool2d(x, 3, stride=2)
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, stride=2)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))  # (N, 288, 35, 35)
        x = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))  # (N, 768, 17, 17)
        x = self.Mixed_6e(self.Mixed_6d(x))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))  # (N, 2048, 8, 8)
        return cast(Tensor, x.mean(dim=(2, 3)))

    def classify(self, features: Tensor) -> Tensor:
        """Return logits of features, (N, 1008); the Inception Score takes their softmax.

        The last layer's bias is left out, as in the score's first implementation.
        """
        return F.linear(features, self.fc.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of images, float (N, 1008); for arguments see `features`."""
        return self.classify(self.features(images))


def load_inception(path: str | Path) -> Inception:
    """Return the network with weights from a file, in evaluation mode, on the CPU.

    The weights are not part of this package. Those that papers' FIDs come from were converted by
    the project pytorch-fid from the ones that TensorFlow's authors published, and can be had at
    `SOURCE`, once. They are 91 MiB.

    Args:
        path: a ``.pth`` file (read without running anything that it may hold), or ``.safetensors``.

    Raises:
        CourseError: the file is missing, can't be read, or holds other weights than this network's.
    """
    path = Path(path)
    try:
        state = _read(path)
    except FileNotFoundError:
        raise CourseError(
            f"weights: expected a file, got {path}, which does not exist; download it once from "
            f"{SOURCE}"
        ) from None
    except Exception as error:
        raise CourseError(
            f"weights: expected a .pth or .safetensors file with tensors only, got {path}: {error}"
        ) from error
    network = Inception()
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise CourseError(
            f"weights: expected those of the FID network (1008 classes), got {path} with others; "
            "torchvision's inception_v3 is another network"
        ) from error
    return network.requires_grad_(False).eval()


def weights_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file of weights; the published one's begins with `PUBLISHED`."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".safetensors":
        return load_file(path)
    return cast("Mapping[str, Any]", torch.load(path, map_location="cpu", weights_only=True))
