"""Answers to `masked_conv2d` as students give them, written from the lecture's text alone."""

import torch
from torch import nn
from torch.nn import functional as F


def same_padding(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias, padding="same")


def pad_first_and_fill(x, weight, mask, bias=None):
    kh, kw = weight.shape[-2:]
    x = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2))
    return F.conv2d(x, weight.masked_fill(mask == 0, 0), bias=bias)


def unfolded(x, weight, mask, bias=None):
    N, _, H, W = x.shape
    O, _, kh, kw = weight.shape
    patches = F.unfold(x, (kh, kw), padding=((kh - 1) // 2, (kw - 1) // 2))
    y = torch.einsum("ok,nkl->nol", (mask * weight).flatten(1), patches).view(N, O, H, W)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def shifted_maps(x, weight, mask, bias=None):
    H, W = x.shape[2:]
    O, I, kh, kw = weight.shape
    padded = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2))
    y = 0
    for a in range(kh):
        for b in range(kw):
            w = torch.where(mask[:, :, a, b] > 0, weight[:, :, a, b], 0.0)
            y = y + torch.einsum("oi,nihw->nohw", w, padded[:, :, a : a + H, b : b + W])
    if bias is not None:
        y = y + bias[:, None, None]
    return y


def pixel_by_pixel(x, weight, mask, bias=None):
    N, I, H, W = x.shape
    O, _, kh, kw = weight.shape
    xp = torch.zeros(N, I, H + kh - 1, W + kw - 1, dtype=x.dtype)
    xp[:, :, kh // 2 : kh // 2 + H, kw // 2 : kw // 2 + W] = x
    w = (weight * mask).reshape(O, -1)
    rows = []
    for i in range(H):
        row = []
        for j in range(W):
            patch = xp[:, :, i : i + kh, j : j + kw].reshape(N, -1)
            row.append(F.linear(patch, w, bias))
        rows.append(torch.stack(row, dim=-1))
    return torch.stack(rows, dim=-2)


def subtracts_what_is_hidden(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    padding = (kh // 2, kw // 2)
    y = F.conv2d(x, weight, bias, padding=padding)
    return y - F.conv2d(x, weight * (1 - mask), padding=padding)


def no_padding(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias)


def mask_forgotten(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    return F.conv2d(x, weight, bias, padding=(kh // 2, kw // 2))


def weight_zeroed_in_place(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    weight.data *= mask
    return F.conv2d(x, weight, bias, padding=(kh // 2, kw // 2))


def padding_of_the_height(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias, padding=weight.shape[-2] // 2)


def padding_of_the_width(x, weight, mask, bias=None):
    k = weight.size(-1)
    masked = weight * mask
    return F.conv2d(x, masked, bias=bias, stride=1, padding=(k - 1) // 2)


def padding_swapped(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    x = F.pad(x, (kh // 2, kh // 2, kw // 2, kw // 2))
    return F.conv2d(x, weight * mask, bias)


def bias_forgotten(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    return F.conv2d(x, weight * mask, padding=(kh // 2, kw // 2))


def bias_twice(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    y = F.conv2d(x, weight * mask, bias, padding=(kh // 2, kw // 2))
    if bias is not None:
        y = y + bias.view(1, -1, 1, 1)
    return y


def bias_along_the_width(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    y = F.conv2d(x, weight * mask, padding=(kh // 2, kw // 2))
    return y if bias is None else y + bias


def flipped_kernel(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    kernel = torch.flip(weight * mask, dims=(2, 3))
    return F.conv2d(x, kernel, bias, padding=(kh // 2, kw // 2))


def mask_inverted(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    w = weight.masked_fill(mask.bool(), 0.0)
    return F.conv2d(x, w, bias, padding=(kh // 2, kw // 2))


def a_new_layer(x, weight, mask, bias=None):
    O, I, kh, kw = weight.shape
    conv = nn.Conv2d(I, O, (kh, kw), padding=(kh // 2, kw // 2), bias=bias is not None)
    conv.weight = nn.Parameter(weight * mask)
    if bias is not None:
        conv.bias = nn.Parameter(bias)
    return conv(x)


def weight_detached(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    with torch.no_grad():
        w = weight.clone()
        w[mask == 0] = 0
    return F.conv2d(x, w, bias, padding=(kh // 2, kw // 2))


def gradient_behind_the_mask(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    hidden = (weight * (1 - mask)).detach()
    return F.conv2d(x, weight - hidden, bias, padding=(kh // 2, kw // 2))


def padded_above_and_left(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    x = F.pad(x, (kw - 1, 0, kh - 1, 0))
    return F.conv2d(x, weight * mask, bias)


def border_repeated(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    x = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2), mode="replicate")
    return F.conv2d(x, weight * mask, bias)


def no_padding_and_bias_forgotten(x, weight, mask, bias=None):
    return torch.conv2d(x, torch.mul(weight, mask))


def in_place_and_inverted(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    with torch.no_grad():
        weight[mask == 1] = 0
    return F.conv2d(x, weight, bias, padding=(kh // 2, kw // 2))


RIGHT = [
    same_padding,
    pad_first_and_fill,
    unfolded,
    shifted_maps,
    pixel_by_pixel,
    subtracts_what_is_hidden,
]
WRONG = {
    no_padding: "no_padding",
    mask_forgotten: "no_mask",
    weight_zeroed_in_place: "weight_overwritten",
    padding_of_the_height: "padding_by_height",
    padding_of_the_width: "padding_by_width",
    padding_swapped: "padding_exchanged",
    bias_forgotten: "no_bias",
    bias_twice: "bias_twice",
    bias_along_the_width: "",
    flipped_kernel: "flipped",
    mask_inverted: "inverted",
    a_new_layer: "both_cut_off",
    weight_detached: "weight_cut_off",
    gradient_behind_the_mask: "gradient_behind_the_mask",
    padded_above_and_left: "padded_above_and_left",
    border_repeated: "border_repeated",
    no_padding_and_bias_forgotten: "no_padding no_bias",
    in_place_and_inverted: "weight_overwritten inverted",
}
