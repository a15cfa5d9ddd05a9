import math

import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchvision.models.detection._utils import BoxCoder

from cvgen_course.detection.exercises.decode_boxes import EXERCISE

ONES = (1.0, 1.0, 1.0, 1.0)
LARGEST = math.log(1000 / 16)


def loops(deltas, anchors, weights=ONES, largest=LARGEST):
    rows = []
    for row, (x1, y1, x2, y2) in zip(deltas.tolist(), anchors.tolist(), strict=True):
        dx, dy, dw, dh = (d / w for d, w in zip(row, weights, strict=True))
        x, y = (x1 + x2) / 2 + dx * (x2 - x1), (y1 + y2) / 2 + dy * (y2 - y1)
        w = (x2 - x1) * math.exp(min(dw, largest))
        h = (y2 - y1) * math.exp(min(dh, largest))
        rows.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(rows, dtype=deltas.dtype)


def columns(deltas, anchors, weights=ONES):
    w_a, h_a = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    x = anchors[:, 0] + 0.5 * w_a + deltas[:, 0] / weights[0] * w_a
    y = anchors[:, 1] + 0.5 * h_a + deltas[:, 1] / weights[1] * h_a
    limit = math.log(1000.0 / 16)
    w = torch.exp(torch.clamp(deltas[:, 2] / weights[2], max=limit)) * w_a
    h = torch.exp(torch.clamp(deltas[:, 3] / weights[3], max=limit)) * h_a
    boxes = torch.zeros_like(anchors)
    boxes[:, 0], boxes[:, 2] = x - 0.5 * w, x + 0.5 * w
    boxes[:, 1], boxes[:, 3] = y - 0.5 * h, y + 0.5 * h
    return boxes


def limited_after_exp(deltas, anchors, weights=ONES):
    """exp may overflow to infinity: as a number, it is larger than the limit."""
    deltas = deltas / torch.tensor(weights)
    centre, size = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    centre = centre + deltas[:, :2] * size
    half = size * deltas[:, 2:].exp().clamp(max=62.5) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def limit_of_the_weighted(deltas, anchors, weights=ONES):
    limit = torch.tensor([math.inf, math.inf, *[math.log(62.5) * w for w in weights[2:]]])
    deltas = deltas.minimum(limit) / torch.tensor(weights)
    x, y, w, h = deltas.T
    x1, y1, x2, y2 = anchors.T
    middle_x, middle_y = torch.lerp(x1, x2, 0.5 + x), torch.lerp(y1, y2, 0.5 + y)
    half_w, half_h = w.exp() * (x2 - x1) / 2, h.exp() * (y2 - y1) / 2
    return torch.stack(
        [middle_x - half_w, middle_y - half_h, middle_x + half_w, middle_y + half_h]
    ).T


def numpy_in_float64(deltas, anchors, weights=ONES):
    d, a = deltas.double().numpy() / weights, anchors.double().numpy().reshape(-1, 2, 2)
    size = np.diff(a, axis=1)[:, 0]
    centre = a.mean(1) + d[:, :2] * size
    half = size * np.exp(np.minimum(d[:, 2:], np.log(62.5))) / 2
    return torch.from_numpy(np.hstack([centre - half, centre + half]))


def changes_its_argument(deltas, anchors, weights=ONES):
    boxes = loops(deltas, anchors, weights)
    deltas.clamp_(max=4)
    return boxes


def limited_below(deltas, anchors, weights=ONES):
    least = -math.log(62.5) * torch.tensor([math.inf, math.inf, *weights[2:]])
    return loops(torch.maximum(deltas, least), anchors, weights)


def shift_limited(deltas, anchors, weights=ONES):
    return loops(deltas.clamp(-0.5, 99), anchors, weights)


def limit_of_four(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights, largest=4.0)


def limit_of_1000(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights, largest=math.log(1000))


def limit_is_62(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights, largest=62.5)


def only_the_width_limited(deltas, anchors, weights=ONES):
    limited, free = loops(deltas, anchors, weights), loops(deltas, anchors, weights, largest=30.0)
    return torch.stack([limited[:, 0], free[:, 1], limited[:, 2], free[:, 3]], 1)


def linear_size(deltas, anchors, weights=ONES):
    scale = (1 + deltas[:, 2:] / torch.tensor(weights[2:])).clamp(min=1e-6).log()
    return loops(torch.cat([deltas[:, :2], scale * torch.tensor(weights[2:])], 1), anchors, weights)


def whole_size(deltas, anchors, weights=ONES):
    boxes = loops(deltas, anchors, weights)
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    return torch.cat([boxes[:, :2] - half, boxes[:, 2:] + half], 1)


def corner_and_size(deltas, anchors, weights=ONES):
    boxes = loops(deltas, anchors, weights)
    return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)


def half_open(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights) - torch.tensor([0.0, 0.0, 1.0, 1.0])


def clipped_at_zero(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights).clamp(min=0)


def rounded(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights).round()


def weights_of_faster_rcnn_by_default(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return loops(deltas, anchors, weights)


def two_weights(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, (weights[0], weights[0], weights[2], weights[2]))


def shift_without_weights(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, (1.0, 1.0, weights[2], weights[3]))


def size_of_the_other_axis(deltas, anchors, weights=ONES):
    return loops(deltas[:, [0, 1, 3, 2]], anchors, weights)


def float32_on_the_way(deltas, anchors, weights=ONES):
    return loops(deltas.float(), anchors.float(), weights).float().to(deltas.dtype)


def a_list(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights).tolist()


def other_order(deltas, anchors, weights=ONES):
    return loops(deltas, anchors, weights)[:, [0, 2, 1, 3]]


def all_four_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    deltas = deltas / torch.tensor(weights, dtype=deltas.dtype)
    return loops(deltas.clamp(max=math.log(62.5)), anchors)


RIGHT = [loops, columns, limited_after_exp, limit_of_the_weighted, numpy_in_float64]
WRONG = [
    *(
        all_four_limited,
        changes_its_argument,
        limited_below,
        shift_limited,
        limit_of_four,
        limit_of_1000,
    ),
    *(limit_is_62, only_the_width_limited, linear_size, whole_size, corner_and_size, half_open),
    *(clipped_at_zero, rounded, weights_of_faster_rcnn_by_default, two_weights),
    *(shift_without_weights, size_of_the_other_axis, float32_on_the_way, a_list, other_order),
]
_ALWAYS_FOUR = "there are always four weights"
EQUIVALENT = {
    "decode_boxes: -1 -> +1": "boxes (N, 4) have two dimensions",
    "decode_boxes: True -> False": _ALWAYS_FOUR,
    "decode_boxes: zip(parts, weights, strict=True) -> zip(parts, weights)": _ALWAYS_FOUR,
}


@pytest.mark.parametrize("answer", RIGHT)
def test_decode_boxes_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_decode_boxes_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_decode_boxes_must_not_come_from_torchvision():
    def answer(deltas, anchors, weights=ONES):
        return BoxCoder(weights).decode_single(deltas, anchors)

    assert graded(EXERCISE, answer).points == 0.0


def test_decode_boxes_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
