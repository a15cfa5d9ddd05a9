"""Answers to `bilinear_kernel` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def outer(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    out = torch.zeros(num_channels, num_channels, k, k)
    for c in range(num_channels):
        out[c, c] = torch.outer(w, w)
    return out


def loops(num_channels, factor):
    k = 2 * factor - factor % 2
    m = (k - 1) / 2
    out = torch.zeros(num_channels, num_channels, k, k)
    for c in range(num_channels):
        for a in range(k):
            for b in range(k):
                out[c, c, a, b] = (1 - abs(a - m) / factor) * (1 - abs(b - m) / factor)
    return out


def numpy_eye(num_channels, factor):
    k = 2 * factor - factor % 2
    i = np.arange(k)
    w = 1 - np.abs(i - (k - 1) / 2) / factor
    kernel = np.eye(num_channels)[:, :, None, None] * (w[:, None] * w[None, :])
    return torch.from_numpy(kernel.astype(np.float32))


def all_channel_pairs(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    return (w[:, None] * w[None, :]).repeat(num_channels, num_channels, 1, 1)


def all_channel_pairs_loop(num_channels, factor):
    k = 2 * factor - factor % 2
    m = (k - 1) / 2
    out = torch.zeros(num_channels, num_channels, k, k)
    for a in range(k):
        for b in range(k):
            out[:, :, a, b] = (1 - abs(a - m) / factor) * (1 - abs(b - m) / factor)
    return out


def all_channel_pairs_numpy(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - np.abs(np.arange(k) - (k - 1) / 2) / factor
    out = np.broadcast_to(np.outer(w, w), (num_channels, num_channels, k, k))
    return torch.tensor(out.copy(), dtype=torch.float32)


def always_2f(num_channels, factor):
    k = 2 * factor
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    out = torch.zeros(num_channels, num_channels, k, k)
    for c in range(num_channels):
        out[c, c] = torch.outer(w, w)
    return out


def centre_k_half(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - k / 2).abs() / factor
    out = torch.zeros(num_channels, num_channels, k, k)
    for c in range(num_channels):
        out[c, c] = torch.outer(w, w)
    return out


def centre_integer(num_channels, factor):
    k = 2 * factor - factor % 2
    m = (k - 1) // 2
    out = torch.zeros(num_channels, num_channels, k, k)
    for c in range(num_channels):
        for a in range(k):
            for b in range(k):
                out[c, c, a, b] = (1 - abs(a - m) / factor) * (1 - abs(b - m) / factor)
    return out


def centre_integer_vectorised(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) // 2).abs() / factor
    return torch.eye(num_channels)[:, :, None, None] * torch.outer(w, w)


def divided_by_k(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / k
    return torch.eye(num_channels)[:, :, None, None] * torch.outer(w, w)


def no_abs(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2) / factor
    return torch.eye(num_channels)[:, :, None, None] * torch.outer(w, w)


def normalised_to_one(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    w = w / w.sum()
    return torch.eye(num_channels)[:, :, None, None] * torch.outer(w, w)


def pyramid(num_channels, factor):
    k = 2 * factor - factor % 2
    d = (torch.arange(k) - (k - 1) / 2).abs()
    kernel = 1 - torch.maximum(d[:, None], d[None, :]) / factor
    return torch.eye(num_channels)[:, :, None, None] * kernel


def only_first_channel(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    out = torch.zeros(num_channels, num_channels, k, k)
    out[0, 0] = torch.outer(w, w)
    return out


def all_pairs_and_always_2f(num_channels, factor):
    k = 2 * factor
    m = factor - 0.5
    w = torch.tensor([1 - abs(i - m) / factor for i in range(k)])
    return torch.outer(w, w).expand(num_channels, num_channels, k, k).clone()


def normalised_by_max_and_all_pairs(num_channels, factor):
    k = 2 * factor - factor % 2
    w = 1 - (torch.arange(k) - (k - 1) / 2).abs() / factor
    kernel = torch.outer(w, w)
    return (kernel / kernel.max()).repeat(num_channels, num_channels, 1, 1)


def linspace_to_zero_and_crash_factor_1(num_channels, factor):
    k = 2 * factor - factor % 2
    half = k // 2
    step = 1 / (half - 0.5) if k % 2 == 0 else 1 / half
    w = torch.tensor([1 - abs(i - (k - 1) / 2) * step for i in range(k)])
    return torch.eye(num_channels)[:, :, None, None] * torch.outer(w, w)


def all_pairs_and_crash_factor_1(num_channels, factor):
    k = 2 * factor - factor % 2
    up = (
        [(i + 0.5) / factor for i in range(k // 2)]
        if k % 2 == 0
        else [(i + 1) / factor for i in range(k // 2)]
    )
    down = up[::-1]
    middle = [] if k % 2 == 0 else [up[-1] + 1 / factor]
    w = torch.tensor(up + middle + down)
    return torch.outer(w, w).repeat(num_channels, num_channels, 1, 1)


RIGHT = [outer, loops, numpy_eye]
WRONG = {
    all_channel_pairs: "every_pair",  # kernels between different channels not zero
    all_channel_pairs_loop: "every_pair",  # kernels between different channels not zero, loop
    all_channel_pairs_numpy: "every_pair",  # kernels between different channels not zero, NumPy
    always_2f: "always_even",  # k = 2f for odd factors too
    centre_k_half: "late_centre",  # centre k / 2
    centre_integer: "low_centre",  # centre by integer division
    centre_integer_vectorised: "low_centre",  # centre by integer division, vectorised
    no_abs: "one_slope",  # absolute value forgotten
    normalised_to_one: "sum_of_one",  # normalised to sum 1
    pyramid: "pyramid",  # maximum of distances instead of product
    all_pairs_and_always_2f: "every_pair always_even",  # all channel pairs, and k = 2f
    normalised_by_max_and_all_pairs: "peak_of_one every_pair",  # peak scaled to 1, and all channel pairs
    linspace_to_zero_and_crash_factor_1: "ends_in_zeros",  # triangle reaches 0 at its ends; crash for factor 1
    all_pairs_and_crash_factor_1: "every_pair",  # all channel pairs; crash for factor 1
    divided_by_k: "divided_by_size",  # distance divided by k
    only_first_channel: "first_channel_only",  # only channel 0 filled
}
