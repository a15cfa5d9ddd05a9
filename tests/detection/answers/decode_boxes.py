"""Answers to `decode_boxes` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def columns(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    xa, ya = anchors[:, 0] + wa / 2, anchors[:, 1] + ha / 2
    dx, dy, dw, dh = (deltas[:, i] / weights[i] for i in range(4))
    x, y = xa + dx * wa, ya + dy * ha
    w, h = wa * dw.exp().clamp(max=62.5), ha * dh.exp().clamp(max=62.5)
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)


def pairs_clamped_before(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(torch.clamp(d[:, 2:], max=math.log(1000 / 16))) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def loop(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    out = torch.zeros_like(deltas)
    for i, (d, a) in enumerate(zip(deltas.tolist(), anchors.tolist())):
        for k in range(2):
            side = a[k + 2] - a[k]
            centre = (a[k] + a[k + 2]) / 2 + d[k] / weights[k] * side
            side = side * math.exp(min(d[k + 2] / weights[k + 2], math.log(62.5)))
            out[i, k], out[i, k + 2] = centre - side / 2, centre + side / 2
    return out


def not_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:]) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def not_limited_columns(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    x = (anchors[:, 0] + anchors[:, 2]) / 2 + deltas[:, 0] / weights[0] * wa
    y = (anchors[:, 1] + anchors[:, 3]) / 2 + deltas[:, 1] / weights[1] * ha
    w = wa * torch.exp(deltas[:, 2] / weights[2])
    h = ha * torch.exp(deltas[:, 3] / weights[3])
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)


def delta_limited_to_62(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:].clamp(max=62.5)) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def width_limited_to_62_pixels(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = (size * torch.exp(d[:, 2:])).clamp(max=62.5) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def limited_before_weights(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size = anchors[:, 2:] - anchors[:, :2]
    w = torch.tensor(weights, dtype=deltas.dtype)
    limited = deltas[:, 2:].clamp(max=math.log(62.5)) / w[2:]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + deltas[:, :2] / w[:2] * size
    half = size * limited.exp() / 2
    return torch.cat([centre - half, centre + half], dim=1)


def only_width_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    dx, dy, dw, dh = (deltas[:, i] / weights[i] for i in range(4))
    x, y = anchors[:, 0] + wa / 2 + dx * wa, anchors[:, 1] + ha / 2 + dy * ha
    w, h = wa * dw.exp().clamp(max=62.5), ha * dh.exp()
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)


def limited_on_both_sides(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    limit = math.log(62.5)
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:].clamp(-limit, limit)) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def all_deltas_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = (deltas / torch.tensor(weights, dtype=deltas.dtype)).clamp(max=math.log(62.5))
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:]) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def multiplied_by_weights(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas * torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:]).clamp(max=62.5) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def multiplied_by_weights_loop(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    out = torch.zeros_like(deltas)
    for i, (d, a) in enumerate(zip(deltas.tolist(), anchors.tolist())):
        for k in range(2):
            side = a[k + 2] - a[k]
            centre = (a[k] + a[k + 2]) / 2 + d[k] * weights[k] * side
            side *= min(math.exp(min(d[k + 2] * weights[k + 2], 100)), 62.5)
            out[i, k], out[i, k + 2] = centre - side / 2, centre + side / 2
    return out


def weights_forgotten(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + deltas[:, :2] * size
    half = size * torch.exp(deltas[:, 2:]).clamp(max=62.5) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def whole_side_instead_of_half(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    new = size * torch.exp(d[:, 2:]).clamp(max=62.5)
    return torch.cat([centre - new, centre + new], dim=1)


def centre_is_corner(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    corner = anchors[:, :2] + d[:, :2] * size
    new = size * torch.exp(d[:, 2:]).clamp(max=62.5)
    return torch.cat([corner, corner + new], dim=1)


def returns_centre_and_size(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    return torch.cat([centre, size * torch.exp(d[:, 2:]).clamp(max=62.5)], dim=1)


def moved_by_new_size(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    wa, ha = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    dx, dy, dw, dh = (deltas[:, i] / weights[i] for i in range(4))
    w, h = wa * dw.exp().clamp(max=62.5), ha * dh.exp().clamp(max=62.5)
    x, y = anchors[:, 0] + wa / 2 + dx * w, anchors[:, 1] + ha / 2 + dy * h
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1)


def clipped_at_zero_and_not_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas / torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:]) / 2
    return torch.cat([centre - half, centre + half], dim=1).clamp(min=0)


def overflow_crash_and_weights_forgotten(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    out = torch.zeros_like(deltas)
    for i, (d, a) in enumerate(zip(deltas.tolist(), anchors.tolist())):
        for k in range(2):
            side = a[k + 2] - a[k]
            centre = (a[k] + a[k + 2]) / 2 + d[k] * side
            side = side * min(math.exp(d[k + 2]), 62.5)
            out[i, k], out[i, k + 2] = centre - side / 2, centre + side / 2
    return out


def limit_16_and_crash_for_no_boxes(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    rows = []
    for d, a in zip(deltas, anchors):
        d = d / torch.tensor(weights, dtype=deltas.dtype)
        size = a[2:] - a[:2]
        centre = (a[:2] + a[2:]) / 2 + d[:2] * size
        half = size * d[2:].exp().clamp(max=16) / 2
        rows.append(torch.cat([centre - half, centre + half]))
    return torch.stack(rows)


def multiplied_by_weights_and_not_limited(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    d = deltas * torch.tensor(weights, dtype=deltas.dtype)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + d[:, :2] * size
    half = size * torch.exp(d[:, 2:]) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def weights_forgotten_loop(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    out = torch.zeros_like(deltas)
    for i, (d, a) in enumerate(zip(deltas.tolist(), anchors.tolist())):
        for k in range(2):
            side = a[k + 2] - a[k]
            centre = (a[k] + a[k + 2]) / 2 + d[k] * side
            side = side * math.exp(min(d[k + 2], math.log(62.5)))
            out[i, k], out[i, k + 2] = centre - side / 2, centre + side / 2
    return out


RIGHT = [columns, pairs_clamped_before, loop]
WRONG = {
    not_limited: "no_limit",  # not limited to 62.5
    not_limited_columns: "no_limit",  # not limited to 62.5, by columns
    delta_limited_to_62: "exponent_limited",  # the delta limited to 62.5, not its exp
    width_limited_to_62_pixels: "limited_in_pixels",  # the width limited to 62.5 pixels
    limited_before_weights: "limited_too_early",  # limited before dividing by the weights
    multiplied_by_weights: "multiplied_by_weights",  # multiplied by the weights
    multiplied_by_weights_loop: "multiplied_by_weights",  # multiplied by the weights, loop
    weights_forgotten: "without_weights",  # weights not used
    whole_side_instead_of_half: "whole_sides",  # whole side to each direction
    clipped_at_zero_and_not_limited: "no_limit",  # not limited, and clipped at 0
    overflow_crash_and_weights_forgotten: "without_weights",  # math.exp overflows (> 709); weights not used
    limit_16_and_crash_for_no_boxes: "",  # limited to 16; crash for A = 0
    multiplied_by_weights_and_not_limited: "multiplied_by_weights no_limit",  # multiplied by the weights, not limited
    weights_forgotten_loop: "without_weights",  # weights not used, loop
    only_width_limited: "only_width_limited",  # only the width limited
    limited_on_both_sides: "",  # limited below, too
    all_deltas_limited: "",  # dx and dy limited, too
    centre_is_corner: "from_the_corner",  # the moved point is taken for the corner
    returns_centre_and_size: "centre_and_size",  # returns x, y, w, h
    moved_by_new_size: "by_the_new_size",  # moved by the new size
}
