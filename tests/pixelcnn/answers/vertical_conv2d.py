"""Answers to `vertical_conv2d` as students give them, written from the lecture's text alone."""

import torch
from torch.nn import functional as F


def pad_and_shift(x, weight, bias=None):
    kh, kw = weight.shape[-2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    above = F.pad(maps[:, :, :-1], (0, 0, 1, 0))
    return maps, above


def padded_on_both_sides_and_cut(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(x, weight, bias, padding=(kh - 1, kw // 2))[:, :, : x.shape[2]]
    first = torch.zeros_like(maps[:, :, :1])
    return maps, torch.cat((first, maps[:, :, :-1]), dim=2)


def large_kernel_with_empty_rows(x, weight, bias=None):
    O, I, kh, kw = weight.shape
    below = torch.zeros(O, I, kh - 1, kw, dtype=weight.dtype)
    maps = F.conv2d(x, torch.cat([weight, below], dim=2), bias, padding="same")
    above = torch.roll(maps, 1, dims=2)
    keep = (torch.arange(x.shape[2]) > 0).to(maps.dtype)
    return maps, above * keep[:, None]


def offset_by_offset(x, weight, bias=None):
    N, I, H, W = x.shape
    O, _, kh, kw = weight.shape
    padded = F.pad(x, (kw // 2, kw // 2, kh - 1, 0))
    maps = torch.zeros(N, O, H, W, dtype=x.dtype)
    for a in range(kh):
        for b in range(kw):
            seen = padded[:, :, a : a + H, b : b + W]
            maps = maps + torch.einsum("oi,nihw->nohw", weight[:, :, a, b], seen)
    if bias is not None:
        maps = maps + bias[None, :, None, None]
    above = torch.zeros_like(maps)
    above[:, :, 1:] = maps[:, :, :-1]
    return maps, above


def row_by_row(x, weight, bias=None):
    N, I, H, W = x.shape
    O, _, kh, kw = weight.shape
    no_row = x.new_zeros(N, I, 1, W)
    rows = []
    for i in range(H):
        seen = [x[:, :, r : r + 1] if r >= 0 else no_row for r in range(i - kh + 1, i + 1)]
        rows.append(F.conv2d(torch.cat(seen, dim=2), weight, bias, padding=(0, (kw - 1) // 2)))
    above = [torch.zeros(N, O, 1, W, dtype=rows[0].dtype)] + rows
    return torch.cat(rows, dim=2), torch.cat(above[:-1], dim=2)


def bias_in_the_first_row(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    above = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh, 0))[:, :, :-1], weight, bias)
    return maps, above


def not_shifted(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    return maps, maps


def shifted_up(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    return maps, F.pad(maps[:, :, 1:], (0, 0, 0, 1))


def rolled(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    return maps, maps.roll(1, dims=2)


def sees_rows_below(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    x_padded = F.pad(x, (kw // 2, kw // 2, kh // 2, kh - 1 - kh // 2))
    maps = F.conv2d(x_padded, weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def padded_below(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, 0, kh - 1)), weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def own_row_missing(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh, 0)), weight, bias)[:, :, :-1]
    return maps, maps


def one_row_too_late(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh, 0)), weight, bias)[:, :, :-1]
    above = torch.zeros_like(maps)
    above[:, :, 1:] = maps[:, :, :-1]
    return maps, above


def above_first(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    above = F.pad(maps, (0, 0, 1, 0))[:, :, :-1]
    return above, maps


def shifted_to_the_right(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    return maps, F.pad(maps, (1, 0))[..., :-1]


def bias_forgotten(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def pad_in_the_wrong_order(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kh - 1, 0, kw // 2, kw // 2)), weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def columns_only_on_the_left(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw - 1, 0, kh - 1, 0)), weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def columns_not_padded(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (0, 0, kh - 1, 0)), weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def maps_changed_too(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    above = maps
    above[:, :, 1:] = maps[:, :, :-1].clone()
    above[:, :, 0] = 0
    return maps, above


def above_detached(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    above = torch.zeros(maps.shape, dtype=maps.dtype)
    above[:, :, 1:] = maps.data[:, :, :-1]
    return maps, above


def a_row_less(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    return maps, maps[:, :, :-1]


def first_row_repeated(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight, bias)
    return maps, torch.cat([maps[:, :, :1], maps[:, :, :-1]], dim=2)


def kernel_upside_down(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), weight.flip(2), bias)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def rolled_and_bias_forgotten(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(x, weight, padding=(kh - 1, kw // 2))[:, :, : x.shape[2]]
    return maps, torch.roll(maps, shifts=1, dims=2)


def sees_rows_below_and_not_shifted(x, weight, bias=None):
    maps = F.conv2d(x, weight, bias, padding="same")
    return maps, maps


RIGHT = [
    pad_and_shift,
    padded_on_both_sides_and_cut,
    large_kernel_with_empty_rows,
    offset_by_offset,
    row_by_row,
]
WRONG = {
    bias_in_the_first_row: "input_shifted",
    not_shifted: "not_shifted",
    shifted_up: "shifted_up",
    rolled: "rolled",
    sees_rows_below: "half_of_the_rows",
    padded_below: "looks_down",
    own_row_missing: "",
    one_row_too_late: "a_row_too_late",
    above_first: "exchanged",
    shifted_to_the_right: "shifted_right",
    bias_forgotten: "no_bias",
    pad_in_the_wrong_order: "padding_exchanged",
    columns_only_on_the_left: "looks_left",
    columns_not_padded: "columns_not_padded",
    maps_changed_too: "maps_shifted",
    above_detached: "above_detached",
    a_row_less: "row_less",
    first_row_repeated: "first_row_repeated",
    kernel_upside_down: "upside_down",
    rolled_and_bias_forgotten: "rolled no_bias",
    sees_rows_below_and_not_shifted: "padded_on_both_sides not_shifted",
}
