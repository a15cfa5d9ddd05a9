"""Exercise: RoI Align."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision import ops

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.detection.masks import crop_masks
from cvgen_course.detection.roi_align import roi_align

STRIDE = 8
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: from a single point to boxes over the edge, and the gradient."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)

    def regions(
        num_boxes: int = 3,
        shape: tuple[int, int, int, int] = (2, 3, 7, 9),
        place: tuple[float, float] = (0.1, 0.6),
        size: tuple[float, float] = (0.2, 0.4),
        bins: int = 2,
        stride: int = STRIDE,
        points: int | None = None,
        dtype: torch.dtype = torch.float32,
        gradient: bool = False,
    ) -> dict[str, Any]:
        """Draw features and boxes; ``place`` and ``size`` are shares of the image's sides."""
        N, C, H, W = shape
        image = stride * torch.tensor([W, H], dtype=torch.float64)
        corner = image * uniform(*place, num_boxes, 2)
        boxes = torch.cat([corner, corner + image * uniform(*size, num_boxes, 2)], dim=1)
        image_of = torch.arange(N - 1, N - 1 + num_boxes) % N  # the last image first
        inputs: dict[str, Any] = {
            "features": torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype),
            "boxes": boxes.to(dtype),
            "image_of": image_of,
            "output_size": bins,
            "options": {},
        }
        if stride > 1:
            inputs["options"]["spatial_scale"] = 1 / stride
        if points is not None:
            inputs["options"]["sampling_ratio"] = points
        if gradient:
            upstream = torch.randn(num_boxes, C, bins, bins, generator=rng, dtype=torch.float64)
            inputs["upstream"] = upstream.to(dtype)
        return inputs

    return [
        Case(
            "one box, one bin, one point",
            regions(num_boxes=1, shape=(1, 2, 5, 6), bins=1, points=1, stride=1),
            1,
            "sampling_ratio is 1: the point is the box's centre minus ½; interpolate between the "
            "four cells around it.",
        ),
        Case(
            "one box in 2 × 2 bins",
            regions(num_boxes=1, shape=(1, 2, 7, 5)),
            2,
            "The box times spatial_scale, minus ½. A bin's two points lie at a quarter and three "
            "quarters of it; rows of bins come first.",
        ),
        Case(
            "the gradient",
            regions(num_boxes=1, shape=(1, 2, 7, 5), dtype=torch.float64, gradient=True),
            3,
            "A network learns through RoI Align: no detach, no item, no numpy on the way.",
        ),
        Case(
            "three boxes in two images: result and gradient",
            regions(gradient=True),
            3,
            "Box r looks at the map of image image_of[r].",
        ),
        Case(
            "many bins",
            regions(num_boxes=2, bins=4),
            2,
            "p bins with s points each make p · s points in a direction, at equal distances.",
        ),
        Case(
            "three points in each direction: result and gradient",
            regions(points=3, gradient=True),
            2,
            "sampling_ratio points in each direction, at (k + 1/2) / sampling_ratio of a bin.",
        ),
        Case(
            "another stride, 4",
            regions(stride=4),
            1.5,
            "First times spatial_scale, then minus the half cell.",
        ),
        Case(
            "stride 1: an image as the map",
            regions(stride=1, shape=(3, 1, 12, 10)),
            1,
            "spatial_scale is 1 by default.",
        ),
        Case(
            "boxes smaller than a cell",
            regions(size=(0.03, 0.08)),
            1.5,
            "Nothing is rounded: a box of half a cell has bins, too.",
        ),
        Case(
            "boxes that end at the map's edge",
            regions(num_boxes=3, place=(-0.04, 0.04), size=(0.95, 1.02), bins=3),
            1.5,
            "A point up to one cell outside has the value of the edge: clamp it to [0, size − 1].",
        ),
        Case(
            "boxes over the map's edge: result and gradient",
            regions(num_boxes=4, place=(-0.6, -0.3), size=(1.2, 2.2), bins=2, gradient=True),
            4,
            "A point below −1, or above the map's height or width, counts as 0 in its bin's mean.",
        ),
        Case(
            "a map of a single row",
            regions(shape=(2, 2, 1, 6)),
            0.5,
            "The next cell may not exist: its index is at most size − 1.",
        ),
        Case(
            "float64",
            regions(dtype=torch.float64),
            1,
            "New here: float64; the result is as precise as the features.",
        ),
        Case(
            "no box", regions(num_boxes=0), 0.25, "Then the result is empty, of shape (0, C, p, p)."
        ),
        Case(
            "the gradient of boxes over the edge",
            regions(
                dtype=torch.float64, gradient=True, num_boxes=4, place=(-0.4, -0.1), size=(1.1, 1.6)
            ),
            3,
            "As above; several points read the same cell, so their gradients add up there.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the boxes' features and, where a case asks for it, the gradient of the map."""
    features = inputs["features"]
    if "upstream" in inputs:
        features.requires_grad_()
    given = {"features": features, "boxes": inputs["boxes"], "image_of": inputs["image_of"]}
    handed = {name: tensor.clone() for name, tensor in given.items()}
    pooled = implementation(*handed.values(), inputs["output_size"], **inputs["options"])
    pooled = as_tensor(pooled, "the result")
    require_unchanged(given, handed)
    answer = {"the result": pooled.detach()}
    if "upstream" in inputs:
        answer |= gradients("the result", pooled, inputs["upstream"], features=features)
    return answer


def _edges(boxes: Tensor, scale: float) -> Tensor:
    return boxes * scale - 0.5


def _steps(bins: int, points: int) -> Tensor:
    return (torch.arange(bins * points) + 0.5) / (bins * points)


def _mean(features: Tensor, edges: Tensor, image_of: Tensor, bins: int, s: int) -> Tensor:
    return _sample(features, edges, image_of, _steps(bins, s), s).mean(-1)


def _sample(features: Tensor, edges: Tensor, image_of: Tensor, steps: Tensor, s: int) -> Tensor:
    """Return the map's values at each bin's points, (R, C, p, p, s²)."""
    H, W = features.shape[2:]
    x, y = _coordinates(edges, steps)
    return _in_bins(_values(features, image_of, _tents(y, H), _tents(x, W)), s)


def _coordinates(edges: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
    start, length = edges[:, :2, None], (edges[:, 2:] - edges[:, :2])[:, :, None]
    return (start + length * steps.to(edges.dtype)).unbind(1)  # x and y, each (R, P)


def _tents(points: Tensor, size: int) -> Tensor:
    """Return how much each point takes of each cell in its direction, (R, P, size)."""
    inside = (points >= -1) & (points <= size)
    distance = (points.clamp(0, size - 1)[..., None] - torch.arange(size)).abs()
    return (1 - distance).clamp(min=0) * inside[..., None]


def _values(features: Tensor, image_of: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return torch.einsum("rpi,rcij,rqj->rcpq", rows, features[image_of], columns)


def _in_bins(values: Tensor, s: int) -> Tensor:
    values = values.unflatten(3, (-1, s)).unflatten(2, (-1, s))  # (R, C, p, s, p, s)
    return values.transpose(3, 4).flatten(4)


def _on_grid(
    features: Tensor,
    edges: Tensor,
    image_of: Tensor,
    bins: int,
    s: int,
    far: bool = False,
    x_first: bool = True,
    **options: Any,
) -> Tensor:
    """Return the result by `F.grid_sample`; points far outside have the value 0, or not."""
    H, W = features.shape[2:]
    x, y = _coordinates(edges, _steps(bins, s))
    near = _tents(y, H).sum(-1)[:, :, None] * _tents(x, W).sum(-1)[:, None]  # 1 or 0
    x, y = torch.broadcast_tensors(((2 * x + 1) / W)[:, None], ((2 * y + 1) / H)[:, :, None])
    grid = torch.stack([x, y] if x_first else [y, x], -1) - 1
    options = {"padding_mode": "border", "align_corners": False, **options}
    values = F.grid_sample(features[image_of], grid, **options)
    return F.avg_pool2d(values if far else values * near[:, None], s)


@mistakes.when("the half cell is missing: a cell's value belongs to its centre, so subtract 0.5.")
def _no_half_cell(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, boxes * spatial_scale, image_of, p, sampling_ratio)


@mistakes.when(
    "half a cell is subtracted before the scaling: first times spatial_scale, then minus ½."
)
def _half_before_scale(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, (boxes - 0.5) * spatial_scale, image_of, p, sampling_ratio)


@mistakes.when(
    "the scale is ignored: coordinates of the map are those of the image times spatial_scale."
)
def _scale_ignored(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, _edges(boxes, 1), image_of, p, sampling_ratio)


@mistakes.when("a box's edges are rounded to whole cells, which is what RoI Align does without.")
def _rounded(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, _edges(boxes, spatial_scale).round(), image_of, p, sampling_ratio)


@mistakes.when(
    "points begin at a bin's edge: the k-th is at (k + 1/2) / sampling_ratio of the bin."
)
def _corners(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(p, sampling_ratio) - _steps(p, sampling_ratio)[0]
    return _sample(f, _edges(boxes, spatial_scale), image_of, steps, sampling_ratio).mean(-1)


@mistakes.when("the points reach from end to end of the box: the first is half a step inside.")
def _from_end_to_end(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    steps = torch.linspace(0, 1, p * sampling_ratio, dtype=boxes.dtype)
    return _sample(f, _edges(boxes, spatial_scale), image_of, steps, sampling_ratio).mean(-1)


@mistakes.when("a bin takes the largest of its points: it takes their mean.")
def _maximum(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(p, sampling_ratio)
    return _sample(f, _edges(boxes, spatial_scale), image_of, steps, sampling_ratio).amax(-1)


@mistakes.when("a bin takes the sum of its points: it takes their mean.")
def _sum(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return sampling_ratio**2 * _mean(f, _edges(boxes, spatial_scale), image_of, p, sampling_ratio)


@mistakes.when("rows and columns of the bins are exchanged: y first, then x.")
def _transposed(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, _edges(boxes, spatial_scale), image_of, p, sampling_ratio).transpose(2, 3)


@mistakes.when("every box looks at the first image: box r belongs to image image_of[r].")
def _first_image(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, _edges(boxes, spatial_scale), 0 * image_of, p, sampling_ratio)


@mistakes.when("each bin has one point only: it has sampling_ratio of them in each direction.")
def _one_point(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    return _mean(f, _edges(boxes, spatial_scale), image_of, p, 1)


@mistakes.when("each point takes the nearest cell: interpolate between the four around it.")
def _nearest(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    x, y = _coordinates(_edges(boxes, spatial_scale), _steps(p, sampling_ratio))
    rows, columns = (
        _tents(at.clamp(0, size - 1).round(), size) * _tents(at, size).sum(-1, keepdim=True)
        for at, size in ((y, f.shape[2]), (x, f.shape[3]))
    )
    return _in_bins(_values(f, image_of, rows, columns), sampling_ratio).mean(-1)


@mistakes.when(
    "all points outside have the edge's value: those more than one cell outside have the value 0."
)
def _edge_goes_on(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    edges = _edges(boxes, spatial_scale)
    return _on_grid(f, edges, image_of, p, sampling_ratio, far=True)


@mistakes.when(
    "the map is padded with zeros: a point up to one cell outside has the edge's value "
    "(padding_mode='border')."
)
def _zeros_around(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    edges = _edges(boxes, spatial_scale)
    return _on_grid(f, edges, image_of, p, sampling_ratio, padding_mode="zeros")


@mistakes.when(
    "points outside of the outermost cells' centres have the value 0: up to one cell outside, "
    "they have the edge's value."
)
def _zero_outside(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    x, y = _coordinates(_edges(boxes, spatial_scale), _steps(p, sampling_ratio))
    rows, columns = (
        _tents(at, size) * ((at >= 0) & (at <= size - 1))[..., None]
        for at, size in ((y, f.shape[2]), (x, f.shape[3]))
    )
    return _in_bins(_values(f, image_of, rows, columns), sampling_ratio).mean(-1)


@mistakes.when(
    "x and y are exchanged: a map is indexed by (y, x), but the grid of F.grid_sample holds (x, y)."
)
def _y_first_in_the_grid(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    edges = _edges(boxes, spatial_scale)
    return _on_grid(f, edges, image_of, p, sampling_ratio, x_first=False)


@mistakes.when(
    "the grid is made for align_corners=False, but F.grid_sample gets True: -1 and 1 are then "
    "the centres of the outermost cells."
)
def _corners_aligned(f, boxes, image_of, p, spatial_scale=1.0, sampling_ratio=2):
    edges = _edges(boxes, spatial_scale)
    return _on_grid(f, edges, image_of, p, sampling_ratio, align_corners=True)


EXERCISE = Exercise(
    name="roi_align",
    title="RoI Align",
    points=3,
    reference=roi_align,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(ops.roi_align, ops.RoIAlign, "torchvision::roi_align", crop_masks),
    read="RoI Align: cutting out without rounding",
)
