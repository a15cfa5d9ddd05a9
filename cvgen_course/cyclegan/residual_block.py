"""The residual block of CycleGAN's generator."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.require import require


def residual_block(
    x: Tensor, weights: tuple[Tensor, Tensor], biases: tuple[Tensor, Tensor], eps: float = 1e-5
) -> Tensor:
    """Return x plus what two convolutions make of it, each in a frame of reflected pixels.

    Twice: pad by reflection, convolve, normalise each channel of each image by its own mean and
    standard deviation (instance norm); with a ReLU in between, and none at the end.

    Args:
        x: float (N, C, H, W), H and W at least 2.
        weights: of the two convolutions, (C, C, 3, 3) each.
        biases: of the two, (C,) each.
        eps: added to the variances.

    Returns:
        float (N, C, H, W).

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: a shape does not fit, or H or W is less than 2: a single row has no reflection.

    Source:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, arXiv:1703.10593, appendix 7.2; Ulyanov et al., "Instance
        Normalization: The Missing Ingredient for Fast Stylization", 2016, arXiv:1607.08022.

    Note:
        Before an instance norm a bias changes nothing; the authors' code has it all the same.
    """
    require(
        x=(x, "N C H W", "float"),
        first_weight=(weights[0], "C C 3 3", "float"),
        first_bias=(biases[0], "C", "float"),
        second_weight=(weights[1], "C C 3 3", "float"),
        second_bias=(biases[1], "C", "float"),
    )
    if min(x.shape[-2:]) < 2:
        raise ValueError(f"x: expected H and W of at least 2, got shape {tuple(x.shape)}")
    h = F.conv2d(_reflected(x), weights[0], biases[0])
    h = F.relu(F.instance_norm(h, eps=eps))
    h = F.conv2d(_reflected(h), weights[1], biases[1])
    return x + F.instance_norm(h, eps=eps)


class ResidualBlock(nn.Module):
    """A `residual_block` with its parameters.

    Args:
        channels: C, of what comes in and goes out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(channels, channels, 3), nn.Conv2d(channels, channels, 3)

    def extra_repr(self) -> str:
        """Return what it computes, for ``print(network)``: the norms are no layers of their own."""
        return "x + norm(second(relu(norm(first(x))))), reflected at the border"

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H, W) for (N, C, H, W)."""
        weights = self.first.weight, self.second.weight
        biases = cast(Tensor, self.first.bias), cast(Tensor, self.second.bias)
        return residual_block(x, weights, biases)


def _reflected(x: Tensor) -> Tensor:
    """Return x in a frame of one pixel, mirrored at its border."""
    return F.pad(x, (1, 1, 1, 1), mode="reflect")
