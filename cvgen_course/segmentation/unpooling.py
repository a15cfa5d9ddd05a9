"""Max-unpooling: put every maximum back where max-pooling found it."""

from __future__ import annotations

from torch import Tensor

from cvgen_course.require import require, require_range


def max_unpool(x: Tensor, indices: Tensor, output_size: tuple[int, int]) -> Tensor:
    """Undo max-pooling as far as it can be undone: values return to their places, the rest is zero.

    Args:
        x: float (N, C, h, w).
        indices: int64 (N, C, h, w), flat positions ``row * W + column`` in the H × W plane of each
            channel, as ``F.max_pool2d(..., return_indices=True)`` gives them.
        output_size: (H, W), the size before pooling. It can't be worked out from h and w: 2 × 2
            pooling makes 2 out of both 4 and 5.

    Returns:
        (N, C, H, W), in the dtype of ``x``, differentiable in ``x``.

    Raises:
        TypeError: ``x`` or ``indices`` is no tensor, or ``indices`` is not int64.
        ValueError: the shapes differ, or an index is outside [0, H·W).

    Source:
        Noh et al., "Learning Deconvolution Network for Semantic Segmentation", ICCV 2015,
        arXiv:1505.04366, section 3.2.1.

    Note:
        Where windows overlap, two maxima may come from one place; their values are equal, and one
        is written there.
    """
    require(x=(x, "N C h w"), indices=(indices, "N C h w", "int64"))
    N, C = x.shape[:2]
    H, W = output_size
    require_range("indices", indices, 0, H * W, "output_size is the size before pooling")

    plane = x.new_zeros(N, C, H * W)
    plane = plane.scatter(2, indices.flatten(start_dim=2), x.flatten(start_dim=2))
    return plane.reshape(N, C, H, W)
