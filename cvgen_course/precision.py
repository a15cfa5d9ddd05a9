"""How precisely numbers are computed: coordinates and sums in float32 at least."""

from __future__ import annotations

from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """Return a tensor in float32 where it has half precision, and as it is everywhere else.

    float16 ends at 65,504, less than the area of a box of 300 × 300 pixels. bfloat16 holds eight
    bits of a number: beyond 256, not even every whole pixel. A network may compute in them, but
    coordinates, areas and sums over many pixels may not.

    Args:
        x: any shape and dtype.

    Returns:
        The same shape; float32 for float16 and bfloat16. Gradients flow back in the dtype of ``x``.
    """
    return x.float() if x.is_floating_point() and x.dtype.itemsize < 4 else x
