"""From one latent to another, on a straight line or on an arc."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def slerp(start: Tensor, end: Tensor, t: Tensor | float) -> Tensor:
    """Go from one vector to another on an arc around the origin.

    In many dimensions nearly all of a standard normal's mass lies in a thin shell of radius √J. A
    straight line between two samples cuts through the empty middle; this way stays in the shell.

    Args:
        start: float (..., J).
        end: float (..., J).
        t: how far, 0 at ``start`` and 1 at ``end``; a number, or a tensor that broadcasts with
            (..., 1).

    Returns:
        float (..., J), float32 at least. Where the two point in the same direction, or one of them
        is 0, the straight line; where they point in opposite ones, no arc is better than another,
        and it is the straight line, too.

    Raises:
        TypeError: a vector is no floating-point tensor.
        ValueError: the vectors have different lengths.

    Source:
        White, "Sampling Generative Networks", arXiv:1609.04468, section 2.1; the arc is that of
        Shoemake, "Animating rotation with quaternion curves", 1985.
    """
    require(start=(start, "... J", "float"), end=(end, "... J", "float"))
    start, end = at_least_float32(start), at_least_float32(end)
    number = torch.finfo(torch.promote_types(start.dtype, end.dtype))
    lengths = [each.norm(dim=-1, keepdim=True) for each in (start, end)]  # (..., 1) each
    a, b = (v / n.clamp(min=number.tiny) for v, n in zip((start, end), lengths, strict=True))
    angle = (a * b).sum(dim=-1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    # where it should be 0, a cosine that is off by k · eps makes it √(2 k · eps)
    straight = (sine < 8 * number.eps**0.5) | (lengths[0] == 0) | (lengths[1] == 0)
    sine = torch.where(straight, 1.0, sine)
    arc = ((1 - t) * angle).sin() / sine * start + (t * angle).sin() / sine * end
    return torch.where(straight, start + t * (end - start), arc)
