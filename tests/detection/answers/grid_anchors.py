"""Answers to `grid_anchors` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def loops(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def meshgrid(height, width, stride, sizes, ratios):
    s = torch.tensor(sizes, dtype=torch.float64)[:, None]
    r = torch.tensor(ratios, dtype=torch.float64)[None, :]
    w, h = (s / r.sqrt()).flatten(), (s * r.sqrt()).flatten()
    half = torch.stack([-w, -h, w, h], dim=1) / 2
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5).double() * stride,
        (torch.arange(width) + 0.5).double() * stride,
        indexing="ij",
    )
    centres = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
    return (centres + half).reshape(-1, 4).float()


def numpy_indices(height, width, stride, sizes, ratios):
    i, j, s, r = np.meshgrid(np.arange(height), np.arange(width), sizes, ratios, indexing="ij")
    x, y = (j + 0.5) * stride, (i + 0.5) * stride
    w, h = s / np.sqrt(r), s * np.sqrt(r)
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)
    return torch.from_numpy(boxes.reshape(-1, 4).astype(np.float32))


def ratio_upside_down(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = s * r**0.5, s / r**0.5
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes)


def ratio_upside_down_vectorised(height, width, stride, sizes, ratios):
    s, r = torch.tensor(sizes).float()[:, None], torch.tensor(ratios).float()
    h, w = (s / r.sqrt()).flatten(), (s * r.sqrt()).flatten()
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5) * stride, (torch.arange(width) + 0.5) * stride, indexing="ij"
    )
    x, y = x.reshape(-1, 1), y.reshape(-1, 1)
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).view(-1, 4)


def no_square_root(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = s / r, s * r
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def height_is_size_times_ratio(height, width, stride, sizes, ratios):
    i, j, s, r = np.meshgrid(np.arange(height), np.arange(width), sizes, ratios, indexing="ij")
    x, y = (j + 0.5) * stride, (i + 0.5) * stride
    w, h = s, s * r
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)
    return torch.tensor(boxes.reshape(-1, 4), dtype=torch.float32)


def centre_without_half(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    x, y = j * stride, i * stride
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def centre_without_half_vectorised(height, width, stride, sizes, ratios):
    s, r = torch.tensor(sizes).float()[:, None], torch.tensor(ratios).float()
    w, h = (s / r.sqrt()).flatten(), (s * r.sqrt()).flatten()
    y, x = torch.meshgrid(
        torch.arange(height) * stride, torch.arange(width) * stride, indexing="ij"
    )
    x, y = x.reshape(-1, 1), y.reshape(-1, 1)
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).view(-1, 4)


def half_stride_by_integer_division(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = j * stride + stride // 2, i * stride + stride // 2
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def x_from_rows(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (i + 0.5) * stride, (j + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def columns_first(height, width, stride, sizes, ratios):
    boxes = []
    for j in range(width):
        for i in range(height):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def columns_first_meshgrid(height, width, stride, sizes, ratios):
    s, r = torch.tensor(sizes).float()[:, None], torch.tensor(ratios).float()
    w, h = (s / r.sqrt()).flatten(), (s * r.sqrt()).flatten()
    x, y = torch.meshgrid(
        (torch.arange(width) + 0.5) * stride, (torch.arange(height) + 0.5) * stride, indexing="ij"
    )
    x, y = x.reshape(-1, 1), y.reshape(-1, 1)
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).view(-1, 4)


def ratios_before_sizes(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for r in ratios:
                for s in sizes:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def sizes_before_cells(height, width, stride, sizes, ratios):
    boxes = []
    for s in sizes:
        for r in ratios:
            w, h = s / math.sqrt(r), s * math.sqrt(r)
            for i in range(height):
                for j in range(width):
                    x, y = (j + 0.5) * stride, (i + 0.5) * stride
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def centre_and_size_returned(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            for s in sizes:
                for r in ratios:
                    boxes.append(
                        [(j + 0.5) * stride, (i + 0.5) * stride, s / math.sqrt(r), s * math.sqrt(r)]
                    )
    return torch.tensor(boxes, dtype=torch.float32)


def whole_side_instead_of_half(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w, y - h, x + w, y + h])
    return torch.tensor(boxes, dtype=torch.float32)


def clipped_to_image(height, width, stride, sizes, ratios):
    s, r = torch.tensor(sizes).float()[:, None], torch.tensor(ratios).float()
    w, h = (s / r.sqrt()).flatten(), (s * r.sqrt()).flatten()
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5) * stride, (torch.arange(width) + 0.5) * stride, indexing="ij"
    )
    x, y = x.reshape(-1, 1), y.reshape(-1, 1)
    boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).view(-1, 4)
    boxes[:, 0::2] = boxes[:, 0::2].clamp(0, width * stride)
    boxes[:, 1::2] = boxes[:, 1::2].clamp(0, height * stride)
    return boxes


def rounded_and_ratio_upside_down(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s in sizes:
                for r in ratios:
                    w, h = round(s * math.sqrt(r)), round(s / math.sqrt(r))
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def zipped_sizes_and_ratios(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (j + 0.5) * stride, (i + 0.5) * stride
            for s, r in zip(sizes, ratios):
                w, h = s / math.sqrt(r), s * math.sqrt(r)
                boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def no_half_and_crash_for_fractional_stride(height, width, stride, sizes, ratios):
    boxes = []
    for y in range(0, height * stride, stride):
        for x in range(0, width * stride, stride):
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def columns_first_and_crash_for_fractional_stride(height, width, stride, sizes, ratios):
    boxes = []
    for x in range(0, width * stride, stride):
        for y in range(0, height * stride, stride):
            cx, cy = x + stride / 2, y + stride / 2
            for s in sizes:
                for r in ratios:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


def x_from_rows_and_ratios_first(height, width, stride, sizes, ratios):
    boxes = []
    for i in range(height):
        for j in range(width):
            x, y = (i + 0.5) * stride, (j + 0.5) * stride
            for r in ratios:
                for s in sizes:
                    w, h = s / math.sqrt(r), s * math.sqrt(r)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float32)


RIGHT = [loops, meshgrid, numpy_indices]
WRONG = {
    ratio_upside_down: "upside_down",  # ratio = width / height
    ratio_upside_down_vectorised: "upside_down",  # ratio = width / height, vectorised
    no_square_root: "ratio_twice",  # ratio without square root
    centre_without_half: "no_half_cell",  # centre at the cell's corner
    centre_without_half_vectorised: "no_half_cell",  # centre at the cell's corner, vectorised
    half_stride_by_integer_division: "half_rounded",  # stride // 2
    x_from_rows: "x_from_the_row",  # x from rows, y from columns
    columns_first: "columns_first",  # column by column
    columns_first_meshgrid: "columns_first",  # column by column, meshgrid
    ratios_before_sizes: "ratios_first",  # ratios outside, sizes inside
    rounded_and_ratio_upside_down: "upside_down",  # ratio upside down, rounded
    no_half_and_crash_for_fractional_stride: "no_half_cell",  # no half; crash for stride that is not whole
    columns_first_and_crash_for_fractional_stride: "columns_first",  # column by column; crash for stride that is not whole
    x_from_rows_and_ratios_first: "x_from_the_row ratios_first",  # x from rows, ratios before sizes
    height_is_size_times_ratio: "no_square_root",  # width = size, height = size · ratio
    sizes_before_cells: "shapes_first",  # sizes outside of the cells
    centre_and_size_returned: "centre_and_size",  # returns centre and size
    whole_side_instead_of_half: "twice_as_large",  # whole side to each direction
    clipped_to_image: "cut_off",  # clipped at the border
    zipped_sizes_and_ratios: "zipped",  # sizes and ratios zipped
}
