"""Fully convolutional networks: score coarse maps, add finer ones, upsample (Long et al., 2015)."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.require import require, require_images
from cvgen_course.segmentation.backbone import Backbone


def upsample_and_add(coarse: Tensor, fine: Tensor) -> Tensor:
    """Upsample a coarse score map bilinearly to the exact size of a finer one, and add the two.

    Args:
        coarse: float (N, C, h, w).
        fine: float (N, C, H, W).

    Returns:
        (N, C, H, W).

    Raises:
        TypeError: an argument is no tensor.
        ValueError: an argument does not have four dimensions, or the two differ in N or C.
    """
    require(coarse=(coarse, "N C h w"), fine=(fine, "N C H W"))
    return fine + F.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=False)


def fuse_skips(score32: Tensor, score16: Tensor, score8: Tensor) -> Tensor:
    """Fuse the scores of three strides, from coarse to fine: what, then where.

    Args:
        score32: float (N, C, h32, w32), scores at stride 32.
        score16: float (N, C, h16, w16), scores at stride 16.
        score8: float (N, C, h8, w8), scores at stride 8.

    Returns:
        Scores at stride 8, (N, C, h8, w8).

    Raises:
        TypeError: an argument is no tensor.
        ValueError: an argument does not have four dimensions, or they differ in N or C.

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038, section 4.2 and figure 3.
    """
    fused16 = upsample_and_add(score32, score16)  # (N, C, h16, w16)
    return upsample_and_add(fused16, score8)  # (N, C, h8, w8)


class FCN(nn.Module):
    """FCN-32s, FCN-16s or FCN-8s on a small backbone.

    Args:
        num_classes: the number of classes C.
        stride: 32 (the coarsest scores alone), 16 (one skip) or 8 (two skips).
        width: channels of the backbone's first stage.
        fuse_skips: what FCN-8s fuses its scores with.

    Raises:
        ValueError: ``stride`` is none of the three, or a number is less than 1.

    Source:
        Long et al., CVPR 2015, arXiv:1411.4038, section 4.

    Note:
        The paper pads the image by 100 pixels and crops, starts from ImageNet's weights, and trains
        the three networks one after the other. Here maps are interpolated to the exact size, and
        each network learns from scratch.
    """

    def __init__(
        self,
        num_classes: int,
        stride: int = 8,
        width: int = 16,
        *,
        fuse_skips: Callable[[Tensor, Tensor, Tensor], Tensor] = fuse_skips,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes: expected at least 1, got {num_classes}")
        if stride not in (8, 16, 32):
            raise ValueError(f"stride: expected 8, 16 or 32, got {stride}")
        self.stride = stride
        self.fuse_skips = fuse_skips
        self.backbone = Backbone(width)
        channels8, channels16, channels32 = self.backbone.channels
        self.score32 = nn.Conv2d(channels32, num_classes, kernel_size=1)
        if stride <= 16:
            self.score16 = nn.Conv2d(channels16, num_classes, kernel_size=1)
        if stride == 8:
            self.score8 = nn.Conv2d(channels8, num_classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of every pixel.

        Args:
            image: float32 (N, 3, H, W) in [-1, 1], H and W at least 32.

        Returns:
            Logits (N, C, H, W).

        Raises:
            TypeError: ``image`` is no tensor.
            ValueError: it does not have the shape above.
        """
        require_images("image", image, smallest=32)
        pool3, pool4, pool5 = self.backbone(image)
        scores = self.score32(pool5)
        if self.stride == 16:
            scores = upsample_and_add(scores, self.score16(pool4))
        elif self.stride == 8:
            scores = self.fuse_skips(scores, self.score16(pool4), self.score8(pool3))
        return F.interpolate(scores, size=image.shape[-2:], mode="bilinear", align_corners=False)
