"""The vertical stack: all rows above, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.require import require


class Vertical(NamedTuple):
    """What a layer of the vertical stack returns.

    Attributes:
        maps: for the next layer of the vertical stack, float (N, O, H, W): row i has seen the rows
            up to i, and all of row i.
        above: for the horizontal stack, float (N, O, H, W): the same one row lower, so that row i
            has seen the rows above it only; its first row is 0.
    """

    maps: Tensor
    above: Tensor


def vertical_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Vertical:
    """Convolve with a kernel that looks up, left and right, but not down.

    Args:
        x: float (N, I, H, W).
        weight: float (O, I, kh, kw): its last row lies on the row of the output, the others above;
            kw is odd, and the middle of it lies on the column of the output.
        bias: float (O,), or None.

    Returns:
        The maps, as large as ``x``, which counts as 0 beyond its border; and the maps shifted one
        row down.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together, or kw is even.

    Source:
        van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", NeurIPS 2016,
        arXiv:1606.05328, section 2.2.
    """
    _require(x, weight, bias)
    kernel_height, kernel_width = weight.shape[2:]
    side = kernel_width // 2
    maps = F.conv2d(F.pad(x, (side, side, kernel_height - 1, 0)), weight, bias)
    return Vertical(maps, F.pad(maps, (0, 0, 1, -1)))


def _require(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    require(x=(x, "N I H W", "float"), weight=(weight, "O I kh kw", "float"))
    if bias is not None:
        require(bias=(bias, "O", "float"), O=len(weight))
    if weight.shape[3] % 2 == 0:
        raise ValueError(f"weight: expected kw to be odd, got shape {tuple(weight.shape)}")


class VerticalConv2d(nn.Conv2d):
    """A convolution of the vertical stack.

    Args:
        in_channels: of the maps.
        out_channels: of the maps that it returns.
        kernel_size: k, odd: the part of a k × k kernel that does not look down, its row and the
            k // 2 above it.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size: expected an odd number, got {kernel_size}")
        super().__init__(in_channels, out_channels, (kernel_size // 2 + 1, kernel_size))

    def forward(self, x: Tensor) -> Vertical:  # type: ignore[override]
        """Return what ``vertical_conv2d`` returns."""
        return vertical_conv2d(x, self.weight, self.bias)
