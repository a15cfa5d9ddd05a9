"""Answers to `from_rows` as students give them, written from the lecture's text alone."""

import torch


def reshape_permute(rows, height, width):
    D = rows.shape[1]
    return rows.reshape(-1, height, width, D).permute(0, 3, 1, 2)


def number_of_images_first(rows, height, width):
    M, D = rows.shape
    N = M // (height * width)
    maps = rows.view(N, height, width, D)
    return maps.transpose(2, 3).transpose(1, 2).contiguous()


def image_by_image(rows, height, width):
    D = rows.size(1)
    images = []
    for start in range(0, len(rows), height * width):
        image = rows[start : start + height * width]
        images.append(image.t().reshape(D, height, width))
    return torch.stack(images)


def movedim(rows, height, width):
    return rows.unflatten(0, (-1, height, width)).movedim(3, 1)


def straight_to_nchw(rows, height, width):
    return rows.view(-1, rows.shape[1], height, width)


def straight_to_nchw_with_n(rows, height, width):
    M, D = rows.shape
    return rows.reshape(M // (height * width), D, height, width)


def stays_nhwc(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[-1])


def width_first(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).permute(0, 3, 1, 2)


def width_first_and_exchanged_back(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).transpose(1, 3)


def transpose_1_3(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1]).transpose(1, 3)


def the_same_permute_again(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1]).permute(0, 2, 3, 1)


def batch_last(rows, height, width):
    return rows.reshape(height, width, -1, rows.shape[1]).permute(2, 3, 0, 1)


def t_and_reshape(rows, height, width):
    N = rows.shape[0] // (height * width)
    return rows.t().reshape(N, rows.shape[1], height, width)


def copied_values(rows, height, width):
    return (
        torch.tensor(rows.tolist(), dtype=rows.dtype)
        .reshape(-1, height, width, rows.shape[1])
        .permute(0, 3, 1, 2)
    )


RIGHT = [reshape_permute, number_of_images_first, image_by_image, movedim]
WRONG = {
    straight_to_nchw: "no_permute",  # mixes channels and places
    straight_to_nchw_with_n: "no_permute",  # likewise
    stays_nhwc: "channels_last",  # no permute
    width_first: "sides_exchanged",  # (N, D, W, H)
    width_first_and_exchanged_back: "column_by_column",  # the shape is right, the order isn't
    transpose_1_3: "transposed",  # (N, D, W, H)
    the_same_permute_again: "permuted_once_more",  # (N, W, D, H)
    batch_last: "batch_innermost",  # the batch as the fastest
    t_and_reshape: "transposed_and_reshaped",  # right for one image only
    copied_values: "detached",  # no gradient
}
