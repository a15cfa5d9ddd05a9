"""Answers to `to_rows` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def movedim_and_flatten(maps):
    return maps.movedim(1, -1).flatten(0, 2)


def loop_over_places(maps):
    N, D, H, W = maps.shape
    return torch.stack([maps[n, :, i, j] for n in range(N) for i in range(H) for j in range(W)])


def images_one_by_one(maps):
    return torch.cat([image.flatten(1).T for image in maps])


def einsum_of_flat_maps(maps):
    D = maps.shape[1]
    return torch.einsum("ndp->npd", maps.flatten(2)).contiguous().view(-1, D)


def column_by_column(maps):
    return torch.stack([maps[:, d].reshape(-1) for d in range(maps.shape[1])], dim=1)


def reshape_alone(maps):
    return maps.reshape(-1, maps.shape[1])


def lines_and_columns_swapped(maps):
    D = maps.shape[1]
    return maps.transpose(1, 3).reshape(-1, D)


def view_after_permute(maps):
    D = maps.shape[1]
    return maps.permute(0, 2, 3, 1).view(-1, D)


def channels_in_rows(maps):
    return maps.permute(1, 0, 2, 3).flatten(1)


def channels_to_the_front_then_reshape(maps):
    D = maps.shape[1]
    return maps.transpose(0, 1).reshape(-1, D)


def images_vary_fastest(maps):
    D = maps.shape[1]
    return maps.permute(2, 3, 0, 1).reshape(-1, D)


def three_dimensions(maps):
    return maps.flatten(2).transpose(1, 2)


def one_row_for_each_image(maps):
    return maps.permute(0, 2, 3, 1).flatten(1)


def one_row_for_each_line(maps):
    N, D, H, W = maps.shape
    return maps.permute(0, 2, 3, 1).reshape(N * H, W * D)


def always_float32(maps):
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).float()


def through_numpy(maps):
    a = maps.detach().numpy().transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    return torch.from_numpy(a)


def empty_in_float32(maps):
    N, D, H, W = maps.shape
    rows = torch.zeros(N * H * W, D)
    for i in range(H):
        for j in range(W):
            rows[i * W + j :: H * W] = maps[:, :, i, j]
    return rows


def stride_of_height(maps):
    N, D, H, W = maps.shape
    rows = maps.new_zeros(N * H * W, D)
    for n in range(N):
        for i in range(H):
            for j in range(W):
                rows[(n * H + i) * H + j] = maps[n, :, i, j]
    return rows


def only_one_image(maps):
    D = maps.shape[1]
    return maps.squeeze(0).permute(1, 2, 0).reshape(-1, D)


def squeezes_sides_of_one(maps):
    return maps.squeeze().permute(0, 2, 3, 1).flatten(0, 2)


def swapped_and_float32(maps):
    return maps.float().permute(0, 3, 2, 1).reshape(-1, maps.shape[1])


RIGHT = [
    movedim_and_flatten,
    loop_over_places,
    images_one_by_one,
    einsum_of_flat_maps,
    column_by_column,
]
WRONG = {
    reshape_alone: "no_permute",
    lines_and_columns_swapped: "column_by_column",
    view_after_permute: "view_after_permute",
    channels_in_rows: "channels_as_rows",
    channels_to_the_front_then_reshape: "channels_first",
    images_vary_fastest: "batch_innermost",
    three_dimensions: "images_apart",
    one_row_for_each_image: "images_as_rows",
    one_row_for_each_line: "lines_as_rows",
    always_float32: "",
    through_numpy: "detached",
    empty_in_float32: "",
    stride_of_height: "lines_of_height",
    only_one_image: "only_one_image",
    squeezes_sides_of_one: "",
    swapped_and_float32: "column_by_column",
}
