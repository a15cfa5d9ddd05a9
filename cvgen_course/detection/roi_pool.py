"""RoI pooling: the largest feature in each part of a box that was rounded to whole cells."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.detection.roi_align import require_regions
from cvgen_course.precision import at_least_float32


def roi_pool(
    features: Tensor,
    boxes: Tensor,
    image_of: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
) -> Tensor:
    """Return each box's features on a grid of bins, every bin the maximum of its cells.

    A box is rounded to whole cells, its last one included, and is at least one cell wide and high.
    It is cut into ph × pw bins, whose edges are rounded outwards: neighbours may share cells. Two
    roundings, each of up to half a cell or more: what RoI Align does without.

    Args:
        features: float (N, C, H, W).
        boxes: float (R, 4), xyxy, in pixels of the image.
        image_of: the image that each box belongs to, int64 (R,), in [0, N).
        output_size: ph and pw, or one number for both.
        spatial_scale: cells of the map per pixel of the image, e.g. 1/16.

    Returns:
        (R, C, ph, pw), in the dtype of ``features``; 0 in bins that lie outside the map.

    Raises:
        TypeError: ``features`` or ``boxes`` is no floating-point tensor, ``image_of`` no int64 one.
        ValueError: the shapes do not belong together, an image does not exist, or a size is < 1.

    Source:
        Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083, section 2.1.
    """
    ph, pw = require_regions(features, boxes, image_of, output_size)
    N, C, H, W = features.shape
    R = len(boxes)
    edges = at_least_float32(boxes.detach()) * spatial_scale
    left, top, right, bottom = _round_half_away(edges).unbind(dim=1)
    first_row, num_rows = (each[:, :, None] for each in _bins(top, bottom, ph, H))
    first_column, num_columns = (each[:, None, :] for each in _bins(left, right, pw, W))

    # One bag of cells for each bin; cell k of a bag is in its row k // num_columns.
    count = (num_rows * num_columns).flatten()  # (R·ph·pw,)
    bag = torch.arange(R * ph * pw, device=boxes.device).repeat_interleave(count)
    offsets = count.cumsum(0) - count
    k = torch.arange(len(bag), device=boxes.device) - offsets[bag]

    def of_each_cell(values: Tensor) -> Tensor:
        return values.expand(R, ph, pw).flatten()[bag]

    width = of_each_cell(num_columns)
    row = of_each_cell(first_row) + k // width
    column = of_each_cell(first_column) + k % width
    cells = (of_each_cell(image_of[:, None, None]) * H + row) * W + column
    table = features.movedim(1, -1).reshape(N * H * W, C)
    bins = F.embedding_bag(cells, table, offsets, mode="max")  # (R·ph·pw, C); empty bags give 0
    return bins.reshape(R, ph, pw, C).movedim(-1, 1)


def _bins(start: Tensor, end: Tensor, num_bins: int, size: int) -> tuple[Tensor, Tensor]:
    """Return the first cell of each bin in one direction and how many there are, (R, num_bins)."""
    length = (end - start + 1).clamp(min=1)[:, None]  # (R, 1)
    edge = torch.arange(num_bins + 1, dtype=start.dtype, device=start.device)
    # Multiplied first: seven sevenths of 29 are 29, and not a bit more, which would be rounded up.
    edge = edge * length / num_bins  # (R, num_bins + 1)
    first = (start[:, None] + edge[:, :-1].floor()).clamp(0, size)
    last = (start[:, None] + edge[:, 1:].ceil()).clamp(0, size)
    return first.long(), (last - first).long()


def _round_half_away(values: Tensor) -> Tensor:
    """Round to the nearest whole number, halves away from 0 (``Tensor.round`` takes even ones)."""
    return values.sign() * (values.abs() + 0.5).floor()
