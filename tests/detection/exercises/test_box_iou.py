import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchvision import ops

from cvgen_course.detection.boxes import box_area, generalized_box_iou
from cvgen_course.detection.exercises.box_iou import EXERCISE


def iou_of_two(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area_a = max(0.0, a[2] - a[0]) * max(0.0, a[3] - a[1])
    area_b = max(0.0, b[2] - b[0]) * max(0.0, b[3] - b[1])
    union = area_a + area_b - width * height
    return width * height / union if union > 0 else 0.0


def loops(boxes1, boxes2):
    result = torch.zeros(len(boxes1), len(boxes2), dtype=boxes1.dtype)
    for i in range(len(boxes1)):
        for j in range(len(boxes2)):
            result[i, j] = iou_of_two(boxes1[i].tolist(), boxes2[j].tolist())
    return result


def broadcasting(boxes1, boxes2):
    a, b = boxes1.unsqueeze(1), boxes2.unsqueeze(0)
    sides = torch.min(a[..., 2:], b[..., 2:]) - torch.max(a[..., :2], b[..., :2])
    sides = sides.clamp(min=0)
    overlap = sides[..., 0] * sides[..., 1]
    area1 = (boxes1[:, 2] - boxes1[:, 0]).clamp(min=0) * (boxes1[:, 3] - boxes1[:, 1]).clamp(min=0)
    area2 = (boxes2[:, 2] - boxes2[:, 0]).clamp(min=0) * (boxes2[:, 3] - boxes2[:, 1]).clamp(min=0)
    union = area1[:, None] + area2[None, :] - overlap
    iou = torch.zeros_like(union)
    some = union > 0
    iou[some] = overlap[some] / union[some]
    return iou


def row_by_row(boxes1, boxes2):
    def rows():
        for box in boxes1:
            low, high = box[:2].maximum(boxes2[:, :2]), box[2:].minimum(boxes2[:, 2:])
            yield torch.relu(high - low).prod(1)

    overlap = torch.stack([*rows()]) if len(boxes1) else boxes1.new_zeros(0, len(boxes2))
    areas = [torch.relu(b[:, 2:] - b[:, :2]).prod(1) for b in (boxes1, boxes2)]
    union = areas[0].unsqueeze(1) + areas[1] - overlap
    return torch.nan_to_num(overlap / union, nan=0.0)


def numpy_in_float64(boxes1, boxes2):
    a, b = boxes1.double().numpy()[:, None], boxes2.double().numpy()[None]
    w = np.clip(np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]), 0, None)
    h = np.clip(np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]), 0, None)
    areas = [np.clip(x[..., 2:] - x[..., :2], 0, None).prod(-1) for x in (a, b)]
    union = areas[0] + areas[1] - w * h
    return torch.from_numpy(np.divide(w * h, union, out=np.zeros_like(union), where=union > 0))


def one_over(boxes1, boxes2):
    """IoU = 1 / (area1 / I + area2 / I - 1), with infinities where nothing is shared."""
    a, b = boxes1[:, None], boxes2[None]
    shared = (torch.minimum(a, b)[..., 2:] - torch.maximum(a, b)[..., :2]).clamp(min=0).prod(-1)
    areas = [(x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1) for x in (a, b)]
    inverse = areas[0] / shared + areas[1] / shared - 1
    return torch.where(shared > 0, 1 / inverse, torch.zeros_like(shared))


def clamped_union(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    shared = (torch.minimum(a, b)[..., 2:] - torch.maximum(a, b)[..., :2]).clamp(min=0).prod(-1)
    areas = [(x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1) for x in (a, b)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-7)


def distances(boxes1, boxes2):
    """Two intervals share half of (sum of the lengths - gap between left ends - … right ends)."""

    def shared(lows1, highs1, lows2, highs2):
        lengths = (highs1 - lows1)[:, None] + (highs2 - lows2)[None]
        apart = (lows1[:, None] - lows2).abs() + (highs1[:, None] - highs2).abs()
        return ((lengths - apart) / 2).clamp(min=0)

    wide = shared(boxes1[:, 0], boxes1[:, 2], boxes2[:, 0], boxes2[:, 2])
    high = shared(boxes1[:, 1], boxes1[:, 3], boxes2[:, 1], boxes2[:, 3])
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=0).prod(-1) for b in (boxes1, boxes2)]
    union = areas[0][:, None] + areas[1] - wide * high
    return wide * high / union.masked_fill(union == 0, 1)


def changes_its_argument(boxes1, boxes2):
    result = loops(boxes1, boxes2)
    boxes1[:, 2:] -= boxes1[:, :2]
    return result


def area_clamped_late(boxes1, boxes2):
    """The product of two negative sides is positive."""
    iou = broadcasting(boxes1, boxes2)
    overlap = (
        (
            torch.min(boxes1[:, None, 2:], boxes2[:, 2:])
            - torch.max(boxes1[:, None, :2], boxes2[:, :2])
        )
        .prod(-1)
        .clamp(min=0)
    )
    areas = [(b[:, 2:] - b[:, :2]).prod(-1).clamp(min=0) for b in (boxes1, boxes2)]
    union = areas[0][:, None] + areas[1] - overlap
    return torch.where(union > 0, overlap / union, iou)


def empty_is_itself(boxes1, boxes2):
    same = (boxes1[:, None] == boxes2).all(-1)
    return torch.where(same, 1.0, loops(boxes1, boxes2))


def left_as_it_is_where_empty(boxes1, boxes2):
    return torch.where(loops(boxes1, boxes2) == 0, -1.0, loops(boxes1, boxes2))


def float32(boxes1, boxes2):
    return loops(boxes1.float(), boxes2.float()).float()


def float32_on_the_way(boxes1, boxes2):
    return loops(boxes1.float(), boxes2.float()).to(boxes1.dtype)


def whole_pixels(boxes1, boxes2):
    return loops(boxes1.round(), boxes2.round())


def squeezed(boxes1, boxes2):
    return loops(boxes1, boxes2).squeeze()


def a_list(boxes1, boxes2):
    return loops(boxes1, boxes2).tolist()


def distance_of_the_union(boxes1, boxes2):
    return 1 - loops(boxes1, boxes2)


def dice(boxes1, boxes2):
    iou = loops(boxes1, boxes2)
    return 2 * iou / (1 + iou)


def over_the_first(boxes1, boxes2):
    iou = loops(boxes1, boxes2)
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=0).prod(-1) for b in (boxes1, boxes2)]
    overlap = iou / (1 + iou) * (areas[0][:, None] + areas[1])
    return torch.nan_to_num(overlap / areas[0][:, None])


def over_the_hull(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    shared = (torch.minimum(a, b)[..., 2:] - torch.maximum(a, b)[..., :2]).clamp(min=0).prod(-1)
    hull = (torch.maximum(a, b)[..., 2:] - torch.minimum(a, b)[..., :2]).clamp(min=0).prod(-1)
    return torch.nan_to_num(shared / hull)


def as_centre_and_size(boxes1, boxes2):
    first, second = (ops.box_convert(b, "cxcywh", "xyxy") for b in (boxes1, boxes2))
    return loops(first, second)


def as_corner_and_size(boxes1, boxes2):
    first, second = (ops.box_convert(b, "xywh", "xyxy") for b in (boxes1, boxes2))
    return loops(first, second)


def exchanges_axes_of_one(boxes1, boxes2):
    return loops(boxes1[:, [1, 0, 3, 2]], boxes2)


def empty_is_an_error(boxes1, boxes2):
    return torch.stack([loops(box[None], boxes2)[0] for box in boxes1])


def small_number_in_both(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    shared = (torch.minimum(a, b)[..., 2:] - torch.maximum(a, b)[..., :2]).clamp(min=0).prod(-1)
    areas = [(x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1) for x in (a, b)]
    return (shared + 1e-8) / (areas[0] + areas[1] - shared + 1e-8)


RIGHT = [
    *(loops, broadcasting, row_by_row, numpy_in_float64, one_over, clamped_union, distances),
]
WRONG = [
    *(changes_its_argument, area_clamped_late, empty_is_itself, left_as_it_is_where_empty),
    *(float32, float32_on_the_way, whole_pixels, squeezed, a_list, distance_of_the_union, dice),
    *(over_the_first, over_the_hull, as_centre_and_size, as_corner_and_size),
    *(exchanges_axes_of_one, empty_is_an_error, small_number_in_both),
]
_TWO = "boxes (N, 4) have two dimensions"
_OVERLAP = "an empty box's area is met by an overlap of 0 only"
EQUIVALENT = {
    "_columns: (..., :, None, :) -> (:, ..., None, :)": _TWO,
    "intersection_and_union: (..., :, None) -> (:, ..., None)": _TWO,
    "intersection_and_union: (..., None, :) -> (None, ..., :)": _TWO,
    "_rows: -1 -> +1": _TWO,
    "_rows: at_least_float32(boxes).movedim(-1, 0) -> at_least_float32(boxes).movedim(0, -1)": _TWO,
    "_rows: at_least_float32(boxes).movedim(-1, 0).unsqueeze(-2).contiguous().unbind(0) -> "
    "at_least_float32(boxes).movedim(-1, 0).unsqueeze(-2).contiguous().unbind()": "the default",
    "_without_zeros: 1 -> 2": "0 is divided by it",
    "box_area: -1 -> +1": _TWO,
    "box_area: 0 -> -1": _OVERLAP,
}


@pytest.mark.parametrize("answer", RIGHT)
def test_box_iou_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_box_iou_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("finished", [box_area, ops.box_iou, generalized_box_iou])
def test_box_iou_must_not_call_what_is_finished(finished):
    def answer(boxes1, boxes2):
        return (finished(boxes1, boxes2) if finished is not box_area else box_area(boxes1), 0)[0]

    assert graded(EXERCISE, answer).points == 0.0


def test_box_iou_mutants_lose_points():
    helpers = ("intersection_and_union", "_columns", "_rows", "_without_zeros", "box_area")
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers)
