"""PatchGAN: a discriminator that judges patches, each by itself."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from cvgen_course.cyclegan.first_weights import start
from cvgen_course.cyclegan.receptive_field import receptive_field
from cvgen_course.require import require

KERNEL, PADDING = 4, 1


def make_patchgan(channels: int = 3, width: int = 64, num_halvings: int = 3) -> nn.Sequential:
    """Return PatchGAN's layers: images (N, C, H, W) → a map of logits (N, 1, h, w).

    Convolutions of 4×4 with a padding of 1 and a bias: ``num_halvings`` of stride 2, then two of
    stride 1. Instance norm after all but the first and the last; leaky ReLU with slope 0.2 after
    all but the last.

    Args:
        channels: of the images.
        width: channels after the first convolution; twice as many after each more, up to 8 times;
            one after the last.
        num_halvings: 1 or more.

    Raises:
        ValueError: ``num_halvings`` is less than 1.

    Source:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
        arXiv:1611.07004, section 3.2.2 and appendix 6.1.2; with instance norm: Zhu et al.,
        arXiv:1703.10593, appendix 7.2.
    """
    strides = _strides(num_halvings)
    widths = [channels, *(width * min(2**i, 8) for i in range(num_halvings + 1)), 1]
    layers: list[nn.Module] = []
    for i, (before, after) in enumerate(pairwise(widths)):
        layers.append(nn.Conv2d(before, after, KERNEL, strides[i], PADDING))
        if 0 < i < len(strides) - 1:
            layers.append(nn.InstanceNorm2d(after))
        if i < len(strides) - 1:
            layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers)


class PatchGAN(nn.Module):
    """A discriminator of `make_patchgan`'s layers, which says what it can't take.

    Args:
        channels: of the images.
        width: channels after the first convolution.
        num_halvings: three for patches of 70×70, two for 34×34, one for 16×16.

    Attributes:
        patch: height and width of what one logit sees, in pixels.
    """

    def __init__(self, channels: int = 3, width: int = 64, num_halvings: int = 3) -> None:
        super().__init__()
        self.layers = make_patchgan(channels, width, num_halvings)
        strides = _strides(num_halvings)
        self.channels, self.smallest = channels, _smallest(strides)
        self.patch = receptive_field([KERNEL] * len(strides), strides)
        self.apply(start)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, float (N, 1, h, w), for images, float (N, C, H, W)."""
        require(x=(x, f"N {self.channels} H W", "float"))
        if min(x.shape[-2:]) < self.smallest:
            raise ValueError(
                f"x: expected H and W of at least {self.smallest}, got shape {tuple(x.shape)}"
            )
        return self.layers(x)


def _strides(num_halvings: int) -> list[int]:
    if num_halvings < 1:
        raise ValueError(f"num_halvings: expected at least 1, got {num_halvings}")
    return [2] * num_halvings + [1, 1]


def _smallest(strides: list[int]) -> int:
    """Return the smallest height and width of which enough is left to normalise, and a logit."""
    size = 1  # of the last map
    for stride in reversed(strides):
        size = max(2, (size - 1) * stride + KERNEL - 2 * PADDING)
    return size
