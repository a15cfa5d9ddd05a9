"""Answers to `unet_up` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def pad_negative_crops(x, skip, upsample, conv):
    up = upsample(x)
    up = F.pad(up, (0, skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2]))
    return conv(torch.cat([skip, up], dim=1))


def crop_then_pad(x, skip, upsample, conv):
    u = upsample(x)
    H, W = skip.shape[-2:]
    u = u[:, :, :H, :W]
    if u.shape[2] < H or u.shape[3] < W:
        u = F.pad(u, (0, W - u.shape[3], 0, H - u.shape[2]))
    return conv(torch.cat((skip, u), 1))


def copied_into_zeros(x, skip, upsample, conv):
    u = upsample(x)
    H, W = skip.shape[2:]
    h, w = min(H, u.shape[2]), min(W, u.shape[3])
    canvas = u.new_zeros(u.shape[0], u.shape[1], H, W)
    canvas[:, :, :h, :w] = u[:, :, :h, :w]
    return conv(torch.cat([skip, canvas], dim=1))


def upsampled_first(x, skip, upsample, conv):
    up = upsample(x)
    up = F.pad(up, (0, skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2]))
    return conv(torch.cat([up, skip], dim=1))


def upsampled_first_canvas(x, skip, upsample, conv):
    u = upsample(x)
    H, W = skip.shape[2:]
    both = u.new_zeros(u.shape[0], u.shape[1] + skip.shape[1], H, W)
    h, w = min(H, u.shape[2]), min(W, u.shape[3])
    both[:, : u.shape[1], :h, :w] = u[:, :, :h, :w]
    both[:, u.shape[1] :] = skip
    return conv(both)


def padded_left_and_top(x, skip, upsample, conv):
    up = upsample(x)
    up = F.pad(up, (skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2], 0))
    return conv(torch.cat([skip, up], dim=1))


def padded_left_and_top_canvas(x, skip, upsample, conv):
    up = upsample(x)
    H, W = skip.shape[2:]
    up = up[:, :, -H:, -W:]
    canvas = up.new_zeros(*up.shape[:2], H, W)
    canvas[:, :, H - up.shape[2] :, W - up.shape[3] :] = up
    return conv(torch.cat([skip, canvas], dim=1))


def centred(x, skip, upsample, conv):
    up = upsample(x)
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    up = F.pad(up, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2))
    return conv(torch.cat([skip, up], dim=1))


def interpolated_to_size(x, skip, upsample, conv):
    up = upsample(x)
    if up.shape[2:] != skip.shape[2:]:
        up = F.interpolate(up, size=skip.shape[2:], mode="bilinear", align_corners=False)
    return conv(torch.cat([skip, up], dim=1))


def skip_cropped(x, skip, upsample, conv):
    up = upsample(x)
    h, w = min(up.shape[2], skip.shape[2]), min(up.shape[3], skip.shape[3])
    return conv(torch.cat([skip[:, :, :h, :w], up[:, :, :h, :w]], dim=1))


def replicated_border(x, skip, upsample, conv):
    up = upsample(x)
    H, W = skip.shape[2:]
    up = up[:, :, :H, :W]
    up = F.pad(up, (0, W - up.shape[3], 0, H - up.shape[2]), mode="replicate")
    return conv(torch.cat([skip, up], dim=1))


def never_padded(x, skip, upsample, conv):
    up = upsample(x)[:, :, : skip.shape[2], : skip.shape[3]]
    return conv(torch.cat([skip, up], dim=1))


def never_cropped(x, skip, upsample, conv):
    up = upsample(x)
    H = max(0, skip.shape[2] - up.shape[2])
    W = max(0, skip.shape[3] - up.shape[3])
    up = F.pad(up, (0, W, 0, H))
    return conv(torch.cat([skip, up], dim=1))


def height_difference_for_both(x, skip, upsample, conv):
    up = upsample(x)
    d = skip.shape[2] - up.shape[2]
    up = F.pad(up, (0, d, 0, d))
    return conv(torch.cat([skip, up], dim=1))


def pad_order_swapped(x, skip, upsample, conv):
    up = upsample(x)
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    up = F.pad(up, (0, dy, 0, dx))
    return conv(torch.cat([skip, up], dim=1))


def added_not_concatenated(x, skip, upsample, conv):
    up = upsample(x)
    up = F.pad(up, (0, skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2]))
    return conv(skip + up)


def skip_detached_and_centred(x, skip, upsample, conv):
    up = upsample(x)
    dy, dx = skip.shape[2] - up.shape[2], skip.shape[3] - up.shape[3]
    up = F.pad(up, (dx // 2, dx - dx // 2, dy // 2, dy - dy // 2))
    return conv(torch.cat([skip.detach(), up], dim=1))


def upsampled_first_and_crash_on_odd(x, skip, upsample, conv):
    return conv(torch.cat([upsample(x), skip], dim=1))


def upsample_twice_and_never_padded(x, skip, upsample, conv):
    H, W = skip.shape[2:]
    if upsample(x).shape[2] > H or upsample(x).shape[3] > W:
        up = upsample(x)[:, :, :H, :W]
    else:
        up = upsample(x)
    return conv(torch.cat([skip, up], dim=1))


def upsampled_first_and_padded_left(x, skip, upsample, conv):
    up = upsample(x)
    up = F.pad(up, (skip.shape[3] - up.shape[3], 0, skip.shape[2] - up.shape[2], 0))
    return conv(torch.cat([up, skip], dim=1))


def centred_canvas(x, skip, upsample, conv):
    up = upsample(x)
    H, W = skip.shape[2:]
    if up.shape[2] > H:
        top = (up.shape[2] - H) // 2
        up = up[:, :, top : top + H]
    if up.shape[3] > W:
        left = (up.shape[3] - W) // 2
        up = up[:, :, :, left : left + W]
    canvas = up.new_zeros(*up.shape[:2], H, W)
    y, x0 = (H - up.shape[2]) // 2, (W - up.shape[3]) // 2
    canvas[:, :, y : y + up.shape[2], x0 : x0 + up.shape[3]] = up
    return conv(torch.cat([skip, canvas], dim=1))


RIGHT = [pad_negative_crops, crop_then_pad, copied_into_zeros]
WRONG = {
    upsampled_first: "skip_last",  # channels of the upsampled map first
    upsampled_first_canvas: "skip_last",  # channels of the upsampled map first, canvas
    padded_left_and_top: "pads_top_left",  # padded and cropped at left and top
    padded_left_and_top_canvas: "pads_top_left",  # padded and cropped at left and top, canvas
    centred: "centres",  # padded and cropped on both sides
    skip_cropped: "crops_the_skip",  # skip cropped instead of map padded
    never_padded: "crops_only",  # only cropped: crash if smaller
    never_cropped: "pads_only",  # only padded: crash if larger
    pad_order_swapped: "exchanges_height_and_width",  # F.pad's order: height and width swapped
    skip_detached_and_centred: "centres",  # skip detached, and centred
    upsampled_first_and_crash_on_odd: "skip_last never_fits",  # upsampled first; crash where sizes differ
    upsample_twice_and_never_padded: "crops_only",  # upsample called several times; crash if smaller
    upsampled_first_and_padded_left: "skip_last pads_top_left",  # upsampled channels first, padded at left and top
    centred_canvas: "centres",  # padded and cropped on both sides, canvas
    interpolated_to_size: "resizes_bilinearly",  # interpolated to the size
    replicated_border: "repeats_the_border",  # border repeated instead of zeros
    height_difference_for_both: "",  # difference of heights used for widths too
    added_not_concatenated: "adds",  # added instead of concatenated
}
