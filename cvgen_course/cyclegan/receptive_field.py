"""How much of an image one number of a map has seen: by formula, and by looking."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cvgen_course.require import require


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Return how many pixels in a row one number sees after some convolutions.

    Args:
        kernels: of the convolutions, in their order, each at least 1.
        strides: likewise.

    Returns:
        1 + the sum over layers of (kernel − 1) · the product of the strides before.

    Raises:
        ValueError: there are not as many strides as kernels, or one is less than 1.

    Source:
        Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019,
        doi:10.23915/distill.00021, eq. 2.
    """
    if len(kernels) != len(strides):
        raise ValueError(
            f"strides: expected one for each of {len(kernels)} kernels, got {len(strides)}"
        )
    if min([*kernels, *strides, 1]) < 1:
        raise ValueError(f"kernels, strides: expected 1 or more, got {kernels} and {strides}")
    seen, step = 1, 1  # pixels; and how far apart neighbours of the present map are, in pixels
    for kernel, stride in zip(kernels, strides, strict=True):
        seen += (kernel - 1) * step
        step *= stride
    return seen


def seen_pixels(
    network: Callable[[Tensor], Tensor], image: Tensor, row: int, column: int
) -> Tensor:
    """Return which pixels of an image one number of a network's map depends on, by its gradient.

    Args:
        network: ``network(x)`` → a map, float (1, 1, h, w), for an image (1, C, H, W).
        image: float (1, C, H, W); a random one, as a gradient may be 0 by chance at special ones.
        row: of the number.
        column: of the number.

    Returns:
        bool (H, W): where the gradient is not 0 in some channel.

    Raises:
        TypeError: ``image`` is no floating-point tensor.
        ValueError: it is not one image.

    Note:
        An instance norm looks at the whole image: without the norms it is the convolutions' field.
    """
    require(image=(image, "1 C H W", "float"))
    leaf = image.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(leaf)[0, 0, row, column], leaf)
    return (gradient[0] != 0).any(dim=0)
