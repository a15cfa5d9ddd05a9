"""U-Net: down, up, and a copy of every fine map across (Ronneberger et al., 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.require import require, require_images
from cvgen_course.segmentation.backbone import conv_block
from cvgen_course.segmentation.resolution import pad_to_even, stem_and_head

Module = Callable[[Tensor], Tensor]


def unet_down(x: Tensor, conv: Module) -> tuple[Tensor, Tensor]:
    """Take one step down: convolve, keep the result for later, and halve it.

    Args:
        x: float (N, C, H, W).
        conv: keeps H and W, (N, C, H, W) → (N, D, H, W).

    Returns:
        skip (N, D, H, W), and its 2 × 2 max-pooling (N, D, ⌊H/2⌋, ⌊W/2⌋).

    Raises:
        TypeError: ``x`` is no tensor.
        ValueError: ``x`` does not have four dimensions.

    Source:
        Ronneberger et al., "U-Net", MICCAI 2015, arXiv:1505.04597, section 2 and figure 1.
    """
    require(x=(x, "N C H W"))
    skip = conv(x)
    return skip, F.max_pool2d(skip, kernel_size=2)


def unet_up(x: Tensor, skip: Tensor, upsample: Module, conv: Module) -> Tensor:
    """Take one step up: upsample, put the fine map that was kept beside it, and convolve.

    Args:
        x: float (N, D, h, w), the coarser map.
        skip: float (N, C, H, W), the finer map from the way down.
        upsample: makes ``x`` about twice as large, (N, D, h, w) → (N, C', ≈2h, ≈2w).
        conv: (N, C + C', H, W) → (N, E, H, W).

    Returns:
        (N, E, H, W).

    Raises:
        TypeError: ``x`` or ``skip`` is no tensor.
        ValueError: one of them does not have four dimensions.

    Source:
        Ronneberger et al., MICCAI 2015, arXiv:1505.04597, section 2 and figure 1.

    Note:
        The paper's convolutions shrink the maps and the skip is cropped. Here they keep the size,
        and the upsampled map is fitted to the skip instead, at the right and at the bottom: zeros
        are added, or values cut off.
    """
    require(x=(x, "N D h w"), skip=(skip, "N C H W"))
    x = upsample(x)
    missing_rows = skip.shape[2] - x.shape[2]
    missing_columns = skip.shape[3] - x.shape[3]
    x = F.pad(x, (0, missing_columns, 0, missing_rows))  # a negative number cuts off
    return conv(torch.cat([skip, x], dim=1))


def unet_forward(
    x: Tensor,
    down_convs: Sequence[Module],
    bottleneck: Module,
    upsamples: Sequence[Module],
    up_convs: Sequence[Module],
    head: Module,
) -> Tensor:
    """Put the U together: all steps down, the bottleneck, all steps up, the head.

    Args:
        x: float (N, C, H, W), the image.
        down_convs: one for each level, from fine to coarse.
        bottleneck: what happens at the bottom of the U.
        upsamples: one for each level, from coarse to fine.
        up_convs: one for each level, from coarse to fine.
        head: turns the finest map into logits.

    Returns:
        What ``head`` makes of the finest map, e.g. logits (N, classes, H, W).

    Raises:
        TypeError: ``x`` is no tensor.
        ValueError: ``x`` does not have four dimensions, or the three lists differ in length.

    Source:
        Ronneberger et al., MICCAI 2015, arXiv:1505.04597, figure 1.
    """
    require(x=(x, "N C H W"))
    if not len(down_convs) == len(upsamples) == len(up_convs):
        raise ValueError(
            "down_convs, upsamples, up_convs: expected as many of each, got "
            f"{len(down_convs)}, {len(upsamples)} and {len(up_convs)}"
        )
    skips = []
    for conv in down_convs:
        skip, x = unet_down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for skip, upsample, conv in zip(reversed(skips), upsamples, up_convs, strict=True):
        x = unet_up(x, skip, upsample, conv)
    return head(x)


class UNet(nn.Module):
    """U-Net with convolutions that keep the size, for images of any size.

    Args:
        num_classes: the number of classes C.
        width: channels of the finest level; each coarser level has twice as many.
        depth: number of steps down and up.
        stem_stride: 1 begins at the picture's resolution, as the paper does; 2 at half of it, for a
            quarter of the work.
        unet_forward: what puts the parts together.

    Raises:
        ValueError: a number is less than 1, or ``stem_stride`` neither 1 nor 2.

    Source:
        Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation",
        MICCAI 2015, arXiv:1505.04597.

    Note:
        The paper has width 64, depth 4, convolutions without padding, and no batch norm.
    """

    def __init__(
        self,
        num_classes: int,
        width: int = 16,
        depth: int = 4,
        *,
        stem_stride: int = 1,
        unet_forward: Callable[..., Tensor] = unet_forward,
    ) -> None:
        super().__init__()
        for name, number in (("num_classes", num_classes), ("width", width), ("depth", depth)):
            if number < 1:
                raise ValueError(f"{name}: expected at least 1, got {number}")
        channels = [width * 2**level for level in range(depth + 1)]  # w, 2w, 4w, …
        fine_to_coarse = list(pairwise(channels))
        coarse_to_fine = fine_to_coarse[::-1]
        self.stem_stride = stem_stride
        self.unet_forward = unet_forward
        self.stem, self.head, stem_channels = stem_and_head(num_classes, width, stem_stride)
        self.down_convs = nn.ModuleList(
            conv_block(before, after) for before, after in pairwise([stem_channels, *channels[:-1]])
        )
        self.bottleneck = conv_block(channels[-2], channels[-1])
        self.upsamples = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, kernel_size=2, stride=2)
            for fine, coarse in coarse_to_fine
        )
        self.up_convs = nn.ModuleList(conv_block(2 * fine, fine) for fine, _ in coarse_to_fine)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of every pixel.

        Args:
            image: float32 (N, 3, H, W) in [-1, 1], H and W at least stem_stride · 2**depth; one
                image alone in training twice as high or wide.

        Returns:
            Logits (N, C, H, W).

        Raises:
            TypeError: ``image`` is no tensor.
            ValueError: it does not have the shape above.
        """
        smallest = self.stem_stride * 2 ** len(self.down_convs)
        require_images("image", image, smallest, self.training)
        H, W = image.shape[-2:]
        x = self.stem(pad_to_even(image) if self.stem_stride == 2 else image)
        logits = self.unet_forward(
            x, self.down_convs, self.bottleneck, self.upsamples, self.up_convs, self.head
        )
        return logits[..., :H, :W]
