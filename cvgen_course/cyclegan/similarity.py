"""How alike two images are, on the whole or in a part: PSNR and SSIM."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

RANGE = 2.0
"""Images are in [-1, 1]."""
K1, K2 = 0.01, 0.03
SIGMA, RADIUS = 1.5, 5
"""Of the Gaussian window, in pixels: 11×11."""


def psnr_per_item(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the peak signal-to-noise ratio of each pair of images, in decibels.

    Args:
        x: float (N, C, H, W) in [-1, 1].
        y: likewise.
        mask: how much each pixel counts, float or bool (N, 1, H, W), 0 or more; None for 1.

    Returns:
        float (N,), float32 at least: 10 log10 (2² / mean squared error); infinite where the
        images are equal, NaN where no pixel counts.

    Raises:
        TypeError: an image is no floating-point tensor.
        ValueError: shapes differ.
    """
    x, y, weights = _prepared(x, y, mask)
    error = ((x - y).square() * weights).sum(dim=(1, 2, 3)) / (x.shape[1] * weights.sum((1, 2, 3)))
    return 10 * torch.log10(RANGE**2 / error)


def ssim_per_item(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the structural similarity of each pair of images.

    At each pixel, means, variances and covariance in a Gaussian window of 11×11 (mirrored at the
    border) are compared, channel by channel; the result is the mean over pixels and channels.

    Args:
        x: float (N, C, H, W) in [-1, 1], H and W at least 6.
        y: likewise.
        mask: how much each pixel counts, float or bool (N, 1, H, W), 0 or more; None for 1.

    Returns:
        float (N,), float32 at least, at most 1; NaN where no pixel counts.

    Raises:
        TypeError: an image is no floating-point tensor.
        ValueError: shapes differ, or H or W is less than 6.

    Source:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
        IEEE Transactions on Image Processing 2004, doi:10.1109/TIP.2003.819861, eq. 13.
    """
    x, y, weights = _prepared(x, y, mask)
    if min(x.shape[-2:]) <= RADIUS:
        raise ValueError(f"x: expected H and W of at least {RADIUS + 1}, got {tuple(x.shape)}")
    mean_x, mean_y = _smoothed(x), _smoothed(y)
    var_x = _smoothed(x * x) - mean_x.square()
    var_y = _smoothed(y * y) - mean_y.square()
    covariance = _smoothed(x * y) - mean_x * mean_y
    c1, c2 = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    light = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    per_pixel = (light * structure).mean(dim=1, keepdim=True)  # (N, 1, H, W)
    return (per_pixel * weights).sum(dim=(1, 2, 3)) / weights.sum(dim=(1, 2, 3))


def _prepared(x: Tensor, y: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return images in float32 at least, and what each pixel counts, (N, 1, H, W)."""
    require(x=(x, "N C H W", "float"), y=(y, "N C H W", "float"))
    x, y = at_least_float32(x), at_least_float32(y)
    if mask is None:
        return x, y, torch.ones_like(x[:, :1])
    require(x=(x, "N C H W"), mask=(mask, "N 1 H W"))
    return x, y, mask.to(x)


def _smoothed(x: Tensor) -> Tensor:
    """Return each map seen through the Gaussian window."""
    steps = torch.arange(-RADIUS, RADIUS + 1, dtype=x.dtype, device=x.device)
    window = torch.exp(-(steps**2) / (2 * SIGMA**2))
    window = window / window.sum()
    C = x.shape[1]
    x = F.pad(x, (RADIUS,) * 4, mode="reflect")
    with torch.autocast(x.device.type, enabled=False):  # it would round to bfloat16
        x = F.conv2d(x, window.view(1, 1, -1, 1).expand(C, 1, -1, 1), groups=C)
        return F.conv2d(x, window.view(1, 1, 1, -1).expand(C, 1, 1, -1), groups=C)
