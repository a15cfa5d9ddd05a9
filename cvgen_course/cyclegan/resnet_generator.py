"""CycleGAN's generator: down, a row of residual blocks, and up again."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from cvgen_course.cyclegan.first_weights import start
from cvgen_course.cyclegan.residual_block import ResidualBlock
from cvgen_course.require import require

Upsampling = Literal["transposed", "resize"]


class ResNetGenerator(nn.Module):
    """Images → images of the same size, through residual blocks.

    Args:
        channels: of the images that come in and go out.
        width: channels of the finest maps; twice as many after each halving.
        num_halvings: how often height and width are halved, and doubled again.
        num_blocks: residual blocks in between.
        normalised: instance norm after the other convolutions, too, as in the paper. It takes from
            each map its mean, over the whole image; of a small image's colours little is left.
        upsampling: ``"transposed"`` convolutions, as in the paper, or ``"resize"``: repeat each
            pixel, then convolve, which makes no checkerboards.

    Source:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, arXiv:1703.10593, appendix 7.2: width 64, two halvings, six blocks for
        128×128, nine for 256×256. ``"resize"``: Odena et al., "Deconvolution and Checkerboard
        Artifacts", Distill 2016, doi:10.23915/distill.00003.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        num_halvings: int = 2,
        num_blocks: int = 9,
        normalised: bool = True,
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        if num_halvings < 0:
            raise ValueError(f"num_halvings: expected at least 0, got {num_halvings}")
        self.channels, self.stride = channels, 2**num_halvings

        def activated(convolution: nn.Module, width: int) -> list[nn.Module]:
            norm = [nn.InstanceNorm2d(width)] if normalised else []
            return [convolution, *norm, nn.ReLU()]

        widths = [width * 2**i for i in range(num_halvings + 1)]
        layers = [nn.ReflectionPad2d(3), *activated(nn.Conv2d(channels, width, 7), width)]
        for before, after in pairwise(widths):
            layers += activated(nn.Conv2d(before, after, 3, stride=2, padding=1), after)
        layers += [ResidualBlock(widths[-1]) for _ in range(num_blocks)]
        for after, before in reversed(list(pairwise(widths))):
            layers += activated(_doubling(before, after, upsampling), after)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(start)

    def forward(self, x: Tensor) -> Tensor:
        """Return images (N, C, H, W) in [-1, 1] for images, float (N, C, H, W).

        H and W are multiples of 2 to the power of ``num_halvings``; 4 at least, and twice that
        power.
        """
        require_size(x, self.channels, self.stride, smallest=max(4, 2 * self.stride))
        return self.layers(x)


def require_size(x: Tensor, channels: int, stride: int, smallest: int) -> None:
    """Raise unless images can be halved and come back with the same size.

    Args:
        x: should be float (N, channels, H, W).
        channels: that the network takes.
        stride: of which H and W should be multiples.
        smallest: that they should be at least.

    Raises:
        TypeError: ``x`` is no floating-point tensor.
        ValueError: it does not have that shape.
    """
    require(x=(x, f"N {channels} H W", "float"))
    H, W = x.shape[-2:]
    if H % stride or W % stride or min(H, W) < smallest:
        raise ValueError(
            f"x: expected H and W of at least {smallest} and multiples of {stride}, "
            f"got shape {tuple(x.shape)}"
        )


def _doubling(before: int, after: int, upsampling: Upsampling) -> nn.Module:
    """Return a layer that doubles height and width."""
    if upsampling == "transposed":
        return nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)
    if upsampling == "resize":
        return nn.Sequential(
            nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1), nn.Conv2d(before, after, 3)
        )
    raise ValueError(f"upsampling: expected 'transposed' or 'resize', got {upsampling!r}")
