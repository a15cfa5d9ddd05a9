"""Three ways to make a map larger that learn nothing: nearest neighbour, bilinear, bed of nails."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def nearest(x: Tensor, factor: int) -> Tensor:
    """Repeat every value in a block of factor × factor.

    Args:
        x: (N, C, H, W), any dtype.
        factor: how many times larger, at least 1.

    Returns:
        (N, C, factor·H, factor·W), in the dtype of ``x``.

    Raises:
        TypeError: ``x`` is no tensor, or ``factor`` no integer.
        ValueError: ``x`` does not have four dimensions, or ``factor`` is less than 1.
    """
    require(x=(x, "N C H W"))
    _require_factor(factor)
    return x.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)


def bilinear(x: Tensor, factor: int) -> Tensor:
    """Weigh the four nearest values by how close they are; beyond the border the edge goes on.

    Pixels are squares with their value in the middle: pixel i covers [i, i + 1]
    (``align_corners=False``).

    Args:
        x: floating point, (N, C, H, W), H and W at least 1.
        factor: how many times larger, at least 1.

    Returns:
        (N, C, factor·H, factor·W), in the dtype of ``x``, computed in float32 at least.

    Raises:
        TypeError: ``x`` is no floating-point tensor, or ``factor`` no integer.
        ValueError: ``x`` does not have four dimensions, or ``factor`` is less than 1.
    """
    require(x=(x, "N C H W", "float"))
    _require_factor(factor)
    values = at_least_float32(x)
    rows, columns = (_closeness(size, factor, values) for size in x.shape[2:])
    with torch.autocast(x.device.type, enabled=False):  # it would round to bfloat16
        return (rows @ values @ columns.T).to(x.dtype)


def bed_of_nails(x: Tensor, factor: int) -> Tensor:
    """Put every value at the top left of a block of factor × factor, and zeros elsewhere.

    Args:
        x: (N, C, H, W), any dtype.
        factor: how many times larger, at least 1.

    Returns:
        (N, C, factor·H, factor·W), in the dtype of ``x``.

    Raises:
        TypeError: ``x`` is no tensor, or ``factor`` no integer.
        ValueError: ``x`` does not have four dimensions, or ``factor`` is less than 1.
    """
    require(x=(x, "N C H W"))
    _require_factor(factor)
    N, C, H, W = x.shape
    out = x.new_zeros(N, C, factor * H, factor * W)
    out[:, :, ::factor, ::factor] = x
    return out


def _closeness(size: int, factor: int, x: Tensor) -> Tensor:
    """Return how much each new pixel takes of each old one: (factor·size, size), rows add up to 1.

    A value's weight is a tent: 1 in its own place, and 0 from the next one on.
    """
    old = torch.arange(size, device=x.device, dtype=x.dtype)
    new = torch.arange(factor * size, device=x.device, dtype=x.dtype)
    position = ((new + 0.5) / factor - 0.5).clamp(0, size - 1)  # of each new pixel, in old pixels
    return (1 - (position[:, None] - old).abs()).clamp(min=0)


def _require_factor(factor: int) -> None:
    if not isinstance(factor, int):
        raise TypeError(f"factor: expected an integer, got {type(factor).__name__}")
    if factor < 1:
        raise ValueError(f"factor: expected at least 1, got {factor}")
