"""Feature maps as rows, one for each place, and back."""

from __future__ import annotations

from torch import Tensor

from cvgen_course.require import require


def to_rows(maps: Tensor) -> Tensor:
    """Make a row of each place of feature maps; its entries are the place's channels.

    Args:
        maps: (N, D, H, W).

    Returns:
        (N · H · W, D), the dtype as it was: image after image, in each row after row of the map.

    Raises:
        TypeError: ``maps`` is no tensor.
        ValueError: it has another shape.
    """
    require(maps=(maps, "N D H W"))
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])  # (N, H, W, D) → (N · H · W, D)


def from_rows(rows: Tensor, height: int, width: int) -> Tensor:
    """Put rows back where `to_rows` has taken them from.

    Args:
        rows: (N · H · W, D).
        height: H of the maps.
        width: W of the maps.

    Returns:
        (N, D, H, W), the dtype as it was.

    Raises:
        TypeError: ``rows`` is no tensor.
        ValueError: it has another shape, or its rows fill no whole number of maps.
    """
    require(rows=(rows, "M D"))
    if height < 1 or width < 1 or len(rows) % (height * width):
        raise ValueError(
            f"rows: expected a multiple of height · width = {height} · {width} rows, "
            f"got {len(rows)}"
        )
    return rows.reshape(-1, height, width, rows.shape[1]).permute(0, 3, 1, 2)  # (N, D, H, W)
