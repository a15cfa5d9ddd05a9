"""Answers to `to_rows` as students give them, written from the lecture's text alone."""

import numpy as np
import torch


def permute_reshape(maps):
    N, D, H, W = maps.shape
    return maps.permute(0, 2, 3, 1).reshape(N * H * W, D)


def permute_contiguous_view(maps):
    D = maps.size(1)
    return maps.permute(0, 2, 3, 1).contiguous().view(-1, D)


def flatten_and_transpose(maps):
    return maps.flatten(start_dim=2).transpose(1, 2).flatten(0, 1)


def four_loops(maps):
    N, D, H, W = maps.shape
    out = torch.empty(N * H * W, D, dtype=maps.dtype)
    for n in range(N):
        for h in range(H):
            for w in range(W):
                for d in range(D):
                    out[n * H * W + h * W + w, d] = maps[n, d, h, w]
    return out


def just_view(maps):
    N, D, H, W = maps.shape
    return maps.view(N * H * W, D)


def just_reshape(maps):
    return maps.reshape(-1, maps.shape[1])


def height_and_width_swapped(maps):
    return maps.transpose(1, 3).reshape(-1, maps.shape[1])


def width_before_height(maps):
    N, D, H, W = maps.shape
    return maps.permute(0, 3, 2, 1).contiguous().view(N * H * W, D)


def places_before_images(maps):
    return maps.permute(2, 3, 0, 1).reshape(-1, maps.shape[1])


def only_one_transpose(maps):
    N, D, H, W = maps.shape
    return maps.transpose(1, 2).reshape(N * H * W, D)


def flat_and_t(maps):
    N, D, H, W = maps.shape
    return maps.reshape(D, N * H * W).t()


def no_last_transpose(maps):
    return maps.permute(1, 0, 2, 3).reshape(maps.shape[1], -1)


def batch_kept(maps):
    N, D, H, W = maps.shape
    return maps.permute(0, 2, 3, 1).reshape(N, H * W, D)


def view_fails(maps):
    N, D, H, W = maps.shape
    return maps.permute(0, 2, 3, 1).view(N * H * W, D)


def with_numpy(maps):
    array = maps.detach().numpy()
    return torch.from_numpy(np.moveaxis(array, 1, -1).reshape(-1, array.shape[1]))


def no_reshape(maps):
    return maps.movedim(1, -1)


RIGHT = [permute_reshape, permute_contiguous_view, flatten_and_transpose, four_loops]
WRONG = {
    just_view: "no_permute",  # codes mix channels and places
    just_reshape: "no_permute",  # likewise
    height_and_width_swapped: "column_by_column",  # transpose(1, 3)
    width_before_height: "column_by_column",  # permute(0, 3, 2, 1)
    places_before_images: "batch_innermost",  # permute(2, 3, 0, 1)
    only_one_transpose: "channels_in_the_middle",  # permute(0, 2, 1, 3)
    flat_and_t: "reshaped_and_transposed",  # right for one image only
    no_last_transpose: "channels_as_rows",  # (D, M) for (M, D)
    batch_kept: "images_apart",  # three dimensions
    view_fails: "view_after_permute",  # an error
    with_numpy: "detached",  # no gradient
    no_reshape: "not_reshaped",  # four dimensions
}
