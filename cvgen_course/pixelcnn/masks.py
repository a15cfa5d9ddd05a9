"""Masks: which weights of a convolution look at what has not been drawn yet."""

from __future__ import annotations

import torch
from torch import Tensor


def causal_mask(
    kind: str,
    kernel_size: tuple[int, int],
    in_channels: int,
    out_channels: int,
    num_groups: int = 1,
) -> Tensor:
    """Return the mask of a convolution that sees only what comes before.

    Pixels come row by row, from the left to the right, and the channels of a pixel one after the
    other, as red, green, blue. With as many groups as images have channels, features are divided
    into groups of equal size, first those of red: group g may know of the channels before g (kind
    A, and so in the layers after it), and is what channel g is predicted from.

    Args:
        kind: ``"A"`` for the first layer, which sees the image itself: the middle of the kernel
            sees earlier groups only. ``"B"`` for all other layers: it sees its own group, too.
        kernel_size: height and width of the kernel, both odd.
        in_channels: a multiple of ``num_groups``.
        out_channels: a multiple of ``num_groups``.
        num_groups: G.

    Returns:
        float32 (out_channels, in_channels, height, width), 1 where a weight may look, else 0.

    Raises:
        ValueError: another kind, a side of the kernel that is not odd, or channels that can't be
            divided into groups.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        section 3.4 and figure 2 (right).
    """
    if kind not in ("A", "B"):
        raise ValueError(f'kind: expected "A" or "B", got {kind!r}')
    height, width = kernel_size
    if height < 1 or width < 1 or height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"kernel_size: expected two odd numbers, got {kernel_size}")
    mask = torch.zeros(out_channels, in_channels, height, width)
    mask[:, :, : height // 2] = 1  # the rows above
    mask[:, :, height // 2, : width // 2] = 1  # what is on the left
    target = _groups("out_channels", out_channels, num_groups)[:, None]  # (O, 1)
    source = _groups("in_channels", in_channels, num_groups)  # (I,)
    mask[:, :, height // 2, width // 2] = (
        source < target if kind == "A" else source <= target
    ).float()
    return mask


def _groups(name: str, num_features: int, num_groups: int) -> Tensor:
    """Return which group each feature belongs to, int64 (num_features,)."""
    if num_groups < 1:
        raise ValueError(f"num_groups: expected at least 1, got {num_groups}")
    if num_features < 1 or num_features % num_groups:
        raise ValueError(f"{name}: expected a multiple of {num_groups} groups, got {num_features}")
    return torch.arange(num_groups).repeat_interleave(num_features // num_groups)
