import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchvision import ops

from cvgen_course.detection.exercises.roi_align import EXERCISE


def value_at(plane, y, x):
    """Return all channels' values, (C,), at one point of a map (C, H, W)."""
    _, H, W = plane.shape
    if y < -1 or y > H or x < -1 or x > W:
        return torch.zeros_like(plane[:, 0, 0])
    y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
    i, j = math.floor(y), math.floor(x)
    v, u = y - i, x - j
    below, right = min(i + 1, H - 1), min(j + 1, W - 1)
    top = (1 - u) * plane[:, i, j] + u * plane[:, i, right]
    bottom = (1 - u) * plane[:, below, j] + u * plane[:, below, right]
    return (1 - v) * top + v * bottom


def loops(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    p, s = output_size, sampling_ratio
    out = features.new_zeros(len(boxes), features.shape[1], p, p)
    for r, box in enumerate(boxes.tolist()):
        x1, y1, x2, y2 = (spatial_scale * each - 0.5 for each in box)
        w, h = (x2 - x1) / p, (y2 - y1) / p
        for i in range(p):
            for j in range(p):
                total = 0
                for a in range(s):
                    for b in range(s):
                        y, x = y1 + (i + (a + 0.5) / s) * h, x1 + (j + (b + 0.5) / s) * w
                        total = total + value_at(features[image_of[r]], y, x)
                out[r, :, i, j] = total / s**2
    return out


def points(boxes, bins, scale, ratio):
    """Return the coordinates x and y of the points of each box, both (R, P)."""
    n = bins * ratio
    steps = torch.arange(0.5, n) / n
    edges = boxes * scale - 0.5
    start, size = edges[:, :2, None], (edges[:, 2:] - edges[:, :2])[..., None]
    return (start + size * steps.to(boxes.dtype)).unbind(1)


def four_look_ups(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    H, W = features.shape[2:]
    x, y = points(boxes, output_size, spatial_scale, sampling_ratio)
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    x, y = x.clamp(0, W - 1), y.clamp(0, H - 1)
    left, top = x.floor().long(), y.floor().long()
    right, bottom = (left + 1).clamp(max=W - 1), (top + 1).clamp(max=H - 1)
    u, v = (x - left)[:, None, None, :], (y - top)[:, None, :, None]

    def at(rows, columns):
        found = features[image_of[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        return found.movedim(-1, 1)

    upper = (1 - u) * at(top, left) + u * at(top, right)
    lower = (1 - u) * at(bottom, left) + u * at(bottom, right)
    return F.avg_pool2d(((1 - v) * upper + v * lower) * inside[:, None], sampling_ratio)


def grid_sample(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    H, W = features.shape[2:]
    x, y = points(boxes, output_size, spatial_scale, sampling_ratio)
    n = x.shape[1]
    x, y = x[:, None, :].expand(-1, n, n), y[:, :, None].expand(-1, n, n)
    grid = torch.stack([(2 * x + 1) / W - 1, (2 * y + 1) / H - 1], dim=-1)
    if len(boxes) == 0:
        return features.new_zeros(0, features.shape[1], output_size, output_size)
    values = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    values = values * ((y >= -1) & (y <= H) & (x >= -1) & (x <= W))[:, None]
    shape = (len(boxes), -1, output_size, sampling_ratio, output_size, sampling_ratio)
    return values.reshape(shape).mean(dim=(3, 5))


def tents(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    pooled = []
    for box, image in zip(boxes, image_of, strict=True):
        x, y = points(box[None], output_size, spatial_scale, sampling_ratio)
        weights = []
        for at, size in ((y[0], features.shape[2]), (x[0], features.shape[3])):
            cells = torch.arange(size).to(at.dtype)
            weight = (1 - (at.clamp(0, size - 1)[:, None] - cells).abs()).relu()
            weight[(at < -1) | (at > size)] = 0
            weights.append(weight.reshape(output_size, sampling_ratio, size).mean(1))
        pooled.append(weights[0] @ features[image] @ weights[1].T)
    p = output_size
    return torch.stack(pooled) if pooled else features.new_zeros(0, features.shape[1], p, p)


def stays_in_float64(features, boxes, *args, **kwargs):
    return four_look_ups(features.double(), boxes.double(), *args, **kwargs)


def in_another_layout(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    pooled = four_look_ups(features, boxes, image_of, output_size, spatial_scale, sampling_ratio)
    return pooled.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def scale_forgotten(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    return four_look_ups(features, boxes, image_of, output_size, 1.0, sampling_ratio)


def half_a_pixel(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    boxes = boxes - 0.5 + 0.5 / spatial_scale
    return four_look_ups(features, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def the_edge_goes_on(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    H, W = f.shape[2:]
    far = F.pad(f, (99, 99, 99, 99), mode="replicate")
    boxes = boxes + 99 / spatial_scale
    assert far.shape[2:] == (H + 198, W + 198)
    return four_look_ups(far, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def zero_beyond_the_edge(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    far = F.pad(f, (99, 99, 99, 99))
    boxes = boxes + 99 / spatial_scale
    return four_look_ups(far, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def mean_of_points_inside(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    args = (boxes, image_of, output_size, spatial_scale, sampling_ratio)
    return four_look_ups(f, *args) / four_look_ups(torch.ones_like(f), *args).clamp(min=1e-6)


def one_cell_at_least(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    size = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1 / spatial_scale)
    boxes = torch.cat([boxes[:, :2], boxes[:, :2] + size], dim=1)
    return four_look_ups(f, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def clipped_boxes(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    H, W = f.shape[2:]
    limit = torch.tensor([W, H, W, H]) / spatial_scale
    boxes = boxes.clamp(min=0).minimum(limit.to(boxes.dtype))
    return four_look_ups(f, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def sum_of_points(*args, **kwargs):
    return args[3] * four_look_ups(*args, **kwargs)


def channels_last(*args, **kwargs):
    return four_look_ups(*args, **kwargs).movedim(1, -1)


def detached(*args, **kwargs):
    return four_look_ups(*args, **kwargs).detach()


def in_float32(features, boxes, *args, **kwargs):
    pooled = four_look_ups(features.float(), boxes.float(), *args, **kwargs)
    return pooled.to(features.dtype)


def default_of_one_point(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=1):
    return four_look_ups(f, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def two_points_always(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    return four_look_ups(f, boxes, image_of, output_size, spatial_scale, 2)


def default_of_stride_16(f, boxes, image_of, output_size, spatial_scale=1 / 16, sampling_ratio=2):
    return four_look_ups(f, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def x_is_the_row(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    boxes = boxes[:, [1, 0, 3, 2]]
    return four_look_ups(f, boxes, image_of, output_size, spatial_scale, sampling_ratio)


def cells_without_a_limit(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    x, y = points(boxes, output_size, spatial_scale, sampling_ratio)
    left, top = x.floor().long(), y.floor().long()
    u, v = (x - left)[:, None, None, :], (y - top)[:, None, :, None]

    def at(rows, columns):
        found = f[image_of[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        return found.movedim(-1, 1)

    upper = (1 - u) * at(top, left) + u * at(top, left + 1)
    lower = (1 - u) * at(top + 1, left) + u * at(top + 1, left + 1)
    return F.avg_pool2d((1 - v) * upper + v * lower, sampling_ratio)


def corners_of_the_bins(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    with_ends = torch.linspace(0, 1, output_size * sampling_ratio)
    H, W = f.shape[2:]
    edges = boxes * spatial_scale - 0.5
    x, y = (
        edges[:, i, None] + (edges[:, i + 2] - edges[:, i])[:, None] * with_ends for i in (0, 1)
    )
    rows, columns = (
        (1 - (at.clamp(0, size - 1)[..., None] - torch.arange(size)).abs()).relu()
        for at, size in ((y, H), (x, W))
    )
    values = torch.einsum("rpi,rcij,rqj->rcpq", rows, f[image_of].to(rows.dtype), columns)
    return F.avg_pool2d(values, sampling_ratio)


def scaled_in_place(f, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    boxes *= spatial_scale
    return four_look_ups(f, boxes, image_of, output_size, 1.0, sampling_ratio)


def one_box_at_least(*args, **kwargs):
    return torch.cat(
        [
            four_look_ups(*args[:1], box[None], image[None], *args[3:], **kwargs)
            for box, image in zip(args[1], args[2], strict=True)
        ]
    )


RIGHT = [
    *(loops, four_look_ups, grid_sample, tents, stays_in_float64, in_another_layout),
]
WRONG = [
    *(scale_forgotten, half_a_pixel, the_edge_goes_on, zero_beyond_the_edge),
    *(mean_of_points_inside, one_cell_at_least, clipped_boxes, sum_of_points, channels_last),
    *(detached, in_float32, default_of_one_point, two_points_always, default_of_stride_16),
    *(x_is_the_row, cells_without_a_limit, corners_of_the_bins, scaled_in_place),
    one_box_at_least,
]
NOT_ASKED = "boxes of cells that hang on their corners (aligned=False) are not asked for"
ONE_DTYPE = "boxes and features come in the same dtype"
BY_A_HAIR = "no point lies there exactly: rounding would decide"
CPU = "everything is on the CPU"
EQUIVALENT = {
    "roi_align: boxes.detach().to(table.dtype) -> boxes.detach().to()": ONE_DTYPE,
    "roi_align: _WeightedSums.apply(table, cells, weights).to(features.dtype) -> "
    "_WeightedSums.apply(table, cells, weights).to()": ONE_DTYPE,
    "roi_align: 0.0 -> 1.0": NOT_ASKED,
    "roi_align: bins.reshape(len(boxes), ph, pw, C) -> bins.reshape(len(boxes), pw, ph, C)": (
        "the two are the same"
    ),
    "_cells_and_weights: (end - start).clamp(min=1) -> (end - start).clamp()": NOT_ASKED,
    "_cells_and_weights: end - start -> end + start": NOT_ASKED,
    "_cells_and_weights: end - start -> start - end": NOT_ASKED,
    "_cells_and_weights: 1 -> 2": NOT_ASKED,
    "_cells_and_weights: 1 -> 0": NOT_ASKED,
    "_cells_and_weights: torch.arange(num_points, dtype=start.dtype, device=start.device) -> "
    "torch.arange(num_points, device=start.device)": (
        "with float64, there are 4 points in a direction: float32 holds quarters exactly"
    ),
    "_cells_and_weights: torch.arange(num_points, dtype=start.dtype, device=start.device) -> "
    "torch.arange(num_points, dtype=start.dtype)": CPU,
    "_cells_and_weights: points >= -1 -> points > -1": BY_A_HAIR,
    "_cells_and_weights: points <= size -> points < size": BY_A_HAIR,
}


@pytest.mark.parametrize("answer", RIGHT)
def test_roi_align_right_answer_gets_full_points(answer):
    seeds = SEEDS[:1] if answer is loops else SEEDS  # that one takes its time
    assert_full_points(EXERCISE, answer, seeds)


@pytest.mark.parametrize("answer", WRONG)
def test_roi_align_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def torchvisions(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    boxes = torch.cat([image_of[:, None].to(boxes.dtype), boxes], dim=1)
    return ops.roi_align(features, boxes, output_size, spatial_scale, sampling_ratio, True)


def test_roi_align_must_not_come_from_torchvision():
    assert graded(EXERCISE, torchvisions).points == 0.0


def test_roi_align_asks_for_what_torchvision_returns():
    assert_full_points(replace(EXERCISE, forbidden=()), torchvisions)


def test_roi_align_mutants_lose_points():
    helpers = ("_cells_and_weights",)
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers, SEEDS[1:2])
