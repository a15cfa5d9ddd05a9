"""The density that a generator of single numbers has."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cvgen_course.require import require


@torch.no_grad()
def pushforward_density(
    generator: Callable[[Tensor], Tensor], low: float, high: float, num_cells: int = 200
) -> Tensor:
    """Return the density of G(z) for standard normal z, in cells of equal size.

    No chance is involved: of 200 numbers a cell, evenly spread over the probabilities, it is
    counted which cell they go to.

    Args:
        generator: ``generator(z)`` → float (N, 1), for z, float (N, 1).
        low: where the first cell begins.
        high: where the last one ends.
        num_cells: how many.

    Returns:
        float (num_cells,), the mean density in each cell. It sums to 1 with the cells' size, less
        what lies outside.

    Raises:
        TypeError: the generator returns no floating-point tensor.
        ValueError: ``high`` is not above ``low``, or there is no cell; or the generator returns
            another shape.
    """
    if not low < high or num_cells < 1:
        raise ValueError(
            f"low, high, num_cells: expected low < high and a cell at least, "
            f"got {low}, {high}, {num_cells}"
        )
    num = 200 * num_cells
    probs = (torch.arange(num, dtype=torch.float64) + 0.5) / num
    z = torch.special.ndtri(probs).float()[:, None]
    x = generator(z)
    require(**{"generator(z)": (x, "N 1", "float")}, N=num)
    counts = torch.histc(x.flatten().double(), num_cells, low, high)
    return (counts / num * (num_cells / (high - low))).float()
