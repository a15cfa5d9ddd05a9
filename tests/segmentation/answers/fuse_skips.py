"""Answers to `fuse_skips` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def two_steps(score32, score16, score8):
    up = F.interpolate(score32, size=score16.shape[-2:], mode="bilinear", align_corners=False)
    s = up + score16
    return F.interpolate(s, size=score8.shape[2:], mode="bilinear", align_corners=False) + score8


def loop(score32, score16, score8):
    s = score32
    for finer in (score16, score8):
        s = finer + F.interpolate(
            s, size=tuple(finer.shape[2:]), mode="bilinear", align_corners=False
        )
    return s


def linear_so_apart(score32, score16, score8):
    def up(a, b):
        return F.interpolate(a, size=(b.shape[2], b.shape[3]), mode="bilinear", align_corners=False)

    return up(up(score32, score16), score8) + up(score16, score8) + score8


def by_hand(score32, score16, score8):
    def matrix(n, m, dtype):
        A = torch.zeros(m, n, dtype=dtype)
        for i in range(m):
            y = min(max((i + 0.5) * n / m - 0.5, 0), n - 1)
            low = min(int(math.floor(y)), n - 1)
            high = min(low + 1, n - 1)
            A[i, low] += 1 - (y - low)
            A[i, high] += y - low
        return A

    s = score32
    for finer in (score16, score8):
        s = (
            matrix(s.shape[2], finer.shape[2], s.dtype)
            @ s
            @ matrix(s.shape[3], finer.shape[3], s.dtype).T
            + finer
        )
    return s


def scale_factor_two(score32, score16, score8):
    s = F.interpolate(score32, scale_factor=2, mode="bilinear", align_corners=False) + score16
    return F.interpolate(s, scale_factor=2, mode="bilinear", align_corners=False) + score8


def scale_factor_two_then_crop_or_pad(score32, score16, score8):
    s = score32
    for finer in (score16, score8):
        s = F.interpolate(s, scale_factor=2, mode="bilinear", align_corners=False)
        s = F.pad(s, (0, finer.shape[3] - s.shape[3], 0, finer.shape[2] - s.shape[2]))
        s = s + finer
    return s


def nearest(score32, score16, score8):
    s = F.interpolate(score32, size=score16.shape[2:]) + score16
    return F.interpolate(s, size=score8.shape[2:]) + score8


def align_corners(score32, score16, score8):
    s = (
        F.interpolate(score32, size=score16.shape[2:], mode="bilinear", align_corners=True)
        + score16
    )
    return F.interpolate(s, size=score8.shape[2:], mode="bilinear", align_corners=True) + score8


def align_corners_loop(score32, score16, score8):
    out = score32
    for s in [score16, score8]:
        out = F.interpolate(out, s.shape[-2:], mode="bilinear", align_corners=True)
        out = out + s
    return out


def all_directly_to_score8(score32, score16, score8):
    size = score8.shape[2:]
    a = F.interpolate(score32, size=size, mode="bilinear", align_corners=False)
    b = F.interpolate(score16, size=size, mode="bilinear", align_corners=False)
    return a + b + score8


def all_directly_to_score8_loop(score32, score16, score8):
    out = score8
    for s in (score16, score32):
        out = out + F.interpolate(s, size=score8.shape[-2:], mode="bilinear", align_corners=False)
    return out


def stale_score32(score32, score16, score8):
    s = F.interpolate(score32, size=score16.shape[2:], mode="bilinear", align_corners=False)
    s2 = s + score16
    return F.interpolate(s, size=score8.shape[2:], mode="bilinear", align_corners=False) + score8


def height_and_width_swapped(score32, score16, score8):
    def up(a, b):
        return F.interpolate(a, size=(b.shape[3], b.shape[2]), mode="bilinear", align_corners=False)

    return up(up(score32, score16) + score16, score8) + score8


def adds_in_place(score32, score16, score8):
    up = F.interpolate(score32, size=score16.shape[2:], mode="bilinear", align_corners=False)
    score16 += up
    return score8 + F.interpolate(
        score16, size=score8.shape[2:], mode="bilinear", align_corners=False
    )


def averaged(score32, score16, score8):
    s = (
        F.interpolate(score32, size=score16.shape[2:], mode="bilinear", align_corners=False)
        + score16
    ) / 2
    return (
        F.interpolate(s, size=score8.shape[2:], mode="bilinear", align_corners=False) + score8
    ) / 2


def bicubic(score32, score16, score8):
    s = (
        F.interpolate(score32, size=score16.shape[2:], mode="bicubic", align_corners=False)
        + score16
    )
    return F.interpolate(s, size=score8.shape[2:], mode="bicubic", align_corners=False) + score8


def fcn16_upsampled_once_more(score32, score16, score8):
    s = (
        F.interpolate(score32, size=score16.shape[2:], mode="bilinear", align_corners=False)
        + score16
    )
    s = F.interpolate(s, size=score8.shape[2:], mode="bilinear", align_corners=False) + score8
    return F.interpolate(s, scale_factor=8, mode="bilinear", align_corners=False)


def nearest_and_crash_on_odd(score32, score16, score8):
    s = score32.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) + score16
    return s.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) + score8


def align_corners_and_crash_on_odd(score32, score16, score8):
    up = torch.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
    return up(up(score32) + score16) + score8


def score16_twice_and_detached(score32, score16, score8):
    s = (
        F.interpolate(
            score32.detach(), size=score16.shape[2:], mode="bilinear", align_corners=False
        )
        + score16
    )
    s = F.interpolate(s + score16, size=score8.shape[2:], mode="bilinear", align_corners=False)
    return s + score8


def nearest_and_all_directly(score32, score16, score8):
    size = score8.shape[2:]
    a = F.interpolate(score32, size=size)
    b = F.interpolate(score16, size=size)
    return a + b + score8


def nearest_loop(score32, score16, score8):
    out = score32
    for s in (score16, score8):
        out = F.interpolate(out, size=s.shape[-2:], mode="nearest") + s
    return out


RIGHT = [two_steps, loop, linear_so_apart, by_hand]
WRONG = {
    scale_factor_two: "scale_factor",  # scale_factor=2: crash on odd sizes
    nearest: "nearest",  # nearest neighbour (mode forgotten)
    align_corners: "align_corners",  # align_corners=True
    align_corners_loop: "align_corners",  # align_corners=True, loop
    all_directly_to_score8: "one_jump",  # each map upsampled directly to the finest size
    all_directly_to_score8_loop: "one_jump",  # each map upsampled directly to the finest size, loop
    stale_score32: "middle_forgotten",  # the sum with score16 is not used (stale variable)
    height_and_width_swapped: "sides_exchanged",  # size=(W, H)
    adds_in_place: "",  # changes score16 in place
    nearest_and_crash_on_odd: "nearest scale_factor",  # nearest neighbour; crash on odd sizes
    align_corners_and_crash_on_odd: "align_corners scale_factor",  # align_corners=True; crash on odd sizes
    score16_twice_and_detached: "",  # score16 added twice, score32 detached
    nearest_and_all_directly: "nearest one_jump",  # nearest neighbour, each map directly to the finest size
    nearest_loop: "nearest",  # nearest neighbour, loop
    scale_factor_two_then_crop_or_pad: "doubles_and_crops",  # scale_factor=2, padded with zeros or cropped
    averaged: "averages",  # averages instead of sums
    bicubic: "bicubic",  # bicubic
    fcn16_upsampled_once_more: "upsamples_to_the_image",  # upsampled to the image's size too
}
