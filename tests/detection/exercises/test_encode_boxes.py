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

from cvgen_course.detection.exercises.encode_boxes import EXERCISE

ONES = (1.0, 1.0, 1.0, 1.0)


def loops(boxes, anchors, weights=ONES):
    rows = []
    for (x1, y1, x2, y2), (a1, b1, a2, b2) in zip(boxes.tolist(), anchors.tolist(), strict=True):
        dx = ((x1 + x2) / 2 - (a1 + a2) / 2) / (a2 - a1)
        dy = ((y1 + y2) / 2 - (b1 + b2) / 2) / (b2 - b1)
        dw, dh = math.log((x2 - x1) / (a2 - a1)), math.log((y2 - y1) / (b2 - b1))
        rows.append([w * d for w, d in zip(weights, (dx, dy, dw, dh), strict=True)])
    return torch.tensor(rows, dtype=boxes.dtype)


def columns(boxes, anchors, weights=ONES):
    w_a, h_a = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    x_a, y_a = anchors[:, 0] + 0.5 * w_a, anchors[:, 1] + 0.5 * h_a
    x, y = boxes[:, 0] + 0.5 * w, boxes[:, 1] + 0.5 * h
    deltas = [(x - x_a) / w_a, (y - y_a) / h_a, w.log() - w_a.log(), h.log() - h_a.log()]
    return torch.stack([each * weight for each, weight in zip(deltas, weights, strict=True)], 1)


def halves(boxes, anchors, weights=ONES):
    size, size_a = boxes[..., 2:] - boxes[..., :2], anchors[..., 2:] - anchors[..., :2]
    shift = (boxes - anchors).unflatten(-1, (2, 2)).mean(-2) / size_a
    scale = torch.log1p((size - size_a) / size_a)
    return torch.cat([shift, scale], -1) * torch.tensor(weights, dtype=boxes.dtype)


def numpy_in_float64(boxes, anchors, weights=ONES):
    b, a = (each.double().numpy().reshape(-1, 2, 2) for each in (boxes, anchors))
    size_a = np.diff(a, axis=1)[:, 0]
    shift = (b.mean(1) - a.mean(1)) / size_a
    scale = np.log(np.diff(b, axis=1)[:, 0] / size_a)
    return torch.from_numpy(np.hstack([shift, scale]) * weights)


def matrix(boxes, anchors, weights=ONES):
    """Corners to centre and size is a linear map."""
    linear = boxes.new_tensor([[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [-1, 0, 1, 0], [0, -1, 0, 1]])
    box, anchor = boxes @ linear.T, anchors @ linear.T
    deltas = torch.empty_like(box)
    deltas[:, :2] = (box - anchor)[:, :2] / anchor[:, 2:]
    deltas[:, 2:] = torch.log(box[:, 2:] / anchor[:, 2:])
    return torch.einsum("ni,i->ni", deltas, boxes.new_tensor(weights))


def changes_its_argument(boxes, anchors, weights=ONES):
    deltas = loops(boxes, anchors, weights)
    boxes[:, 2:] -= boxes[:, :2]
    return deltas


def second_corner(boxes, anchors, weights=ONES):
    deltas = columns(boxes, anchors)
    shift = (boxes - anchors)[:, 2:] / (anchors[:, 2:] - anchors[:, :2])
    return torch.cat([shift, deltas[:, 2:]], 1) * torch.tensor(weights)


def base_two(boxes, anchors, weights=ONES):
    deltas = loops(boxes, anchors, weights)
    return torch.cat([deltas[:, :2], deltas[:, 2:] / math.log(2)], 1)


def relative_growth(boxes, anchors, weights=ONES):
    deltas = loops(boxes, anchors)
    return torch.cat([deltas[:, :2], deltas[:, 2:].exp() - 1], 1) * torch.tensor(weights)


def logarithm_of_everything(boxes, anchors, weights=ONES):
    deltas = loops(boxes, anchors, weights)
    return torch.cat([(1 + deltas[:, :2].abs()).log(), deltas[:, 2:]], 1)


def last_pixel_included(boxes, anchors, weights=ONES):
    more = torch.tensor([0.0, 0.0, 1.0, 1.0])
    return loops(boxes + more, anchors + more, weights)


def half_the_centre(boxes, anchors, weights=ONES):
    return loops(boxes, anchors, weights) * torch.tensor([2, 2, 1, 1])


def two_weights(boxes, anchors, weights=ONES):
    return loops(boxes, anchors, (weights[0], weights[0], weights[2], weights[2]))


def weights_inside_the_logarithm(boxes, anchors, weights=ONES):
    deltas = loops(boxes, anchors)
    shift = deltas[:, :2] * torch.tensor(weights[:2])
    return torch.cat([shift, deltas[:, 2:] + torch.tensor(weights[2:]).log()], 1)


def weights_of_faster_rcnn_by_default(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return loops(boxes, anchors, weights)


def other_order(boxes, anchors, weights=ONES):
    return loops(boxes, anchors, weights)[:, [0, 2, 1, 3]]


def float32_on_the_way(boxes, anchors, weights=ONES):
    return loops(boxes.float(), anchors.float(), weights).to(boxes.dtype)


def a_list(boxes, anchors, weights=ONES):
    return loops(boxes, anchors, weights).tolist()


def absolute(boxes, anchors, weights=ONES):
    return loops(boxes, anchors, weights).abs()


def squeezed(boxes, anchors, weights=ONES):
    return loops(boxes, anchors, weights).squeeze()


RIGHT = [loops, columns, halves, numpy_in_float64, matrix]
WRONG = [
    *(changes_its_argument, second_corner, base_two, relative_growth, logarithm_of_everything),
    *(last_pixel_included, half_the_centre, two_weights, weights_inside_the_logarithm),
    *(weights_of_faster_rcnn_by_default, other_order, float32_on_the_way, a_list, absolute),
    squeezed,
]
EQUIVALENT = {"encode_boxes: -1 -> +1": "boxes (N, 4) have two dimensions"}


@pytest.mark.parametrize("answer", RIGHT)
def test_encode_boxes_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_encode_boxes_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_encode_boxes_must_not_come_from_torchvision():
    def answer(boxes, anchors, weights=ONES):
        return BoxCoder(weights).encode_single(boxes, anchors)

    assert graded(EXERCISE, answer).points == 0.0


def test_encode_boxes_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
