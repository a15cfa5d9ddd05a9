"""RoI Align: features inside a box, sampled between the cells instead of rounded to them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def roi_align(
    features: Tensor,
    boxes: Tensor,
    image_of: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
) -> Tensor:
    """Return each box's features on a grid of bins, every bin the mean of bilinear samples.

    A box is cut into ph × pw equal bins, and nothing is rounded. Each bin has sampling_ratio²
    points, evenly spaced. The map's value at a point is interpolated between the four cells around
    it. Beyond the map's edge, the value at the edge goes on; farther out, past -1 or past the map's
    height or width, it is 0.

    Args:
        features: float (N, C, H, W).
        boxes: float (R, 4), xyxy, in pixels of the image.
        image_of: the image that each box belongs to, int64 (R,), in [0, N).
        output_size: ph and pw, or one number for both.
        spatial_scale: cells of the map per pixel of the image, e.g. 1/16.
        sampling_ratio: points of a bin in each direction, at least 1.
        aligned: a cell's value belongs to its centre, so cell 0 is at 0.5 · stride in the image.
            False: to its corner, as the first implementations had it (half a cell off); the box is
            then at least one cell wide and high.

    Returns:
        (R, C, ph, pw), in the dtype of ``features``, computed in float32 at least. Differentiable
        with respect to ``features``.

    Raises:
        TypeError: ``features`` or ``boxes`` is no floating-point tensor, ``image_of`` no int64 one.
        ValueError: the shapes do not belong together, an image does not exist, or a size is < 1.

    Source:
        He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870, section 3 ("RoIAlign").

    Note:
        The paper leaves the map's edges and the half cell open; here they are as in Detectron2 and
        torchvision. Boxes get no gradient, as there.
    """
    ph, pw = require_regions(features, boxes, image_of, output_size)
    if sampling_ratio < 1:
        raise ValueError(f"sampling_ratio: expected at least 1, got {sampling_ratio}")
    N, C, H, W = features.shape
    table = at_least_float32(features).movedim(1, -1).reshape(N * H * W, C)  # a row for each cell
    edges = boxes.detach().to(table.dtype) * spatial_scale - (0.5 if aligned else 0.0)
    left, top, right, bottom = edges.unbind(dim=1)
    rows, row_weights = _cells_and_weights(top, bottom, ph, sampling_ratio, H, aligned)
    columns, column_weights = _cells_and_weights(left, right, pw, sampling_ratio, W, aligned)

    # A bin's value is a weighted sum of cells: each of its rows with each of its columns.
    first = image_of[:, None, None, None, None] * (H * W)
    cells = first + rows[:, :, None, :, None] * W + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    cells, weights = (each.flatten(3).flatten(0, 2) for each in (cells, weights))  # (R·ph·pw, 4s²)
    bins = _WeightedSums.apply(table, cells, weights).to(features.dtype)
    return bins.reshape(len(boxes), ph, pw, C).movedim(-1, 1)


def _cells_and_weights(
    start: Tensor, end: Tensor, num_bins: int, num_samples: int, size: int, aligned: bool
) -> tuple[Tensor, Tensor]:
    """Return which cells of one direction each bin reads, and with what weights.

    Args:
        start: of each box, in cells, (R,).
        end: likewise.
        num_bins: in this direction.
        num_samples: points of a bin in this direction.
        size: of the map in this direction.
        aligned: False: a box is at least one cell long.

    Returns:
        Both (R, num_bins, 2 · num_samples): each point's two cells, and their weights, which sum to
        1 for a bin inside the map.
    """
    length = end - start if aligned else (end - start).clamp(min=1)
    num_points = num_bins * num_samples
    steps = (torch.arange(num_points, dtype=start.dtype, device=start.device) + 0.5) / num_points
    points = start[:, None] + length[:, None] * steps  # (R, num_points)
    inside = (points >= -1) & (points <= size)

    points = points.clamp(0, size - 1)
    below = points.floor()
    upper_share = points - below
    low = below.long()
    high = (low + 1).clamp(max=size - 1)
    cells = torch.stack([low, high], dim=-1)
    weights = torch.stack([1 - upper_share, upper_share], dim=-1) * inside[..., None] / num_samples
    shape = (len(start), num_bins, 2 * num_samples)
    return cells.reshape(shape), weights.reshape(shape)


class _WeightedSums(torch.autograd.Function):
    """Sums of a table's rows, each with a weight: a large sparse matrix times the table.

    ``embedding_bag`` has the fastest forward pass for that. Its own backward pass sorts all the
    indices first; the product with the transposed matrix takes half the time.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
        """Return (B, C) from the table (T, C), and its rows and their weights, both (B, K)."""
        ctx.save_for_backward(rows, weights)
        ctx.num_rows = len(table)
        return F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient with respect to the table, (T, C)."""
        rows, weights = ctx.saved_tensors
        B, K = rows.shape
        sums = torch.arange(B, device=rows.device).repeat_interleave(K)
        places = torch.stack([rows.flatten(), sums])
        transposed = torch.sparse_coo_tensor(
            places, weights.flatten(), (ctx.num_rows, B), check_invariants=False
        )  # (T, B); the forward pass has checked the rows
        return torch.sparse.mm(transposed, gradient), None, None


def require_regions(
    features: Tensor, boxes: Tensor, image_of: Tensor, output_size: int | tuple[int, int]
) -> tuple[int, int]:
    """Check the arguments that RoI Align and RoI pooling share; return (ph, pw)."""
    require(
        features=(features, "N C H W", "float"),
        boxes=(boxes, "R 4", "float"),
        image_of=(image_of, "R", "int64"),
    )
    if boxes.is_cpu and not boxes.isfinite().all():  # a look would make a GPU wait
        raise ValueError("boxes: expected finite numbers, got NaN or infinity; is training stable?")
    require_range("image_of", image_of, 0, len(features))
    ph, pw = (output_size, output_size) if isinstance(output_size, int) else output_size
    if ph < 1 or pw < 1:
        raise ValueError(f"output_size: expected at least 1, got {output_size}")
    return ph, pw
