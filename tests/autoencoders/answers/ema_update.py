"""Answers to `ema_update` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def index_add(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    with torch.no_grad():
        K = cluster_size.shape[0]
        n = torch.bincount(indices, minlength=K).to(cluster_size.dtype)
        s = torch.zeros_like(code_sum).index_add(0, indices, rows)
        N_i = torch.lerp(n, cluster_size, decay)
        m_i = torch.lerp(s, code_sum, decay)
        N = N_i.sum()
        return N_i, m_i, m_i / ((N_i + eps) / (N + K * eps) * N).unsqueeze(1)


def loop_over_codes(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    z = rows.detach()
    sizes, sums = [], []
    for k in range(len(cluster_size)):
        mine = z[indices == k]
        sizes.append(decay * cluster_size[k] + (1 - decay) * len(mine))
        sums.append(decay * code_sum[k] + (1 - decay) * mine.sum(dim=0))
    sizes, sums = torch.stack(sizes), torch.stack(sums)
    N = sizes.sum()
    codes = [m * (N + len(sizes) * eps) / ((n + eps) * N) for n, m in zip(sizes, sums)]
    return sizes, sums, torch.stack(codes)


def numpy_in_float64(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    N = decay * cluster_size.detach().numpy().astype(np.float64)
    m = decay * code_sum.detach().numpy().astype(np.float64)
    np.add.at(N, indices.numpy(), 1 - decay)
    np.add.at(m, indices.numpy(), (1 - decay) * rows.detach().numpy().astype(np.float64))
    smooth = (N + eps) / (N.sum() + len(N) * eps) * N.sum()
    e = m / smooth[:, np.newaxis]
    return tuple(torch.from_numpy(a).to(code_sum.dtype) for a in (N, m, e))


@torch.no_grad()
def copies_changed_in_place(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    cluster_size, code_sum = cluster_size.clone(), code_sum.clone()
    one_hot = (indices[:, None] == torch.arange(len(cluster_size))).to(rows.dtype)
    cluster_size.mul_(decay).add_(one_hot.sum(0), alpha=1 - decay)
    code_sum.mul_(decay).add_(torch.einsum("mk,md->kd", one_hot, rows), alpha=1 - decay)
    p = (cluster_size + eps) / (cluster_size + eps).sum()
    return cluster_size, code_sum, code_sum / (p * cluster_size.sum())[:, None]


def row_after_row(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    n = torch.zeros_like(cluster_size)
    s = torch.zeros_like(code_sum)
    for z, k in zip(rows.detach(), indices.tolist()):
        n[k] += 1
        s[k] += z
    new_size = cluster_size - (1 - decay) * (cluster_size - n)
    new_sum = code_sum - (1 - decay) * (code_sum - s)
    total = new_size.sum()
    smoothed = total * (new_size + eps) / (total + eps * new_size.numel())
    return new_size, new_sum, (new_sum.T / smoothed).T


def changes_the_arguments(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    cluster_size.mul_(decay).add_((1 - decay) * one_hot.sum(0))
    code_sum.mul_(decay).add_((1 - decay) * one_hot.T @ rows.detach())
    N = cluster_size.sum()
    smoothed = (cluster_size + eps) / (N + K * eps) * N
    return cluster_size, code_sum, code_sum / smoothed[:, None]


def decay_swapped(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = (1 - decay) * cluster_size + decay * one_hot.sum(0)
    sums = (1 - decay) * code_sum + decay * one_hot.T @ rows.detach()
    N = size.sum()
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def rows_not_detached(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows
    N = size.sum()
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def without_smoothing(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    return size, sums, sums / size[:, None]


def eps_in_the_denominator_only(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    return size, sums, sums / (size + eps)[:, None]


def total_not_multiplied(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    smoothed = (size + eps) / (size.sum() + K * eps)
    return size, sums, sums / smoothed[:, None]


def total_is_the_batch(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    N = len(rows)
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def total_of_the_old_sizes(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    N = cluster_size.sum()
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def eps_not_times_k(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    N = size.sum()
    return size, sums, sums / ((size + eps) / (N + eps) * N)[:, None]


def smoothed_sizes_returned(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    N = size.sum()
    size = (size + eps) / (N + K * eps) * N
    return size, sums, sums / size[:, None]


def means_instead_of_sums(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    n = one_hot.sum(0)
    means = one_hot.T @ rows.detach() / n.clamp(min=1)[:, None]
    size = decay * cluster_size + (1 - decay) * n
    sums = decay * code_sum + (1 - decay) * means
    N = size.sum()
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def bincount_too_short(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    n = torch.bincount(indices)
    s = torch.zeros_like(code_sum).index_add_(0, indices, rows.detach())
    size = decay * cluster_size + (1 - decay) * n
    sums = decay * code_sum + (1 - decay) * s
    N = size.sum()
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def repeated_indices_counted_once(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    n, s = torch.zeros_like(cluster_size), torch.zeros_like(code_sum)
    n[indices] += 1
    s[indices] += rows.detach()
    size = decay * cluster_size + (1 - decay) * n
    sums = decay * code_sum + (1 - decay) * s
    N = size.sum()
    return size, sums, sums / ((size + eps) / (N + K * eps) * N)[:, None]


def codes_without_rows_left_alone(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, sums = cluster_size.clone(), code_sum.clone()
    for k in indices.unique():
        mine = rows[indices == k].detach()
        size[k] = decay * size[k] + (1 - decay) * len(mine)
        sums[k] = decay * sums[k] + (1 - decay) * mine.sum(0)
    N = size.sum()
    smoothed = (size + eps) / (N + len(size) * eps) * N
    return size, sums, sums / smoothed[:, None]


def in_place_and_decay_swapped(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    cluster_size *= 1 - decay
    cluster_size += decay * one_hot.sum(0)
    code_sum *= 1 - decay
    code_sum += decay * one_hot.T @ rows.detach()
    N = cluster_size.sum()
    smoothed = (cluster_size + eps) / (N + K * eps) * N
    return cluster_size, code_sum, code_sum / smoothed[:, None]


def not_detached_and_total_not_multiplied(
    cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5
):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(rows.dtype)
    size = decay * cluster_size + (1 - decay) * one_hot.sum(0)
    sums = decay * code_sum + (1 - decay) * one_hot.T @ rows
    smoothed = (size + eps) / (size.sum() + K * eps)
    return size, sums, sums / smoothed.unsqueeze(1)


RIGHT = [index_add, loop_over_codes, numpy_in_float64, copies_changed_in_place, row_after_row]
WRONG = {
    changes_the_arguments: "in_place",
    decay_swapped: "exchanged",
    rows_not_detached: "not_detached",
    without_smoothing: "not_smoothed",
    eps_in_the_denominator_only: "eps_only",
    total_not_multiplied: "shares",
    total_is_the_batch: "rows_for_total",
    total_of_the_old_sizes: "old_total",
    eps_not_times_k: "one_eps",
    smoothed_sizes_returned: "smoothed_returned",
    means_instead_of_sums: "means_not_sums",
    bincount_too_short: "too_few_counts",
    repeated_indices_counted_once: "",
    codes_without_rows_left_alone: "others_stay",
    in_place_and_decay_swapped: "in_place exchanged",
    not_detached_and_total_not_multiplied: "not_detached shares",
}
