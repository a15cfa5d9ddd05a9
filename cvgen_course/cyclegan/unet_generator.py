"""The other generator: a U-Net, whose long skips carry what is to stay as it is."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from cvgen_course.cyclegan.first_weights import start
from cvgen_course.cyclegan.resnet_generator import require_size


class UNetGenerator(nn.Module):
    """Images → images of the same size: halved again and again, doubled again with what was there.

    Args:
        channels: of the images that come in and go out.
        width: channels after the first halving; twice as many after each more, up to 8 times.
        num_halvings: how often height and width are halved.

    Source:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
        arXiv:1611.07004, appendix 6.1.1, without dropout, as CycleGAN's authors offer it.

    Note:
        The innermost map is not normalised: where it is a single pixel, an instance norm would
        leave nothing of it.
    """

    def __init__(self, channels: int = 3, width: int = 64, num_halvings: int = 5) -> None:
        super().__init__()
        if num_halvings < 1:
            raise ValueError(f"num_halvings: expected at least 1, got {num_halvings}")
        self.channels, self.stride = channels, 2**num_halvings
        widths = [channels, *(width * min(2**i, 8) for i in range(num_halvings))]
        last = num_halvings - 1
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(pairwise(widths)):
            down: list[nn.Module] = [] if i == 0 else [nn.LeakyReLU(0.2)]
            down.append(nn.Conv2d(before, after, 4, stride=2, padding=1))
            if 0 < i < last:
                down.append(nn.InstanceNorm2d(after))
            self.downs.append(nn.Sequential(*down))
            inner = after if i == last else 2 * after  # with the skip
            up: list[nn.Module] = [nn.ReLU(), nn.ConvTranspose2d(inner, before, 4, 2, 1)]
            up.append(nn.Tanh() if i == 0 else nn.InstanceNorm2d(before))
            self.ups.append(nn.Sequential(*up))
        self.apply(start)

    def forward(self, x: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1] for images, float (N, C, H, W).

        H and W are multiples of 2 to the power of ``num_halvings``.
        """
        require_size(x, self.channels, self.stride, smallest=self.stride)
        maps = []
        for down in self.downs:
            x = down(x)
            maps.append(x)  # (N, width · 2^i, H / 2^(i + 1), W / 2^(i + 1))
        x = maps.pop()
        for up in reversed(self.ups):
            x = up(x)
            if maps:
                x = torch.cat([x, maps.pop()], dim=1)
        return x
