"""What all detectors of this chapter share: a small backbone, and a feature pyramid."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.require import require_images
from cvgen_course.segmentation import conv_block

STRIDES = (4, 8, 16)
"""Of the backbone's maps, in pixels of the image."""


class Backbone(nn.Module):
    """VGG's pattern, small: maps at strides 4, 8 and 16.

    Args:
        width: channels at stride 2; the maps have 2, 4 and 4 times as many.
        num_convs: 3 × 3 convolutions between two poolings.
        num_maps: how many maps are made, the finest first; who looks at no coarse map saves it.

    Attributes:
        channels: of the maps.

    Source:
        Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556.

    Note:
        The first convolution has stride 2: at full resolution most of the time would go by before
        anything was seen.
    """

    def __init__(self, width: int = 32, num_convs: int = 2, num_maps: int = 3) -> None:
        super().__init__()
        if width < 1 or num_convs < 1:
            raise ValueError(
                f"width, num_convs: expected at least 1 each, got {width}, {num_convs}"
            )
        if not 1 <= num_maps <= len(STRIDES):
            raise ValueError(f"num_maps: expected 1 to {len(STRIDES)}, got {num_maps}")
        self.channels = (2 * width, 4 * width, 4 * width)[:num_maps]
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            conv_block(width, width, num_convs=1),
        )
        widths = zip((width, *self.channels), self.channels, strict=False)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), conv_block(narrow, wide, num_convs))
            for narrow, wide in widths
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps.

        Args:
            images: float32 (N, 3, H, W) in [-1, 1], H and W at least the coarsest map's stride; one
                image alone in training twice as high or wide.

        Returns:
            Maps (N, channels[i], H_i, W_i), from fine to coarse.

        Raises:
            TypeError: ``images`` is no floating-point tensor.
            ValueError: it does not have the shape above.
        """
        require_images("images", images, STRIDES[len(self.stages) - 1], self.training)
        x = self.stem(images)  # stride 2
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class FeaturePyramid(nn.Module):
    """Maps of one width, in which the fine ones know what the coarse ones have seen.

    Args:
        in_channels: of the backbone's maps, from fine to coarse.
        channels: of every map of the pyramid.
        num_levels: how many maps to return, the finest first; at most as many as come in.

    Source:
        Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, arXiv:1612.03144,
        section 3 and figure 3.

    Note:
        With batch norm, and a ReLU at the end; without, a pyramid that starts from random weights
        learns much more slowly. (The paper's backbone comes trained from ImageNet.)
    """

    def __init__(self, in_channels: tuple[int, ...], channels: int, num_levels: int) -> None:
        super().__init__()
        if not 1 <= num_levels <= len(in_channels):
            raise ValueError(
                f"num_levels: expected 1 to {len(in_channels)}, the number of the backbone's maps, "
                f"got {num_levels}"
            )
        self.channels = channels
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, channels, 1, bias=False), nn.BatchNorm2d(channels))
            for c in in_channels
        )
        self.smooth = nn.ModuleList(
            conv_block(channels, channels, num_convs=1) for _ in range(num_levels)
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Return the finest maps, (N, channels, H_i, W_i) each, of the sizes that came."""
        merged = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for level in reversed(range(len(merged) - 1)):
            above = F.interpolate(merged[level + 1], size=merged[level].shape[-2:])
            merged[level] = merged[level] + above
        return [smooth(x) for smooth, x in zip(self.smooth, merged, strict=False)]
