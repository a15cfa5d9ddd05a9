"""Answers to `max_unpool` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def scatter(x, indices, output_size):
    N, C = x.shape[:2]
    H, W = output_size
    out = x.new_zeros(N, C, H * W)
    out = out.scatter(2, indices.flatten(2), x.flatten(2))
    return out.view(N, C, H, W)


def loop(x, indices, output_size):
    N, C, h, w = x.shape
    H, W = output_size
    out = torch.zeros(N, C, H, W, dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(h):
                for j in range(w):
                    k = int(indices[n, c, i, j])
                    out[n, c, k // W, k % W] = x[n, c, i, j]
    return out


def advanced_indexing(x, indices, output_size):
    N, C, h, w = x.shape
    H, W = output_size
    n = torch.arange(N)[:, None, None, None].expand_as(indices)
    c = torch.arange(C)[None, :, None, None].expand_as(indices)
    out = torch.zeros((N, C, H, W), dtype=x.dtype, device=x.device)
    out[n, c, indices // W, indices % W] = x
    return out


def one_hot_sum(x, indices, output_size):
    H, W = output_size
    places = torch.arange(H * W)
    hit = (indices.flatten(2)[..., None] == places).to(x.dtype)
    return torch.einsum("nck,nckp->ncp", x.flatten(2), hit).reshape(*x.shape[:2], H, W)


def divides_by_pooled_width(x, indices, output_size):
    N, C, h, w = x.shape
    out = x.new_zeros(N, C, *output_size)
    for n in range(N):
        for c in range(C):
            for i in range(h):
                for j in range(w):
                    k = indices[n, c, i, j].item()
                    row, col = k // (2 * w), k % (2 * w)
                    out[n, c, row, col] = x[n, c, i, j]
    return out


def always_twice_as_large(x, indices, output_size):
    N, C, h, w = x.shape
    out = x.new_zeros(N, C, 4 * h * w)
    return out.scatter(2, indices.flatten(2), x.flatten(2)).view(N, C, 2 * h, 2 * w)


def divides_by_height(x, indices, output_size):
    N, C, h, w = x.shape
    H, W = output_size
    out = x.new_zeros(N, C, H, W)
    n = torch.arange(N)[:, None, None, None].expand_as(indices)
    c = torch.arange(C)[None, :, None, None].expand_as(indices)
    out[n, c, (indices // H).clamp(max=H - 1), indices % H] = x
    return out


def column_times_height_loop(x, indices, output_size):
    N, C, h, w = x.shape
    H, W = output_size
    out = torch.zeros(N, C, H, W, dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for value, k in zip(x[n, c].flatten(), indices[n, c].flatten().tolist()):
                col, row = k // H, k % H
                out[n, c, row, col % W] = value
    return out


def height_and_width_swapped(x, indices, output_size):
    W, H = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H * W).scatter(2, indices.flatten(2), x.flatten(2))
    return out.view(N, C, H, W)


def height_and_width_swapped_index(x, indices, output_size):
    W, H = output_size
    N, C, h, w = x.shape
    out = x.new_zeros(N, C, H, W)
    for n in range(N):
        for c in range(C):
            for i in range(h):
                for j in range(w):
                    k = indices[n, c, i, j]
                    out[n, c, k // W, k % W] = x[n, c, i, j]
    return out


def forgets_channels(x, indices, output_size):
    H, W = output_size
    N, C, h, w = x.shape
    out = x.new_zeros(N, C * H * W)
    out = out.scatter(1, indices.flatten(1), x.flatten(1))
    return out.view(N, C, H, W)


def forgets_channels_and_images(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = torch.zeros(N * C * H * W, dtype=x.dtype)
    out[indices.flatten()] = x.flatten()
    return out.view(N, C, H, W)


def same_indices_for_all_channels(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H * W)
    for n in range(N):
        out[n, :, indices[n, 0].flatten()] = x[n].flatten(1)
    return out.view(N, C, H, W)


def first_image_indices(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H * W)
    for c in range(C):
        out[:, c, indices[0, c].flatten()] = x[:, c].flatten(1)
    return out.view(N, C, H, W)


def detached(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H * W)
    out.scatter_(2, indices.flatten(2), x.detach().flatten(2))
    return out.view(N, C, H, W)


def detached_numpy(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = np.zeros((N, C, H * W), dtype=x.detach().numpy().dtype)
    np.put_along_axis(out, indices.flatten(2).numpy(), x.detach().flatten(2).numpy(), axis=2)
    return torch.from_numpy(out).view(N, C, H, W)


def bed_of_nails(x, indices, output_size):
    H, W = output_size
    N, C, h, w = x.shape
    out = x.new_zeros(N, C, H, W)
    out[:, :, 0 : 2 * h : 2, 0 : 2 * w : 2] = x
    return out


def not_reshaped_and_float32(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = torch.zeros(N, C, H * W)
    return out.scatter(2, indices.flatten(2), x.flatten(2).float())


def channels_forgotten_and_crash_on_odd(x, indices, output_size):
    N, C, h, w = x.shape
    out = x.new_zeros(N, C * 4 * h * w)
    out = out.scatter(1, indices.reshape(N, -1), x.reshape(N, -1))
    return out.view(N, C, output_size[0], output_size[1])


def off_by_one_and_crash_at_last(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H * W)
    for n in range(N):
        for c in range(C):
            for v, k in zip(x[n, c].flatten(), indices[n, c].flatten()):
                out[n, c, k + 1] = v
    return out.view(N, C, H, W)


def height_and_width_swapped_and_detached(x, indices, output_size):
    W, H = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H * W).scatter(2, indices.flatten(2), x.detach().flatten(2))
    return out.view(N, C, H, W)


RIGHT = [scatter, loop, advanced_indexing, one_hot_sum]
WRONG = {
    divides_by_pooled_width: "twice_the_pooled_width",  # takes 2 w for the width: wrong for odd sizes and other pooling
    always_twice_as_large: "doubles",  # output always 2h × 2w
    divides_by_height: "height_for_width",  # index divided by H
    column_times_height_loop: "column_by_column",  # index read as column * H + row
    height_and_width_swapped: "sides_exchanged",  # output_size read as (W, H)
    height_and_width_swapped_index: "sides_exchanged",  # output_size read as (W, H), loop
    forgets_channels: "one_row_per_image",  # indices without the channel's offset
    forgets_channels_and_images: "one_plane",  # indices without offset of channel and image
    detached: "detached",  # detached
    detached_numpy: "detached",  # detached by NumPy
    not_reshaped_and_float32: "",  # returned flat, and float32 always
    channels_forgotten_and_crash_on_odd: "one_row_per_image doubles",  # channel offset forgotten; crash for odd sizes
    off_by_one_and_crash_at_last: "",  # index off by one; crash where the last pixel is the maximum
    height_and_width_swapped_and_detached: "sides_exchanged detached",  # output_size read as (W, H), detached
    same_indices_for_all_channels: "first_channels_indices",  # indices of channel 0 for all channels
    first_image_indices: "first_images_indices",  # indices of image 0 for all images
    bed_of_nails: "fixed_places",  # bed of nails: indices unused; crash for other pooling
}
