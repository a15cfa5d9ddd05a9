"""Answers to `unet_forward` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def _down(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2)


def _up(x, skip, upsample, conv):
    up = upsample(x)
    up = F.pad(up, (0, skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2]))
    return conv(torch.cat([skip, up], dim=1))


def stack(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(), upsample, conv)
    return head(x)


def reversed_zip(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        h = conv(x)
        skips.append(h)
        x = F.max_pool2d(h, 2)
    z = bottleneck(x)
    for skip, up, conv in zip(reversed(skips), upsamples, up_convs):
        u = up(z)[:, :, : skip.shape[2], : skip.shape[3]]
        u = F.pad(u, (0, skip.shape[3] - u.shape[3], 0, skip.shape[2] - u.shape[2]))
        z = conv(torch.cat([skip, u], dim=1))
    return head(z)


def recursive(x, down_convs, bottleneck, upsamples, up_convs, head):
    depth = len(down_convs)

    def level(x, l):
        if l == depth:
            return bottleneck(x)
        skip, pooled = _down(x, down_convs[l])
        below = level(pooled, l + 1)
        return _up(below, skip, upsamples[depth - 1 - l], up_convs[depth - 1 - l])

    return head(level(x, 0))


def skips_from_fine_to_coarse(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips, upsamples, up_convs):
        x = _up(x, skip, upsample, conv)
    return head(x)


def skips_from_fine_to_coarse_index(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for i in range(len(down_convs)):
        skip = down_convs[i](x)
        skips.append(skip)
        x = F.max_pool2d(skip, 2)
    x = bottleneck(x)
    for i in range(len(upsamples)):
        u = upsamples[i](x)
        u = F.pad(u, (0, skips[i].shape[3] - u.shape[3], 0, skips[i].shape[2] - u.shape[2]))
        x = up_convs[i](torch.cat([skips[i], u], dim=1))
    return head(x)


def skips_pop_0(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(0), upsample, conv)
    return head(x)


def up_lists_reversed(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips[::-1], upsamples[::-1], up_convs[::-1]):
        x = _up(x, skip, upsample, conv)
    return head(x)


def up_lists_reversed_index(x, down_convs, bottleneck, upsamples, up_convs, head):
    depth = len(down_convs)
    skips = [None] * depth
    for l in range(depth):
        skips[l], x = _down(x, down_convs[l])
    x = bottleneck(x)
    for l in range(depth - 1, -1, -1):
        x = _up(x, skips[l], upsamples[l], up_convs[l])
    return head(x)


def bottleneck_forgotten(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(), upsample, conv)
    return head(x)


def bottleneck_on_unpooled(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(skip)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(), upsample, conv)
    return head(x)


def head_forgotten(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(), upsample, conv)
    return x


def head_at_every_level(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = head(_up(x, skips.pop(), upsample, conv))
    return x


def argmax_of_head(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(), upsample, conv)
    return head(x).softmax(dim=1)


def lists_emptied(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    while down_convs:
        skip, x = _down(x, down_convs.pop(0))
        skips.append(skip)
    x = bottleneck(x)
    while skips:
        x = _up(x, skips.pop(), upsamples.pop(0), up_convs.pop(0))
    return head(x)


def always_last_skip(x, down_convs, bottleneck, upsamples, up_convs, head):
    for conv in down_convs:
        skip, x = _down(x, conv)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skip, upsample, conv)
    return head(x)


def skip_before_conv(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skips.append(x)
        x = F.max_pool2d(conv(x), 2)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = _up(x, skips.pop(), upsample, conv)
    return head(x)


def concatenation_order_and_crash_on_odd(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        x = conv(x)
        skips.append(x)
        x = F.max_pool2d(x, 2)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = conv(torch.cat([upsample(x), skips.pop()], dim=1))
    return head(x)


def fine_to_coarse_and_no_bottleneck(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    for skip, upsample, conv in zip(skips, upsamples, up_convs):
        x = _up(x, skip, upsample, conv)
    return head(x)


def no_head_and_crash_on_odd(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        x = conv(x)
        skips.append(x)
        x = F.max_pool2d(x, 2)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        x = conv(torch.cat([skips.pop(), upsample(x)], dim=1))
    return x


def interpolated_to_size(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs):
        skip = skips.pop()
        u = F.interpolate(upsample(x), size=skip.shape[2:])
        x = conv(torch.cat([skip, u], dim=1))
    return head(x)


def up_lists_reversed_and_head_forgotten(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = _down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips[::-1], upsamples[::-1], up_convs[::-1]):
        x = _up(x, skip, upsample, conv)
    return x


RIGHT = [stack, reversed_zip, recursive]
WRONG = {
    skips_from_fine_to_coarse: "skips_from_the_top",  # skips used from fine to coarse
    skips_from_fine_to_coarse_index: "skips_from_the_top",  # skips used from fine to coarse, by index
    skips_pop_0: "skips_from_the_top",  # skips used from fine to coarse, pop(0)
    up_lists_reversed: "blocks_from_the_top",  # upsamples and up_convs reversed
    up_lists_reversed_index: "blocks_from_the_top",  # upsamples and up_convs reversed, by index
    bottleneck_forgotten: "bottleneck_forgotten",  # bottleneck forgotten
    head_forgotten: "head_forgotten",  # head forgotten
    lists_emptied: "",  # the lists given are emptied
    always_last_skip: "last_skip_only",  # the coarsest skip at every level (stale variable)
    skip_before_conv: "skips_before_conv",  # skip is the input of conv
    concatenation_order_and_crash_on_odd: "skips_last even_sizes_only",  # upsampled channels first; crash on odd sizes
    fine_to_coarse_and_no_bottleneck: "skips_from_the_top bottleneck_forgotten",  # skips from fine to coarse, bottleneck forgotten
    no_head_and_crash_on_odd: "head_forgotten even_sizes_only",  # head forgotten; crash on odd sizes
    up_lists_reversed_and_head_forgotten: "blocks_from_the_top head_forgotten",  # upsamples and up_convs reversed, head forgotten
    bottleneck_on_unpooled: "bottleneck_unpooled",  # bottleneck gets the unpooled map
    head_at_every_level: "",  # head at every level
    argmax_of_head: "softmax",  # softmax on top of the logits
    interpolated_to_size: "resizes",  # interpolated instead of padded
}
