"""Exercise: RoI Align."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision import ops

from cvgen_course.checks import Case, Exercise, Mistake, as_tensor
from cvgen_course.detection.masks import crop_masks
from cvgen_course.detection.roi_align import roi_align
from cvgen_course.segmentation.exercises.gradients import gradients, require_unchanged

STRIDE = 8


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: from a single point to boxes over the edge, and the gradient."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)

    def case(
        title: str,
        weight: float,
        hint: str,
        *,
        num_boxes: int = 3,
        shape: tuple[int, int, int, int] = (2, 3, 7, 9),
        place: tuple[float, float] = (0.1, 0.6),
        size: tuple[float, float] = (0.2, 0.4),
        bins: int = 2,
        stride: int = STRIDE,
        points: int | None = None,
        dtype: torch.dtype = torch.float32,
        gradient: bool = False,
    ) -> Case:
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
        return Case(title, inputs, weight, hint)

    return [
        case(
            "one box, one bin, one point",
            1,
            "The point is the box's centre; interpolate between the four cells around it.",
            num_boxes=1,
            shape=(1, 2, 5, 6),
            bins=1,
            points=1,
        ),
        case(
            "one box in 2 × 2 bins",
            2,
            "With two points, a bin's lie at a quarter and three quarters of its sides.",
            num_boxes=1,
            shape=(1, 2, 7, 5),
        ),
        case(
            "three boxes in two images",
            3,
            "Box r looks at the map of image image_of[r].",
        ),
        case(
            "many bins",
            2,
            "p bins with s points each make p · s points in a direction, at equal distances.",
            num_boxes=2,
            bins=4,
        ),
        case(
            "three points in each direction",
            2,
            "sampling_ratio points in each direction, at (k + 1/2) / sampling_ratio of a bin.",
            points=3,
        ),
        case(
            "another stride, 4",
            1.5,
            "First times spatial_scale, then minus the half cell.",
            stride=4,
        ),
        case(
            "stride 1: an image as the map",
            1,
            "spatial_scale is 1 by default.",
            stride=1,
            shape=(3, 1, 12, 10),
        ),
        case(
            "boxes smaller than a cell",
            1.5,
            "Nothing is rounded: a box of half a cell has bins, too.",
            size=(0.03, 0.08),
        ),
        case(
            "boxes that end at the map's edge",
            1.5,
            "A point up to one cell outside has the value of the edge: clamp it to [0, size − 1].",
            num_boxes=3,
            place=(-0.04, 0.04),
            size=(0.95, 1.02),
            bins=3,
        ),
        case(
            "boxes over the map's edge",
            2.5,
            "A point below −1, or above the map's height or width, counts as 0 in its bin's mean.",
            num_boxes=4,
            place=(-0.6, -0.3),
            size=(1.2, 2.2),
            bins=2,
        ),
        case(
            "a map of a single row",
            0.5,
            "The next cell may not exist: its index is at most size − 1.",
            shape=(2, 2, 1, 6),
        ),
        case(
            "float64",
            1,
            "New here: float64; the result is as precise as the features.",
            dtype=torch.float64,
        ),
        case(
            "no box",
            0.25,
            "Then the result is empty, of shape (0, C, p, p).",
            num_boxes=0,
        ),
        case(
            "the gradient",
            2,
            "A network learns through RoI Align: no detach, no item, no numpy on the way.",
            dtype=torch.float64,
            gradient=True,
        ),
        case(
            "the gradient of boxes over the edge",
            1.5,
            "Several points read the same cell, so their gradients add up there.",
            dtype=torch.float64,
            gradient=True,
            num_boxes=4,
            place=(-0.4, -0.1),
            size=(1.1, 1.6),
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


def _sample(features: Tensor, edges: Tensor, image_of: Tensor, steps: Tensor) -> Tensor:
    """Return the map's values on each box's grid of points, (R, C, P, P)."""
    H, W = features.shape[2:]
    start, length = edges[:, :2], edges[:, 2:] - edges[:, :2]
    points = start[:, :, None] + length[:, :, None] * steps.to(edges.dtype)  # (R, 2, P)
    return _values(features, image_of, _tents(points[:, 1], H), _tents(points[:, 0], W))


def _tents(points: Tensor, size: int) -> Tensor:
    """Return how much each point takes of each cell in its direction, (R, P, size)."""
    inside = (points >= -1) & (points <= size)
    distance = (points.clamp(0, size - 1)[..., None] - torch.arange(size)).abs()
    return (1 - distance).clamp(min=0) * inside[..., None]


def _values(features: Tensor, image_of: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return torch.einsum("rpi,rcij,rqj->rcpq", rows, features[image_of], columns)


def _bins(values: Tensor, points: int) -> Tensor:
    """Return each bin's points, (R, C, p, p, s²)."""
    values = values.unflatten(3, (-1, points)).unflatten(2, (-1, points))  # (R, C, p, s, p, s)
    return values.transpose(3, 4).flatten(4)


def _no_half_cell(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(output_size, sampling_ratio)
    values = _sample(f, boxes * spatial_scale, image_of, steps)
    return _bins(values, sampling_ratio).mean(-1)


def _rounded(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(output_size, sampling_ratio)
    values = _sample(f, (boxes * spatial_scale).round() - 0.5, image_of, steps)
    return _bins(values, sampling_ratio).mean(-1)


def _corners(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(output_size, sampling_ratio)
    values = _sample(f, _edges(boxes, spatial_scale), image_of, steps - steps[0])
    return _bins(values, sampling_ratio).mean(-1)


def _maximum(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(output_size, sampling_ratio)
    values = _sample(f, _edges(boxes, spatial_scale), image_of, steps)
    return _bins(values, sampling_ratio).amax(-1)


def _transposed(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(output_size, sampling_ratio)
    values = _sample(f, _edges(boxes, spatial_scale), image_of, steps)
    return _bins(values, sampling_ratio).mean(-1).transpose(2, 3)


def _first_image(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    steps = _steps(output_size, sampling_ratio)
    values = _sample(f, _edges(boxes, spatial_scale), 0 * image_of, steps)
    return _bins(values, sampling_ratio).mean(-1)


def _one_point(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    return _sample(f, _edges(boxes, spatial_scale), image_of, _steps(output_size, 1))


def _nearest(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    edges, steps = _edges(boxes, spatial_scale), _steps(output_size, sampling_ratio)
    H, W = f.shape[2:]
    start, length = edges[:, :2], edges[:, 2:] - edges[:, :2]
    points = start[:, :, None] + length[:, :, None] * steps.to(edges.dtype)
    rows, columns = (
        _tents(points[:, i].clamp(0, size - 1).round(), size)
        * _tents(points[:, i], size).sum(-1, keepdim=True)
        for i, size in ((1, H), (0, W))
    )
    return _bins(_values(f, image_of, rows, columns), sampling_ratio).mean(-1)


EXERCISE = Exercise(
    name="roi_align",
    title="RoI Align",
    points=3,
    reference=roi_align,
    cases=cases,
    probe=probe,
    mistakes=(
        Mistake(
            "no_half_cell",
            _no_half_cell,
            "the half cell is missing: a cell's value belongs to its centre, so subtract 0.5.",
        ),
        Mistake(
            "rounded",
            _rounded,
            "boxes are rounded to whole cells, which is what RoI Align does without.",
        ),
        Mistake(
            "corners",
            _corners,
            "points begin at a bin's edge: the k-th is at (k + 1/2) / sampling_ratio of the bin.",
        ),
        Mistake(
            "maximum",
            _maximum,
            "a bin takes the largest of its points: it takes their mean.",
        ),
        Mistake(
            "transposed",
            _transposed,
            "rows and columns of the bins are exchanged: y first, then x.",
        ),
        Mistake(
            "first_image",
            _first_image,
            "every box looks at the first image: box r belongs to image image_of[r].",
        ),
        Mistake(
            "one_point",
            _one_point,
            "each bin has one point only: it has sampling_ratio of them in each direction.",
        ),
        Mistake(
            "nearest",
            _nearest,
            "each point takes the nearest cell: interpolate between the four around it.",
        ),
    ),
    forbidden=(ops.roi_align, ops.RoIAlign, "torchvision::roi_align", crop_masks),
    read="RoI Align: cutting out without rounding",
)
