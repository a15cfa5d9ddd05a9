"""Transposed convolution as what it does: every input pixel stamps the kernel on the output."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def conv_transpose2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0
) -> Tensor:
    """Stamp the kernel, times each input pixel, on the output, ``stride`` apart; overlaps add up.

    Input pixel (i, j) adds x[i, j] · weight[k, l] to output pixel (i·stride + k, j·stride + l).

    Args:
        x: float (N, Cin, H, W), H and W at least 1.
        weight: float (Cin, Cout, kh, kw).
        bias: float (Cout,), or None.
        stride: distance on the output between the stamps of neighbours, at least 1.
        padding: how many rows and columns are cut off at each side of the output, at least 0.

    Returns:
        (N, Cout, (H-1)·stride - 2·padding + kh, (W-1)·stride - 2·padding + kw), in the dtype of
        ``x``, summed in float32 at least; differentiable in all three tensors.

    Raises:
        TypeError: an argument is no tensor.
        ValueError: the shapes do not belong together, or the padding cuts off the whole output.

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038, section 3.3 ("backwards convolution").
    """
    _require(x, weight, bias, stride, padding)
    N, _, H, W = x.shape
    _, Cout, kh, kw = weight.shape
    full_H, full_W = (H - 1) * stride + kh, (W - 1) * stride + kw

    # Every input pixel times the kernel: one stamp of kh × kw for each of the H × W pixels.
    values, kernel = at_least_float32(x), at_least_float32(weight)
    stamps = torch.einsum("nihw,iokl->nohwkl", values, kernel)  # (N, Cout, H, W, kh, kw)

    # Where each value of each stamp falls on the output.
    rows = stride * torch.arange(H)[:, None] + torch.arange(kh)  # (H, kh)
    columns = stride * torch.arange(W)[:, None] + torch.arange(kw)  # (W, kw)
    places = rows[:, None, :, None] * full_W + columns[None, :, None, :]  # (H, W, kh, kw)

    # Stamps that overlap add up.
    out = stamps.new_zeros(N, Cout, full_H * full_W)
    out = out.index_add(2, places.flatten().to(x.device), stamps.flatten(start_dim=2))
    out = out.reshape(N, Cout, full_H, full_W)
    out = out[:, :, padding : full_H - padding, padding : full_W - padding]
    return (out if bias is None else out + bias[:, None, None]).to(x.dtype)


def bilinear_kernel(num_channels: int, factor: int) -> Tensor:
    """Return the kernel with which a transposed convolution upsamples bilinearly.

    ``conv_transpose2d(x, weight, stride=factor, padding=ceil((factor - 1) / 2))`` then makes a map
    ``factor`` times larger; away from the border it equals bilinear interpolation.

    Args:
        num_channels: the number of channels C, at least 1.
        factor: how many times larger, at least 1.

    Returns:
        float32 (C, C, k, k), k = 2·factor - factor % 2; zero between different channels.

    Raises:
        ValueError: ``num_channels`` or ``factor`` is less than 1.

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038, section 3.3.
    """
    if num_channels < 1:
        raise ValueError(f"num_channels: expected at least 1, got {num_channels}")
    if factor < 1:
        raise ValueError(f"factor: expected at least 1, got {factor}")
    size = 2 * factor - factor % 2
    middle = (size - 1) / 2
    distance = (torch.arange(size, dtype=torch.float32) - middle).abs()
    tent = 1 - distance / factor  # (k,): 1 in the middle, 0 at one old pixel away
    same_channel = torch.eye(num_channels)  # (C, C)
    return same_channel[:, :, None, None] * (tent[:, None] * tent)


def _require(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> None:
    require(x=(x, "N Cin H W"), weight=(weight, "Cin Cout kh kw"))
    if bias is not None:
        require(bias=(bias, "Cout"), Cout=weight.shape[1])
    if stride < 1:
        raise ValueError(f"stride: expected at least 1, got {stride}")
    if padding < 0:
        raise ValueError(f"padding: expected at least 0, got {padding}")
    for name, pixels, taps in zip("HW", x.shape[2:], weight.shape[2:], strict=True):
        if pixels < 1:
            raise ValueError(f"x: expected {name} of at least 1, got shape {tuple(x.shape)}")
        if (pixels - 1) * stride + taps <= 2 * padding:
            raise ValueError(
                f"padding: {padding} cuts off the whole output; expected less than "
                f"{((pixels - 1) * stride + taps) / 2:g}, half of its size along {name}"
            )
