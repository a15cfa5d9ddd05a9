"""Answers to `from_rows` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def unflatten_and_movedim(rows, height, width):
    return rows.unflatten(0, (-1, height, width)).movedim(-1, 1)


def image_after_image(rows, height, width):
    D = rows.shape[1]
    return torch.stack([r.T.reshape(D, height, width) for r in rows.split(height * width)])


def fill_place_by_place(rows, height, width):
    N = rows.shape[0] // (height * width)
    maps = rows.new_zeros(N, rows.shape[1], height, width)
    for i in range(height):
        for j in range(width):
            maps[:, :, i, j] = rows[i * width + j :: height * width]
    return maps


def channel_by_channel(rows, height, width):
    return torch.stack([c.reshape(-1, height, width) for c in rows.unbind(1)], dim=1)


def places_then_lines(rows, height, width):
    places = rows.reshape(-1, height * width, rows.shape[1]).mT
    return places.unflatten(2, (height, width)).contiguous()


def reshape_alone(rows, height, width):
    return rows.reshape(-1, rows.shape[1], height, width)


def permute_forgotten(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1])


def height_and_width_swapped(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).permute(0, 3, 2, 1)


def transposed_maps(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1]).transpose(1, 3)


def width_first(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).permute(0, 3, 1, 2)


def turned_rows_then_reshape(rows, height, width):
    return rows.T.reshape(-1, rows.shape[1], height, width)


def images_last(rows, height, width):
    return rows.reshape(height, width, -1, rows.shape[1]).permute(2, 3, 0, 1)


def only_one_image(rows, height, width):
    return rows.reshape(1, height, width, rows.shape[1]).permute(0, 3, 1, 2)


def number_of_images_without_brackets(rows, height, width):
    N = len(rows) // height * width
    return rows.reshape(N, height, width, rows.shape[1]).permute(0, 3, 1, 2)


def square_maps_assumed(rows, height, width):
    return rows.reshape(-1, height, height, rows.shape[1]).permute(0, 3, 1, 2)


def through_numpy(rows, height, width):
    a = rows.detach().numpy().reshape(-1, height, width, rows.shape[1])
    return torch.from_numpy(a.transpose(0, 3, 1, 2).copy())


def always_float32(rows, height, width):
    maps = rows.reshape(-1, height, width, rows.shape[1]).permute(0, 3, 1, 2)
    return maps.to(torch.float32)


def zeros_in_float32(rows, height, width):
    N = len(rows) // (height * width)
    maps = torch.zeros(N, rows.shape[1], height, width)
    for n in range(N):
        one = rows[n * height * width : (n + 1) * height * width]
        maps[n] = one.T.reshape(-1, height, width)
    return maps


def squeezed(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1]).permute(0, 3, 1, 2).squeeze()


def transposed_maps_and_float32(rows, height, width):
    return rows.float().reshape(-1, height, width, rows.shape[1]).permute(0, 3, 2, 1)


def reshape_alone_and_swapped(rows, height, width):
    return rows.reshape(-1, rows.shape[1], width, height).transpose(2, 3)


RIGHT = [
    unflatten_and_movedim,
    image_after_image,
    fill_place_by_place,
    channel_by_channel,
    places_then_lines,
]
WRONG = {
    reshape_alone: "no_permute",
    permute_forgotten: "channels_last",
    height_and_width_swapped: "column_by_column",
    transposed_maps: "transposed",
    width_first: "sides_exchanged",
    turned_rows_then_reshape: "transposed_and_reshaped",
    images_last: "batch_innermost",
    only_one_image: "only_one_image",
    number_of_images_without_brackets: "without_brackets",
    square_maps_assumed: "square_maps",
    through_numpy: "detached",
    always_float32: "",
    zeros_in_float32: "",
    squeezed: "",
    transposed_maps_and_float32: "transposed",
    reshape_alone_and_swapped: "no_permute_and_transposed",
}
