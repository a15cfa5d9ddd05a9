"""Answers to `encode_boxes` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def columns(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    x, y = boxes[:, 0] + w / 2, boxes[:, 1] + h / 2
    xa, ya = anchors[:, 0] + wa / 2, anchors[:, 1] + ha / 2
    return torch.stack(
        [
            weights[0] * (x - xa) / wa,
            weights[1] * (y - ya) / ha,
            weights[2] * torch.log(w / wa),
            weights[3] * torch.log(h / ha),
        ],
        dim=1,
    )


def pairs(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, size.log() - size_a.log()], dim=1) * torch.tensor(
        weights, dtype=boxes.dtype
    )


def numpy_version(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    b, a = boxes.numpy().astype(np.float64), anchors.numpy().astype(np.float64)
    wa, ha = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1]
    d = np.stack(
        [
            ((b[:, 0] + b[:, 2]) - (a[:, 0] + a[:, 2])) / 2 / wa,
            ((b[:, 1] + b[:, 3]) - (a[:, 1] + a[:, 3])) / 2 / ha,
            np.log((b[:, 2] - b[:, 0]) / wa),
            np.log((b[:, 3] - b[:, 1]) / ha),
        ],
        axis=1,
    )
    return torch.from_numpy(d * np.array(weights))


def loop(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    out = torch.zeros_like(boxes)
    for i, (b, a) in enumerate(zip(boxes.tolist(), anchors.tolist())):
        for k in range(2):
            side, side_a = b[k + 2] - b[k], a[k + 2] - a[k]
            out[i, k] = weights[k] * ((b[k] + b[k + 2]) / 2 - (a[k] + a[k + 2]) / 2) / side_a
            out[i, k + 2] = weights[k + 2] * math.log(side / side_a)
    return out


def weights_forgotten(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, (size / size_a).log()], dim=1)


def divided_by_weights(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, (size / size_a).log()], dim=1) / torch.tensor(
        weights, dtype=boxes.dtype
    )


def divided_by_weights_columns(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    wx, wy, ww, wh = weights
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    dx = (boxes[:, 0] + 0.5 * w - anchors[:, 0] - 0.5 * wa) / wa / wx
    dy = (boxes[:, 1] + 0.5 * h - anchors[:, 1] - 0.5 * ha) / ha / wy
    return torch.stack((dx, dy, torch.log(w / wa) / ww, torch.log(h / ha) / wh), dim=1)


def corner_not_centre(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = (boxes[:, :2] - anchors[:, :2]) / size_a
    return torch.cat([move, (size / size_a).log()], dim=1) * torch.tensor(
        weights, dtype=boxes.dtype
    )


def corner_not_centre_loop(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    out = torch.zeros_like(boxes)
    for i in range(len(boxes)):
        b, a = boxes[i], anchors[i]
        wa, ha = a[2] - a[0], a[3] - a[1]
        out[i, 0] = weights[0] * (b[0] - a[0]) / wa
        out[i, 1] = weights[1] * (b[1] - a[1]) / ha
        out[i, 2] = weights[2] * torch.log((b[2] - b[0]) / wa)
        out[i, 3] = weights[3] * torch.log((b[3] - b[1]) / ha)
    return out


def divided_by_box_size(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size
    return torch.cat([move, (size / size_a).log()], dim=1) * torch.tensor(
        weights, dtype=boxes.dtype
    )


def boxes_and_anchors_swapped(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    boxes, anchors = anchors, boxes
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, (size / size_a).log()], dim=1) * torch.tensor(
        weights, dtype=boxes.dtype
    )


def log_upside_down(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, (size_a / size).log()], dim=1) * torch.tensor(
        weights, dtype=boxes.dtype
    )


def log_base_two(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, (size / size_a).log2()], dim=1) * torch.tensor(
        weights, dtype=boxes.dtype
    )


def log_forgotten(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = ((boxes[:, :2] + boxes[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size_a
    return torch.cat([move, size / size_a], dim=1) * torch.tensor(weights, dtype=boxes.dtype)


def read_as_centre_and_size(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    dx = weights[0] * (boxes[:, 0] - anchors[:, 0]) / anchors[:, 2]
    dy = weights[1] * (boxes[:, 1] - anchors[:, 1]) / anchors[:, 3]
    dw = weights[2] * torch.log(boxes[:, 2] / anchors[:, 2])
    dh = weights[3] * torch.log(boxes[:, 3] / anchors[:, 3])
    return torch.stack([dx, dy, dw, dh], dim=1)


def width_and_height_swapped(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    ha, wa = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    xa, ya = (anchors[:, 0] + anchors[:, 2]) / 2, (anchors[:, 1] + anchors[:, 3]) / 2
    d = torch.stack([(x - xa) / wa, (y - ya) / ha, (w / wa).log(), (h / ha).log()], dim=1)
    return d * d.new_tensor(weights)


def order_x_w_y_h(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    dx = (boxes[:, 0] + w / 2 - anchors[:, 0] - wa / 2) / wa
    dy = (boxes[:, 1] + h / 2 - anchors[:, 1] - ha / 2) / ha
    return torch.stack(
        [
            weights[0] * dx,
            weights[2] * (w / wa).log(),
            weights[1] * dy,
            weights[3] * (h / ha).log(),
        ],
        dim=1,
    )


def stacked_as_rows_and_no_weights(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    dx = (boxes[:, 0] + w / 2 - anchors[:, 0] - wa / 2) / wa
    dy = (boxes[:, 1] + h / 2 - anchors[:, 1] - ha / 2) / ha
    return torch.stack([dx, dy, (w / wa).log(), (h / ha).log()])


def weights_10_5_and_corner(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size, size_a = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = (boxes[:, :2] - anchors[:, :2]) / size_a
    return torch.cat([10 * move, 5 * (size / size_a).log()], dim=1)


def first_weights_for_all_and_crash_for_no_boxes(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    rows = []
    for b, a in zip(boxes, anchors):
        size, size_a = b[2:] - b[:2], a[2:] - a[:2]
        move = (b[:2] + b[2:] - a[:2] - a[2:]) / 2 / size_a
        rows.append(torch.cat([move * weights[0], (size / size_a).log() * weights[1]]))
    return torch.stack(rows)


def log_upside_down_and_crash_for_no_boxes(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    rows = []
    for b, a in zip(boxes.tolist(), anchors.tolist()):
        w, h, wa, ha = b[2] - b[0], b[3] - b[1], a[2] - a[0], a[3] - a[1]
        dx = ((b[0] + b[2]) - (a[0] + a[2])) / 2 / wa
        dy = ((b[1] + b[3]) - (a[1] + a[3])) / 2 / ha
        rows.append(
            torch.tensor(
                [
                    weights[0] * dx,
                    weights[1] * dy,
                    weights[2] * math.log(wa / w),
                    weights[3] * math.log(ha / h),
                ],
                dtype=boxes.dtype,
            )
        )
    return torch.stack(rows)


def weights_forgotten_columns(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    dx = (boxes[:, 0] + w / 2 - anchors[:, 0] - wa / 2) / wa
    dy = (boxes[:, 1] + h / 2 - anchors[:, 1] - ha / 2) / ha
    return torch.stack([dx, dy, torch.log(w / wa), torch.log(h / ha)], dim=1)


RIGHT = [columns, pairs, numpy_version, loop]
WRONG = {
    weights_forgotten: "without_weights",  # weights not used
    divided_by_weights: "divided_by_weights",  # divided by the weights
    divided_by_weights_columns: "divided_by_weights",  # divided by the weights, by columns
    corner_not_centre: "corner",  # corners instead of centres
    corner_not_centre_loop: "corner",  # corners instead of centres, loop
    divided_by_box_size: "over_the_box",  # divided by the box's size, not the anchor's
    boxes_and_anchors_swapped: "anchor_from_the_box",  # boxes and anchors swapped
    log_upside_down: "logarithm_of_the_inverse",  # log(w_a / w)
    width_and_height_swapped: "sides_exchanged",  # anchor's width and height swapped
    stacked_as_rows_and_no_weights: "as_rows without_weights",  # (4, A), and no weights
    weights_10_5_and_corner: "corner",  # weights 10, 5 hard-coded, corners instead of centres
    first_weights_for_all_and_crash_for_no_boxes: "",  # weights[0] for dx, dy and weights[1] for dw, dh; crash for A = 0
    log_upside_down_and_crash_for_no_boxes: "logarithm_of_the_inverse",  # log upside down; crash for A = 0
    weights_forgotten_columns: "without_weights",  # weights not used, by columns
    log_base_two: "base_two",  # log base 2
    log_forgotten: "no_logarithm",  # logarithm forgotten
    read_as_centre_and_size: "taken_for_centre_and_size",  # boxes read as x, y, w, h
    order_x_w_y_h: "other_order",  # columns in other order
}
