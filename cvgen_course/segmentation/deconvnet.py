"""DeconvNet: convolve and pool down, unpool and deconvolve up (Noh et al., 2015)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.require import require_images
from cvgen_course.segmentation.backbone import conv_block
from cvgen_course.segmentation.resolution import pad_to_even, stem_and_head
from cvgen_course.segmentation.unpooling import max_unpool


def deconv_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a convolution and a deconvolution of 3 × 3 that fill in what unpooling left empty.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.

    Returns:
        A module (N, in_channels, H, W) → (N, out_channels, H, W).
    """
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, in_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class DeconvNet(nn.Module):
    """An encoder that remembers where its maxima were, and its mirror image that puts them back.

    There is no skip connection: besides the coarsest map, only the places of the maxima pass from
    the encoder to the decoder.

    Args:
        num_classes: the number of classes C.
        width: channels of the first stage; each later stage has twice as many.
        depth: number of poolings; the coarsest map has stride stem_stride · 2**depth.
        stem_stride: 1 begins at the picture's resolution, as the paper does; 2 at half of it, for a
            quarter of the work.
        max_unpool: what the decoder unpools with.

    Raises:
        ValueError: a number is less than 1, or ``stem_stride`` neither 1 nor 2.

    Source:
        Noh et al., "Learning Deconvolution Network for Semantic Segmentation", ICCV 2015,
        arXiv:1505.04366, section 3 and table 2.

    Note:
        The paper's encoder is VGG-16 with its fully connected layers; here they are one block of
        convolutions. The paper labels object proposals and combines them; here the whole image is
        labelled at once.
    """

    def __init__(
        self,
        num_classes: int,
        width: int = 16,
        depth: int = 4,
        *,
        stem_stride: int = 1,
        max_unpool: Callable[[Tensor, Tensor, tuple[int, int]], Tensor] = max_unpool,
    ) -> None:
        super().__init__()
        for name, number in (("num_classes", num_classes), ("width", width), ("depth", depth)):
            if number < 1:
                raise ValueError(f"{name}: expected at least 1, got {number}")
        widths = [width * 2**level for level in range(depth)]  # w, 2w, 4w, …
        self.stem_stride = stem_stride
        self.max_unpool = max_unpool
        self.stem, self.head, stem_channels = stem_and_head(num_classes, width, stem_stride)
        self.encoder = nn.ModuleList(
            conv_block(finer, coarser) for finer, coarser in pairwise([stem_channels, *widths])
        )
        self.middle = conv_block(widths[-1], widths[-1])
        self.decoder = nn.ModuleList(
            deconv_block(coarser, finer) for coarser, finer in pairwise([*reversed(widths), width])
        )

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
        smallest = self.stem_stride * 2 ** len(self.encoder)
        require_images("image", image, smallest, self.training)
        H, W = image.shape[-2:]
        x = self.stem(pad_to_even(image) if self.stem_stride == 2 else image)
        switches = []
        for conv in self.encoder:
            x = conv(x)
            size = x.shape[-2:]
            x, indices = F.max_pool2d(x, kernel_size=2, return_indices=True)
            switches.append((indices, size))
        x = self.middle(x)
        for deconv, (indices, size) in zip(self.decoder, reversed(switches), strict=True):
            x = deconv(self.max_unpool(x, indices, tuple(size)))
        return self.head(x)[..., :H, :W]
