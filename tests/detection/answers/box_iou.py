"""Answers to `box_iou` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def broadcast(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    lt = torch.maximum(a[..., :2], b[..., :2])
    rb = torch.minimum(a[..., 2:], b[..., 2:])
    wh = (rb - lt).clamp(min=0)
    inter = wh[..., 0] * wh[..., 1]
    area1 = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    union = area1 + area2 - inter
    return torch.where(
        inter > 0,
        inter / torch.where(union > 0, union, torch.ones_like(union)),
        torch.zeros_like(inter),
    )


def loops(boxes1, boxes2):
    out = torch.zeros(len(boxes1), len(boxes2), dtype=boxes1.dtype)
    for i, (x1, y1, x2, y2) in enumerate(boxes1.tolist()):
        for j, (u1, v1, u2, v2) in enumerate(boxes2.tolist()):
            if x2 <= x1 or y2 <= y1 or u2 <= u1 or v2 <= v1:
                continue
            w = min(x2, u2) - max(x1, u1)
            h = min(y2, v2) - max(y1, v1)
            if w <= 0 or h <= 0:
                continue
            out[i, j] = w * h / ((x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - w * h)
    return out


def numpy_version(boxes1, boxes2):
    a = boxes1.numpy().astype(np.float64)
    b = boxes2.numpy().astype(np.float64)
    w = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    h = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    inter = np.maximum(w, 0) * np.maximum(h, 0)
    area_a = np.maximum(a[:, 2] - a[:, 0], 0) * np.maximum(a[:, 3] - a[:, 1], 0)
    area_b = np.maximum(b[:, 2] - b[:, 0], 0) * np.maximum(b[:, 3] - b[:, 1], 0)
    union = area_a[:, None] + area_b[None] - inter
    iou = np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)
    return torch.from_numpy(iou).to(boxes1.dtype)


def not_clamped_broadcast(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    inter = wh[..., 0] * wh[..., 1]
    area1 = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    union = area1 + area2 - inter
    return torch.where((area1 > 0) & (area2 > 0), inter / union, torch.zeros_like(inter))


def not_clamped_loop(boxes1, boxes2):
    out = torch.zeros(len(boxes1), len(boxes2), dtype=boxes1.dtype)
    for i, a in enumerate(boxes1):
        for j, b in enumerate(boxes2):
            area_a = max(a[2] - a[0], 0) * max(a[3] - a[1], 0)
            area_b = max(b[2] - b[0], 0) * max(b[3] - b[1], 0)
            inter = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
            if area_a > 0 and area_b > 0:
                out[i, j] = inter / (area_a + area_b - inter)
    return out


def product_clamped(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    inter = wh.prod(dim=-1).clamp(min=0)
    area1 = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    ok = (area1 > 0) & (area2 > 0)
    return torch.where(ok, inter / (area1 + area2 - inter), torch.zeros_like(inter))


def epsilon_in_denominator(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    inter = wh[..., 0] * wh[..., 1]
    area1 = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return inter / (area1 + area2 - inter + 1e-6)


def epsilon_in_denominator_loop(boxes1, boxes2):
    out = torch.zeros(len(boxes1), len(boxes2), dtype=boxes1.dtype)
    for i, a in enumerate(boxes1.tolist()):
        for j, b in enumerate(boxes2.tolist()):
            w = max(0, min(a[2], b[2]) - max(a[0], b[0]))
            h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            area_a = max(0, a[2] - a[0]) * max(0, a[3] - a[1])
            area_b = max(0, b[2] - b[0]) * max(0, b[3] - b[1])
            out[i, j] = w * h / (area_a + area_b - w * h + 1e-7)
    return out


def nan_for_two_empty(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    inter = wh[..., 0] * wh[..., 1]
    area1 = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return inter / (area1 + area2 - inter)


def plus_one_pixel(boxes1, boxes2):
    def area(w, h):
        return (w + 1).clamp(min=0) * (h + 1).clamp(min=0)

    a, b = boxes1[:, None], boxes2[None]
    w = torch.minimum(a[..., 2], b[..., 2]) - torch.maximum(a[..., 0], b[..., 0])
    h = torch.minimum(a[..., 3], b[..., 3]) - torch.maximum(a[..., 1], b[..., 1])
    inter = area(w, h)
    union = (
        area(a[..., 2] - a[..., 0], a[..., 3] - a[..., 1])
        + area(b[..., 2] - b[..., 0], b[..., 3] - b[..., 1])
        - inter
    )
    return torch.where(union > 0, inter / union, torch.zeros_like(union))


def union_without_minus(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    inter = wh[..., 0] * wh[..., 1]
    both = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1) + (b[..., 2:] - b[..., :2]).clamp(
        min=0
    ).prod(-1)
    return torch.where(both > 0, inter / both, torch.zeros_like(both))


def area_of_inverted_boxes_positive(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    inter = wh[..., 0] * wh[..., 1]
    area1 = (a[..., 2:] - a[..., :2]).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).prod(-1)
    union = area1 + area2 - inter
    return inter / union


def corners_sorted_first(boxes1, boxes2):
    def fix(b):
        return torch.cat(
            [torch.minimum(b[:, :2], b[:, 2:]), torch.maximum(b[:, :2], b[:, 2:])], dim=1
        )

    a, b = fix(boxes1)[:, None], fix(boxes2)[None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    inter = wh.prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter
    return torch.where(union > 0, inter / union, torch.zeros_like(union))


def transposed(boxes1, boxes2):
    a, b = boxes1[None], boxes2[:, None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    inter = wh.prod(-1)
    union = (
        (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
        + (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
        - inter
    )
    return torch.where(inter > 0, inter / union, torch.zeros_like(union))


def share_of_smaller(boxes1, boxes2):
    out = torch.zeros(len(boxes1), len(boxes2), dtype=boxes1.dtype)
    for i, a in enumerate(boxes1.tolist()):
        for j, b in enumerate(boxes2.tolist()):
            w = max(0, min(a[2], b[2]) - max(a[0], b[0]))
            h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
            if w * h > 0:
                out[i, j] = w * h / smaller
    return out


def surrounding_box_as_union(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None]
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(
        min=0
    )
    union = around.prod(-1)
    return torch.where(union > 0, wh.prod(-1) / union, torch.zeros_like(union))


def not_clamped_and_nan(boxes1, boxes2):
    rows = []
    for a in boxes1:
        w = torch.minimum(a[2], boxes2[:, 2]) - torch.maximum(a[0], boxes2[:, 0])
        h = torch.minimum(a[3], boxes2[:, 3]) - torch.maximum(a[1], boxes2[:, 1])
        inter = w * h
        area = (boxes2[:, 2] - boxes2[:, 0]) * (boxes2[:, 3] - boxes2[:, 1])
        rows.append(inter / ((a[2] - a[0]) * (a[3] - a[1]) + area - inter))
    return torch.stack(rows) if rows else torch.zeros(0, len(boxes2), dtype=boxes1.dtype)


def epsilon_and_crash_for_no_boxes(boxes1, boxes2):
    rows = []
    for a in boxes1:
        w = (torch.minimum(a[2], boxes2[:, 2]) - torch.maximum(a[0], boxes2[:, 0])).clamp(min=0)
        h = (torch.minimum(a[3], boxes2[:, 3]) - torch.maximum(a[1], boxes2[:, 1])).clamp(min=0)
        area = (boxes2[:, 2] - boxes2[:, 0]).clamp(min=0) * (boxes2[:, 3] - boxes2[:, 1]).clamp(
            min=0
        )
        own = (a[2] - a[0]).clamp(min=0) * (a[3] - a[1]).clamp(min=0)
        rows.append(w * h / (own + area - w * h + 1e-6))
    return torch.stack(rows)


def product_clamped_and_crash_for_no_boxes(boxes1, boxes2):
    result = []
    for a in boxes1.tolist():
        row = []
        for b in boxes2.tolist():
            inter = max(
                0, (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
            )
            union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
            row.append(inter / union if union > 0 else 0.0)
        result.append(torch.tensor(row, dtype=boxes1.dtype))
    return torch.stack(result)


def product_clamped_and_transposed(boxes1, boxes2):
    a, b = boxes1[None], boxes2[:, None]
    wh = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    inter = wh.prod(dim=-1).clamp(min=0)
    area1 = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area2 = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    ok = (area1 > 0) & (area2 > 0)
    return torch.where(ok, inter / (area1 + area2 - inter), torch.zeros_like(inter))


def transposed_loop(boxes1, boxes2):
    out = torch.zeros(len(boxes2), len(boxes1), dtype=boxes1.dtype)
    for i, a in enumerate(boxes1.tolist()):
        for j, b in enumerate(boxes2.tolist()):
            w = max(0, min(a[2], b[2]) - max(a[0], b[0]))
            h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            if w * h > 0:
                out[j, i] = (
                    w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)
                )
    return out


RIGHT = [broadcast, loops, numpy_version]
WRONG = {
    not_clamped_broadcast: "not_clamped",  # negative sides not clamped
    not_clamped_loop: "not_clamped",  # negative sides not clamped, loop
    product_clamped: "product_clamped",  # product clamped instead of the sides
    epsilon_in_denominator: "small_number",  # eps in the denominator
    epsilon_in_denominator_loop: "smaller_number",  # eps in the denominator, loop
    nan_for_two_empty: "zero_by_zero",  # 0/0 for two empty boxes
    plus_one_pixel: "last_pixel_included",  # x2 - x1 + 1
    area_of_inverted_boxes_positive: "zero_by_zero",  # areas not clamped: negative or positive for inverted boxes; NaN
    transposed: "transposed",  # (M, N) instead of (N, M)
    not_clamped_and_nan: "not_clamped zero_by_zero",  # not clamped, and NaN for empty
    epsilon_and_crash_for_no_boxes: "small_number",  # eps; crash for N = 0
    product_clamped_and_crash_for_no_boxes: "product_clamped",  # product clamped; crash for N = 0
    product_clamped_and_transposed: "product_clamped transposed",  # product clamped, (M, N)
    transposed_loop: "transposed",  # (M, N) instead of (N, M), loop
    union_without_minus: "overlap_twice",  # intersection not subtracted
    corners_sorted_first: "",  # inverted boxes are turned into proper ones
    share_of_smaller: "over_the_smaller",  # divided by the smaller area
    surrounding_box_as_union: "over_the_hull",  # union is the surrounding box
}
