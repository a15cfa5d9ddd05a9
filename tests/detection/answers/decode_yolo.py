"""Answers to `decode_yolo` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def loops(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def vectorised(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def per_box_of_the_cell(raw, num_boxes, image_size):
    N, _, rows, cols = raw.shape
    H, W = image_size
    classes = F.softmax(raw[:, 5 * num_boxes :], dim=1)
    iy, jx = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    boxes, scores = [], []
    for b in range(num_boxes):
        s = torch.sigmoid(raw[:, 5 * b : 5 * b + 5])
        cx, cy = (jx + s[:, 0]) / cols * W, (iy + s[:, 1]) / rows * H
        hw, hh = W * s[:, 2] ** 2 / 2, H * s[:, 3] ** 2 / 2
        boxes.append(torch.stack([cx - hw, cy - hh, cx + hw, cy + hh], dim=-1))
        scores.append((s[:, 4:5] * classes).movedim(1, -1))
    return (
        torch.stack(boxes, dim=3).reshape(N, -1, 4),
        torch.stack(scores, dim=3).reshape(N, rows * cols * num_boxes, -1),
    )


def size_not_squared_loop(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw, H * th
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def size_not_squared(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2], H * t[..., 3]
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def size_relative_to_cell(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W / cols * tw**2, H / rows * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def image_size_as_width_height(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    W, H = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def image_size_as_width_height_vectorised(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    W, H = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def rows_and_columns_swapped(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (i + tx) * W / cols, (j + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def sigmoid_for_classes(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].sigmoid().permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def sigmoid_for_classes_loop(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].sigmoid()
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def softmax_over_images(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=0)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def confidence_forgotten(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def offset_without_sigmoid(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].unbind(dim=1)
                tw, th, to = tw.sigmoid(), th.sigmoid(), to.sigmoid()
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def boxes_before_cells(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 1, 3, 4, 2).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 2, 3, 1)[:, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, 1, rows, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, 1, cols)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def columns_before_rows(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for j in range(cols):
        for i in range(rows):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def columns_before_rows_vectorised(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 4, 3, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 3, 2, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, 1, rows, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, cols, 1, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def channels_interleaved(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, 5, B, rows, cols).permute(0, 3, 4, 2, 1).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def one_box_of_channels_for_all(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 0:5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def whole_side_instead_of_half(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].softmax(dim=1).permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w, y - h, x + w, y + h], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def centre_and_size_and_no_confidence(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x, y, w, h], dim=1))
                scores.append(classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def naive_softmax_nan(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].exp() / cell[:, 5 * num_boxes :].exp().sum(
                dim=1, keepdim=True
            )
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * tw**2, H * th**2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def naive_sigmoid_and_exp_size(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / rows
                w, h = W * cell[:, 5 * b + 2].exp(), H * cell[:, 5 * b + 3].exp()
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def square_grid_and_clipped(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    boxes, scores = [], []
    for i in range(rows):
        for j in range(cols):
            cell = raw[:, :, i, j]
            classes = cell[:, 5 * num_boxes :].softmax(dim=1)
            for b in range(num_boxes):
                tx, ty, tw, th, to = cell[:, 5 * b : 5 * b + 5].sigmoid().unbind(dim=1)
                x, y = (j + tx) * W / cols, (i + ty) * H / cols
                w, h = W * tw**2, H * th**2
                boxes.append(
                    torch.stack(
                        [
                            (x - w / 2).clamp(0, W),
                            (y - h / 2).clamp(0, H),
                            (x + w / 2).clamp(0, W),
                            (y + h / 2).clamp(0, H),
                        ],
                        dim=1,
                    )
                )
                scores.append(to[:, None] * classes)
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def classes_after_first_box_and_crash(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5:].softmax(dim=1).permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2], H * t[..., 3]
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes, (t[..., 4:] * classes).flatten(1, 3)


def crash_for_several_images_and_sigmoid(raw, num_boxes, image_size):
    N, channels, rows, cols = raw.shape
    H, W = image_size
    B = num_boxes
    t = raw[:, : 5 * B].reshape(N, B, 5, rows, cols).permute(0, 3, 4, 1, 2).sigmoid()
    classes = raw[:, 5 * B :].sigmoid().permute(0, 2, 3, 1)[:, :, :, None]
    i = torch.arange(rows, dtype=raw.dtype).view(1, rows, 1, 1)
    j = torch.arange(cols, dtype=raw.dtype).view(1, 1, cols, 1)
    x, y = (j + t[..., 0]) * (W / cols), (i + t[..., 1]) * (H / rows)
    w, h = W * t[..., 2].square(), H * t[..., 3].square()
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).flatten(1, 3)
    return boxes.view(1, rows * cols * B, 4), (t[..., 4:] * classes).reshape(1, rows * cols * B, -1)


RIGHT = [loops, vectorised, per_box_of_the_cell]
WRONG = {
    size_not_squared_loop: "not_squared",  # size without the square
    size_not_squared: "not_squared",  # size without the square, vectorised
    image_size_as_width_height: "width_first",  # image_size read as (W, H)
    image_size_as_width_height_vectorised: "width_first",  # image_size read as (W, H), vectorised
    sigmoid_for_classes: "sigmoid_of_classes",  # sigmoid instead of softmax
    sigmoid_for_classes_loop: "sigmoid_of_classes",  # sigmoid instead of softmax, loop
    confidence_forgotten: "without_confidence",  # scores without confidence
    boxes_before_cells: "boxes_before_cells",  # order: boxes, rows, columns
    channels_interleaved: "interleaved",  # channels read as (5, B) instead of (B, 5)
    centre_and_size_and_no_confidence: "centre_and_size without_confidence",  # returns centre and size; no confidence
    naive_softmax_nan: "",  # softmax by hand: NaN for large numbers
    square_grid_and_clipped: "clipped",  # S_w taken for S_h too; clipped at the border
    classes_after_first_box_and_crash: "not_squared",  # classes start at channel 5: crash or wrong for B > 1; no square
    crash_for_several_images_and_sigmoid: "sigmoid_of_classes",  # only one image (view crash for N > 1); sigmoid for softmax
    size_relative_to_cell: "size_of_cell",  # size relative to the cell
    rows_and_columns_swapped: "rows_for_columns",  # x from rows, y from columns
    softmax_over_images: "softmax_over_images",  # softmax over the wrong axis
    offset_without_sigmoid: "offset_without_sigmoid",  # offset without sigmoid
    columns_before_rows: "columns_first",  # order: columns, rows
    columns_before_rows_vectorised: "columns_first",  # order: columns, rows, vectorised
    one_box_of_channels_for_all: "first_box_only",  # always the first box's channels
    whole_side_instead_of_half: "whole_size_on_each_side",  # whole side to each direction
    naive_sigmoid_and_exp_size: "exponential",  # size by exp (infinite for large numbers)
}
