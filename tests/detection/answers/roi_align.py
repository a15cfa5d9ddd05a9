"""Answers to `roi_align` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def loops(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def grid_sample(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.avg_pool2d(sampled * inside[:, None], s)


def interpolation_matrices(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def weights(start, end, n):
        start, end = start * spatial_scale - 0.5, end * spatial_scale - 0.5
        t = (torch.arange(p * s, dtype=features.dtype) + 0.5) / (p * s)
        points = start[:, None] + (end - start)[:, None] * t
        there = (points >= -1) & (points <= n)
        points = points.clamp(0, n - 1)
        tent = (1 - (points[..., None] - torch.arange(n)).abs()).clamp(min=0) * there[..., None]
        return tent.view(-1, p, s, n).mean(dim=2)

    wy = weights(boxes[:, 1], boxes[:, 3], H)
    wx = weights(boxes[:, 0], boxes[:, 2], W)
    return torch.einsum("rchw,rih,rjw->rcij", features[image_of], wy, wx)


def half_cell_forgotten_loop(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def half_cell_forgotten_grid(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.avg_pool2d(sampled * inside[:, None], s)


def half_cell_forgotten_matrix(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def weights(start, end, n):
        start, end = start * spatial_scale, end * spatial_scale
        t = (torch.arange(p * s, dtype=features.dtype) + 0.5) / (p * s)
        points = start[:, None] + (end - start)[:, None] * t
        there = (points >= -1) & (points <= n)
        points = points.clamp(0, n - 1)
        tent = (1 - (points[..., None] - torch.arange(n)).abs()).clamp(min=0) * there[..., None]
        return tent.view(-1, p, s, n).mean(dim=2)

    wy = weights(boxes[:, 1], boxes[:, 3], H)
    wx = weights(boxes[:, 0], boxes[:, 2], W)
    return torch.einsum("rchw,rih,rjw->rcij", features[image_of], wy, wx)


def half_before_scale(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [(v - 0.5) * spatial_scale for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def outside_has_edge_value(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.avg_pool2d(sampled, s)


def outside_has_edge_value_loop(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def zeros_just_outside(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return F.avg_pool2d(sampled * inside[:, None], s)


def zeros_just_outside_loop(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < 0 or y > H - 1 or x < 0 or x > W - 1:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def align_corners_true(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=True
    )
    return F.avg_pool2d(sampled * inside[:, None], s)


def nearest_cell(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = round(y), round(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = 0, 0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def box_rounded(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [round(v * spatial_scale - 0.5) for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def x_and_y_swapped(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gy, gx], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.avg_pool2d(sampled * inside[:, None], s)


def bins_transposed(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def weights(start, end, n):
        start, end = start * spatial_scale - 0.5, end * spatial_scale - 0.5
        t = (torch.arange(p * s, dtype=features.dtype) + 0.5) / (p * s)
        points = start[:, None] + (end - start)[:, None] * t
        there = (points >= -1) & (points <= n)
        points = points.clamp(0, n - 1)
        tent = (1 - (points[..., None] - torch.arange(n)).abs()).clamp(min=0) * there[..., None]
        return tent.view(-1, p, s, n).mean(dim=2)

    wy = weights(boxes[:, 1], boxes[:, 3], H)
    wx = weights(boxes[:, 0], boxes[:, 2], W)
    return torch.einsum("rchw,rih,rjw->rcji", features[image_of], wy, wx)


def maximum_of_points(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes * spatial_scale - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.max_pool2d(sampled * inside[:, None], s)


def maximum_of_points_loop(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = f.new_full((C,), -float("inf"))
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = torch.maximum(total, value(f, y, x))
                out[r, :, i, j] = total
    return out


def points_without_half(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + k * bh / s
                        x = x1 + j * bw + l * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def points_on_bin_borders(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def weights(start, end, n):
        start, end = start * spatial_scale - 0.5, end * spatial_scale - 0.5
        t = torch.linspace(0, 1, p * s, dtype=features.dtype)
        points = start[:, None] + (end - start)[:, None] * t
        there = (points >= -1) & (points <= n)
        points = points.clamp(0, n - 1)
        tent = (1 - (points[..., None] - torch.arange(n)).abs()).clamp(min=0) * there[..., None]
        return tent.view(-1, p, s, n).mean(dim=2)

    wy = weights(boxes[:, 1], boxes[:, 3], H)
    wx = weights(boxes[:, 0], boxes[:, 2], W)
    return torch.einsum("rchw,rih,rjw->rcij", features[image_of], wy, wx)


def always_first_image(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[0]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def scale_forgotten_and_max(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    R, p, s = len(boxes), output_size, sampling_ratio
    if R == 0:
        return features.new_zeros(0, C, p, p) + 0 * features.sum()
    box = boxes - 0.5
    steps = (torch.arange(p * s, dtype=boxes.dtype) + 0.5) / (p * s)
    x = box[:, None, 0] + steps * (box[:, None, 2] - box[:, None, 0])
    y = box[:, None, 1] + steps * (box[:, None, 3] - box[:, None, 1])
    inside = ((y >= -1) & (y <= H))[:, :, None] & ((x >= -1) & (x <= W))[:, None, :]
    gx = ((2 * x + 1) / W - 1)[:, None, :].expand(R, p * s, p * s)
    gy = ((2 * y + 1) / H - 1)[:, :, None].expand(R, p * s, p * s)
    grid = torch.stack([gx, gy], dim=-1)
    sampled = F.grid_sample(
        features[image_of], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.max_pool2d(sampled * inside[:, None], s)


def two_points_hard_coded(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, 2

    def weights(start, end, n):
        start, end = start * spatial_scale - 0.5, end * spatial_scale - 0.5
        t = (torch.arange(p * s, dtype=features.dtype) + 0.5) / (p * s)
        points = start[:, None] + (end - start)[:, None] * t
        there = (points >= -1) & (points <= n)
        points = points.clamp(0, n - 1)
        tent = (1 - (points[..., None] - torch.arange(n)).abs()).clamp(min=0) * there[..., None]
        return tent.view(-1, p, s, n).mean(dim=2)

    wy = weights(boxes[:, 1], boxes[:, 3], H)
    wx = weights(boxes[:, 0], boxes[:, 2], W)
    return torch.einsum("rchw,rih,rjw->rcij", features[image_of], wy, wx)


def not_aligned_and_edge_crash(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = y0 + 1, x0 + 1
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total / s**2
    return out


def edge_value_outside_and_crash_for_no_boxes(
    features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2
):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    results = []
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        out = features.new_zeros(C, p, p) + 0 * f.sum()
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[:, i, j] = total / s**2
        results.append(out)
    return torch.stack(results)


def detached_and_sum(features, boxes, image_of, output_size, spatial_scale=1.0, sampling_ratio=2):
    N, C, H, W = features.shape
    p, s = output_size, sampling_ratio

    def value(f, y, x):
        if y < -1 or y > H or x < -1 or x > W:
            return f.new_zeros(C)
        y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, H - 1), min(x0 + 1, W - 1)
        b, a = y - y0, x - x0
        top = f[:, y0, x0] * (1 - a) + f[:, y0, x1] * a
        bottom = f[:, y1, x0] * (1 - a) + f[:, y1, x1] * a
        return top * (1 - b) + bottom * b

    out = features.new_zeros(len(boxes), C, p, p) + 0 * features.sum()
    for r in range(len(boxes)):
        x1, y1, x2, y2 = [v * spatial_scale - 0.5 for v in boxes[r].tolist()]
        bh, bw = (y2 - y1) / p, (x2 - x1) / p
        f = features[image_of[r]]
        for i in range(p):
            for j in range(p):
                total = 0
                for k in range(s):
                    for l in range(s):
                        y = y1 + i * bh + (k + 0.5) * bh / s
                        x = x1 + j * bw + (l + 0.5) * bw / s
                        total = total + value(f, y, x)
                out[r, :, i, j] = total.detach()
    return out


RIGHT = [loops, grid_sample, interpolation_matrices]
WRONG = {
    half_cell_forgotten_loop: "no_half_cell",  # not aligned: minus 1/2 forgotten
    half_cell_forgotten_grid: "no_half_cell",  # not aligned: minus 1/2 forgotten, grid_sample
    half_cell_forgotten_matrix: "no_half_cell",  # not aligned: minus 1/2 forgotten, matrices
    outside_has_edge_value: "edge_goes_on",  # points far outside have the edge's value
    outside_has_edge_value_loop: "edge_goes_on",  # points far outside have the edge's value, loop
    box_rounded: "rounded",  # box rounded to cells (RoI pooling)
    x_and_y_swapped: "y_first_in_the_grid",  # x and y swapped in the grid
    maximum_of_points: "maximum",  # maximum instead of mean
    maximum_of_points_loop: "maximum",  # maximum instead of mean, loop
    points_without_half: "corners",  # points at k · b / s
    scale_forgotten_and_max: "scale_ignored maximum",  # spatial_scale not used, maximum
    not_aligned_and_edge_crash: "no_half_cell",  # minus 1/2 forgotten; crash in the last row and column
    edge_value_outside_and_crash_for_no_boxes: "edge_goes_on",  # edge's value far outside; crash for R = 0
    detached_and_sum: "sum",  # sum instead of mean, detached
    half_before_scale: "half_before_scale",  # minus 1/2 before scaling
    zeros_just_outside: "zeros_around",  # padding with zeros just outside
    zeros_just_outside_loop: "zero_outside",  # points outside of the cells' centres are 0
    align_corners_true: "corners_aligned",  # grid for align_corners=False used with True
    nearest_cell: "nearest",  # nearest cell instead of bilinear
    bins_transposed: "transposed",  # bins transposed
    points_on_bin_borders: "from_end_to_end",  # points at the ends of the box (linspace)
    always_first_image: "first_image",  # image_of ignored
    two_points_hard_coded: "",  # sampling_ratio always 2
}
