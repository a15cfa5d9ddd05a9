"""Resizing as it should be done before features are computed: with a filter against aliasing."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """Return images of another size, by bicubic interpolation that averages where it shrinks.

    Without that average, single pixels are picked where an image shrinks, and fine patterns turn
    into other ones; distances of features then say more about resizing than about the images.

    Args:
        images: float (N, C, H, W) in [-1, 1].
        height: of the result, in pixels.
        width: likewise.

    Returns:
        float (N, C, height, width) in [-1, 1]; what interpolation adds beyond is cut off.

    Raises:
        TypeError: ``images`` is no floating-point tensor.
        ValueError: it has another shape, or a size is below 1.

    Source:
        Parmar, Zhang and Zhu, "On Aliased Resizing and Surprising Subtleties in GAN Evaluation",
        CVPR 2022, arXiv:2104.11222, section 3.
    """
    require(images=(images, "N C H W", "float"))
    for name, size in (("height", height), ("width", width)):
        if size < 1:
            raise ValueError(f"{name}: expected 1 or more, got {size}")
    values = at_least_float32(images)
    resized = F.interpolate(values, (height, width), mode="bicubic", antialias=True)
    return resized.clamp(-1, 1).to(images.dtype)
