"""Answers to `unet_down` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def maxpool(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2)


def module(x, conv):
    h = conv(x)
    pool = torch.nn.MaxPool2d(kernel_size=2, stride=2)
    return (h, pool(h))


def slices(x, conv):
    skip = conv(x)
    H, W = skip.shape[2] // 2 * 2, skip.shape[3] // 2 * 2
    s = skip[:, :, :H, :W]
    top = torch.maximum(s[:, :, ::2, ::2], s[:, :, ::2, 1::2])
    bottom = torch.maximum(s[:, :, 1::2, ::2], s[:, :, 1::2, 1::2])
    return skip, torch.maximum(top, bottom)


def reshape_amax(x, conv):
    skip = conv(x)
    N, C, H, W = skip.shape
    blocks = skip[:, :, : H - H % 2, : W - W % 2].reshape(N, C, H // 2, 2, W // 2, 2)
    return skip, blocks.amax(dim=5).amax(dim=3)


def skip_is_input(x, conv):
    return x, F.max_pool2d(conv(x), 2)


def skip_is_pooled(x, conv):
    pooled = F.max_pool2d(conv(x), 2)
    return pooled, pooled


def order_swapped(x, conv):
    skip = conv(x)
    pooled = F.max_pool2d(skip, 2)
    return pooled, skip


def conv_called_twice(x, conv):
    return conv(x), F.max_pool2d(conv(x), 2)


def pooled_before_conv(x, conv):
    skip = conv(x)
    pooled = conv(F.max_pool2d(x, 2))
    return skip, pooled


def pools_the_input(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(x, 2)


def ceil_mode(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2, ceil_mode=True)


def ceil_by_padding(x, conv):
    skip = conv(x)
    padded = F.pad(skip, (0, skip.shape[3] % 2, 0, skip.shape[2] % 2))
    return skip, F.max_pool2d(padded, 2)


def adaptive_pool(x, conv):
    skip = conv(x)
    return skip, F.adaptive_max_pool2d(skip, (skip.shape[2] // 2, skip.shape[3] // 2))


def average_pool(x, conv):
    skip = conv(x)
    return skip, F.avg_pool2d(skip, 2)


def average_pool_slices(x, conv):
    skip = conv(x)
    H, W = skip.shape[2] // 2 * 2, skip.shape[3] // 2 * 2
    s = skip[..., :H, :W]
    return skip, (s[..., ::2, ::2] + s[..., 1::2, ::2] + s[..., ::2, 1::2] + s[..., 1::2, 1::2]) / 4


def stride_one(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2, stride=1)


def kernel_three_padded(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 3, stride=2, padding=1)


def every_second_pixel(x, conv):
    skip = conv(x)
    H, W = skip.shape[2:]
    return skip, skip[:, :, : H // 2 * 2 : 2, : W // 2 * 2 : 2]


def skip_detached(x, conv):
    skip = conv(x)
    return skip.detach(), F.max_pool2d(skip, 2)


def pooled_by_numpy_and_swapped(x, conv):
    skip = conv(x)
    a = skip.detach().numpy()
    a = a[:, :, : a.shape[2] // 2 * 2, : a.shape[3] // 2 * 2]
    pooled = np.maximum(
        np.maximum(a[..., ::2, ::2], a[..., 1::2, ::2]),
        np.maximum(a[..., ::2, 1::2], a[..., 1::2, 1::2]),
    )
    return torch.from_numpy(pooled), skip


def average_and_crash_on_odd(x, conv):
    skip = conv(x)
    N, C, H, W = skip.shape
    return skip, skip.view(N, C, H // 2, 2, W // 2, 2).mean(dim=(3, 5))


def skip_is_input_and_crash_on_odd(x, conv):
    h = conv(x)
    pooled = torch.maximum(
        torch.maximum(h[:, :, ::2, ::2], h[:, :, 1::2, ::2]),
        torch.maximum(h[:, :, ::2, 1::2], h[:, :, 1::2, 1::2]),
    )
    return x, pooled


def average_and_order_swapped(x, conv):
    skip = conv(x)
    return F.avg_pool2d(skip, 2), skip


def pools_the_input_module(x, conv):
    pool = torch.nn.MaxPool2d(2, 2)
    pooled = pool(x)
    x = conv(x)
    return x, pooled


RIGHT = [maxpool, module, slices, reshape_amax]
WRONG = {
    skip_is_input: "skip_is_the_input",  # skip is x, not conv(x)
    order_swapped: "exchanged",  # (pooled, skip)
    conv_called_twice: "calls_twice",  # conv called twice
    pools_the_input: "pools_the_input",  # pools x instead of conv(x)
    ceil_mode: "rounds_up",  # odd last row kept (ceil_mode)
    ceil_by_padding: "fills_up",  # odd last row kept (padding with zeros)
    average_pool: "averages",  # average pooling
    average_pool_slices: "averages",  # average pooling by slices
    skip_detached: "skip_detached",  # skip detached
    pooled_by_numpy_and_swapped: "exchanged",  # pooled without gradient, order swapped
    average_and_crash_on_odd: "averages",  # average; crash on odd sizes
    skip_is_input_and_crash_on_odd: "skip_is_the_input",  # skip is x; crash on odd sizes
    average_and_order_swapped: "averages exchanged",  # average pooling, (pooled, skip)
    pools_the_input_module: "pools_the_input",  # pools x instead of conv(x), module
    skip_is_pooled: "skip_is_pooled",  # skip is the pooled map
    pooled_before_conv: "pools_first",  # pooled, then conv; conv called twice
    adaptive_pool: "",  # adaptive pooling: other windows for odd sizes
    stride_one: "stride_one",  # stride 1
    kernel_three_padded: "three_by_three",  # 3 × 3 pooling
    every_second_pixel: "every_second_pixel",  # every second pixel instead of the maximum
}
