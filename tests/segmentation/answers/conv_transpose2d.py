"""Answers to `conv_transpose2d` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def stamp_every_pixel(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            stamp = torch.einsum("nc,coab->noab", x[:, :, i, j], weight)
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += stamp
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    if bias is not None:
        out = out + bias[None, :, None, None]
    return out


def loop_over_kernel(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    full = torch.zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw, dtype=x.dtype)
    for a in range(kh):
        for b in range(kw):
            part = torch.einsum("ncij,co->noij", x, weight[:, :, a, b])
            full[
                :, :, a : a + (H - 1) * stride + 1 : stride, b : b + (W - 1) * stride + 1 : stride
            ] += part
    h, w = full.shape[2:]
    full = full[:, :, padding : h - padding, padding : w - padding]
    return full if bias is None else full + bias.view(1, -1, 1, 1)


def zeros_between_and_conv(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.flip(2, 3).transpose(0, 1), bias, padding=(kh - 1, kw - 1))
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def minus_padding_slice_empty(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    out = out[:, :, padding:-padding, padding:-padding]
    return out if bias is None else out + bias[:, None, None]


def padding_adds_zeros(x, weight, bias=None, stride=1, padding=0):
    x = F.pad(x, (padding,) * 4)
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def padding_ignored(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for a in range(kh):
        for b in range(kw):
            part = torch.einsum("ncij,co->noij", x, weight[:, :, a, b])
            out[
                :, :, a : a + (H - 1) * stride + 1 : stride, b : b + (W - 1) * stride + 1 : stride
            ] += part
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def padding_only_at_one_side(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    out = out[:, :, : out.shape[2] - 2 * padding, : out.shape[3] - 2 * padding]
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def bias_forgotten(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def bias_with_every_stamp(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            stamp = torch.einsum("nc,coab->noab", x[:, :, i, j], weight)
            if bias is not None:
                stamp = stamp + bias.view(1, -1, 1, 1)
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += stamp
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def overwritten_not_added(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def overwritten_not_added_by_kernel(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for a in range(kh):
        for b in range(kw):
            rows, cols = (
                slice(a, a + (H - 1) * stride + 1, stride),
                slice(b, b + (W - 1) * stride + 1, stride),
            )
            out[:, :, rows, cols] = torch.einsum("ncij,co->noij", x, weight[:, :, a, b])
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def kernel_not_flipped(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.transpose(0, 1), bias, padding=(kh - 1, kw - 1))
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def kernel_mirrored_loop(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            for a in range(kh):
                for b in range(kw):
                    out[:, :, i * stride + a, j * stride + b] += (
                        x[:, :, i, j] @ weight[:, :, kh - 1 - a, kw - 1 - b]
                    )
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def weight_axes_as_in_conv2d(x, weight, bias=None, stride=1, padding=0):
    N, C_in, H, W = x.shape
    C_out, _, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += torch.einsum(
                "nc,ocab->noab", x[:, :, i, j], weight
            )
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def zeros_after_last_pixel(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, H * stride, W * stride)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.flip(2, 3).transpose(0, 1), bias, padding=(kh - 1, kw - 1))
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def square_kernel_and_no_bias_gradient(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, k, _ = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + k, (W - 1) * stride + k)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + k, j * stride : j * stride + k] += torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    return out if bias is None else out + bias.detach().view(1, -1, 1, 1)


def not_flipped_and_crash_for_large_padding(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    return F.conv2d(
        spread, weight.transpose(0, 1), bias, padding=(kh - 1 - padding, kw - 1 - padding)
    )


def crash_for_large_padding(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    return F.conv2d(
        spread,
        weight.flip(2, 3).transpose(0, 1),
        bias,
        padding=(kh - 1 - padding, kw - 1 - padding),
    )


def sums_input_channels_before_and_no_bias_none(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            stamp = x[:, :, i, j].sum(1)[:, None, None, None] * weight.sum(0)[None]
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += stamp
    out = out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]
    return out + bias.view(1, -1, 1, 1)


def kernel_mirrored_and_bias_forgotten(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.transpose(0, 1), padding=(kh - 1, kw - 1))
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def padding_ignored_and_overwritten(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for i in range(H):
        for j in range(W):
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = torch.einsum(
                "nc,coab->noab", x[:, :, i, j], weight
            )
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def bias_forgotten_conv(x, weight, bias=None, stride=1, padding=0):
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.flip(2, 3).transpose(0, 1), padding=(kh - 1, kw - 1))
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


RIGHT = [stamp_every_pixel, loop_over_kernel, zeros_between_and_conv]
WRONG = {
    minus_padding_slice_empty: "crops_to_nothing",  # [p:-p] is empty for padding 0
    padding_adds_zeros: "padding_adds",  # padding adds zeros to the input
    bias_forgotten: "bias_forgotten",  # bias forgotten
    overwritten_not_added: "overwrites",  # overlapping stamps overwrite
    overwritten_not_added_by_kernel: "overwrites_by_kernel",  # overlapping stamps overwrite, other loop
    kernel_not_flipped: "flipped",  # kernel mirrored (not flipped for conv2d)
    kernel_mirrored_loop: "flipped",  # kernel mirrored, loop
    weight_axes_as_in_conv2d: "channels_exchanged",  # weight read as (C_out, C_in)
    square_kernel_and_no_bias_gradient: "",  # square kernels only (crash), bias detached
    not_flipped_and_crash_for_large_padding: "flipped",  # kernel mirrored; crash for padding > k - 1
    sums_input_channels_before_and_no_bias_none: "",  # input channels and kernels summed apart; crash for bias None
    kernel_mirrored_and_bias_forgotten: "flipped bias_forgotten",  # kernel mirrored, bias forgotten
    padding_ignored_and_overwritten: "padding_ignored overwrites",  # padding ignored, overlapping stamps overwrite
    bias_forgotten_conv: "bias_forgotten",  # bias forgotten, conv2d
    padding_ignored: "padding_ignored",  # padding ignored
    padding_only_at_one_side: "crops_one_side",  # 2·padding cut off at one side
    bias_with_every_stamp: "bias_in_each_stamp",  # bias added with every stamp
    zeros_after_last_pixel: "zeros_at_the_end",  # stride - 1 rows too many at the end
    crash_for_large_padding: "",  # crash for padding > k - 1
}
