import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["ema_update"]


def as_in_the_lecture(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    K = len(cluster_size)
    one_hot = F.one_hot(indices, K).to(code_sum)
    cluster_size = decay * cluster_size + (1 - decay) * one_hot.sum(dim=0)
    code_sum = decay * code_sum + (1 - decay) * one_hot.T @ rows.detach()
    total = cluster_size.sum()
    smoothed = (cluster_size + eps) / (total + K * eps) * total
    return cluster_size, code_sum, code_sum / smoothed[:, None]


@torch.no_grad()
def loop_over_codes(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    sizes, sums = cluster_size.clone(), code_sum.clone()
    for k in range(len(sizes)):
        mine = rows[indices == k]
        sizes[k] = decay * sizes[k] + (1 - decay) * len(mine)
        sums[k] = decay * sums[k] + (1 - decay) * mine.sum(dim=0)
    N = sum(sizes)
    codes = [m / ((n + eps) / (N + len(sizes) * eps) * N) for n, m in zip(sizes, sums, strict=True)]
    return [sizes, sums, torch.stack(codes)]


def loop_over_rows_in_numbers(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    n, m = [0] * len(cluster_size), [[0.0] * code_sum.shape[1] for _ in cluster_size]
    for row, i in zip(rows.tolist(), indices.tolist(), strict=True):
        n[i] += 1
        m[i] = [a + b for a, b in zip(m[i], row, strict=True)]
    sizes = [decay * a + (1 - decay) * b for a, b in zip(cluster_size.tolist(), n, strict=True)]
    sums = decay * code_sum + (1 - decay) * torch.tensor(m, dtype=code_sum.dtype)
    N = sum(sizes)
    smoothed = [(a + eps) / (N + len(n) * eps) * N for a in sizes]
    codebook = sums / torch.tensor(smoothed, dtype=sums.dtype).view(-1, 1)
    return torch.tensor(sizes, dtype=sums.dtype), sums, codebook


def scatter_and_lerp(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    rows = rows.detach()
    counts = torch.zeros_like(cluster_size).scatter_add_(
        0, indices, torch.ones(len(rows), dtype=cluster_size.dtype)
    )
    sums = torch.zeros_like(code_sum).scatter_add_(0, indices[:, None].expand_as(rows), rows)
    sizes, sums = counts.lerp(cluster_size, decay), sums.lerp(code_sum, decay)
    shares = (sizes + eps) / (sizes + eps).sum()  # Σ (N_i + ε) = N + K ε
    return sizes, sums, sums / (shares * sizes.sum()).unsqueeze(1)


def in_place_on_clones(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    cluster_size, code_sum = cluster_size.clone(), code_sum.clone()
    counts = torch.bincount(indices, minlength=len(cluster_size))
    sums = torch.zeros_like(code_sum)
    sums.index_add_(0, indices, rows.data)
    cluster_size.mul_(decay).add_(counts, alpha=1 - decay)
    code_sum.mul_(decay).add_(sums, alpha=1 - decay)
    n = cluster_size.sum()
    weights = (cluster_size + eps) / (n + len(cluster_size) * eps) * n
    return cluster_size, code_sum, code_sum / weights.unsqueeze(1)


def einsum_in_float64(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    one_hot = (indices[:, None] == torch.arange(len(cluster_size))).double()
    n = decay * cluster_size.double() + (1 - decay) * torch.einsum("mk->k", one_hot)
    sums = torch.einsum("mk,md->kd", one_hot, rows.double())
    m = (decay * code_sum.double() + (1 - decay) * sums).detach()
    smoothed = n.sum() * (n + eps) / (n.sum() + len(n) * eps)
    return n, m, torch.einsum("kd,k->kd", m, 1 / smoothed)


def numpy_add_at(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    m, i = rows.detach().numpy(), indices.numpy()
    sums = np.zeros_like(code_sum.numpy())
    np.add.at(sums, i, m)
    n = decay * cluster_size + (1 - decay) * np.bincount(i, minlength=len(cluster_size))
    m = decay * code_sum + (1 - decay) * torch.from_numpy(sums)
    return n, m, m / ((n + eps) / (n.sum() + len(n) * eps) * n.sum())[:, None]


def detached_at_the_end(*args, **kwargs):
    def learns(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
        one_hot = F.one_hot(indices, len(cluster_size)).to(rows.dtype)
        n = cluster_size * decay + one_hot.sum(0) * (1 - decay)
        m = code_sum * decay + one_hot.t().matmul(rows) * (1 - decay)
        return n, m, m * ((n.sum() + len(n) * eps) / n.sum() / (n + eps))[:, None]

    return tuple(each.detach() for each in learns(*args, **kwargs))


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "counts": lambda counts: counts,
        "sums": lambda sums, counts: sums,
        "smoothed": lambda n, eps, N, K, counts: (n + eps) / (N + K * eps) * N,
        "decay": lambda decay: decay,
        "eps": lambda eps: eps,
        "returned": lambda n, m, codebook: (n, m, codebook),
    } | others

    def answer(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
        decay, eps, K = parts["decay"](decay), parts["eps"](eps), len(cluster_size)
        one_hot = F.one_hot(indices, K).to(code_sum)
        counts = one_hot.sum(dim=0)
        sums = parts["sums"](one_hot.T @ rows.detach(), counts)
        n = decay * cluster_size + (1 - decay) * parts["counts"](counts)
        m = decay * code_sum + (1 - decay) * sums
        smoothed = parts["smoothed"](n, eps, n.sum(), K, counts)
        return parts["returned"](n, m, m / smoothed[:, None])

    return answer


def counts_by_unique(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    _, counts = indices.unique(return_counts=True)
    n, m, _ = as_in_the_lecture(cluster_size, code_sum, rows, indices, decay, eps)
    n = decay * cluster_size + (1 - decay) * counts
    return n, m, m / ((n + eps) / (n.sum() + len(n) * eps) * n.sum())[:, None]


def only_codes_with_rows_in_a_loop(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    n, m = cluster_size.clone(), code_sum.clone()
    for k in set(indices.tolist()):
        mine = rows[indices == k].detach()
        n[k] = decay * n[k] + (1 - decay) * len(mine)
        m[k] = decay * m[k] + (1 - decay) * mine.sum(0)
    return n, m, m / ((n + eps) / (n.sum() + len(n) * eps) * n.sum())[:, None]


def detaches_only_the_codebook(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    one_hot = F.one_hot(indices, len(cluster_size)).to(code_sum)
    n, _, codebook = as_in_the_lecture(cluster_size, code_sum, rows, indices, decay, eps)
    return n, decay * code_sum + (1 - decay) * one_hot.T @ rows, codebook


def centres_rows_in_place(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    result = as_in_the_lecture(cluster_size, code_sum, rows, indices, decay, eps)
    rows -= rows.mean(dim=0)
    return result


def first_row_lost(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    return as_in_the_lecture(cluster_size, code_sum, rows[1:], indices[1:], decay, eps)


def index_assignment(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    sums = torch.zeros_like(code_sum)
    sums[indices] += rows.detach()  # of equal indices only one is added
    n, _, _ = as_in_the_lecture(cluster_size, code_sum, rows, indices, decay, eps)
    m = decay * code_sum + (1 - decay) * sums
    return n, m, m / ((n + eps) / (n.sum() + len(n) * eps) * n.sum())[:, None]


def one_result(*args, **kwargs):
    return as_in_the_lecture(*args, **kwargs)[2]


RIGHT = [
    *(as_in_the_lecture, loop_over_codes, loop_over_rows_in_numbers, scatter_and_lerp),
    *(in_place_on_clones, einsum_in_float64, numpy_add_at, detached_at_the_end, changed()),
]
WRONG = {
    "decay is always 0.99": changed(decay=lambda decay: 0.99),
    "eps is always 1e-5": changed(eps=lambda eps: 1e-5),
    "eps is 0": changed(eps=lambda eps: 0.0),
    "n_i as shares": changed(counts=lambda counts: counts / counts.sum()),
    "n_i is whether there is a row": changed(counts=lambda counts: counts.clamp(max=1)),
    "means, NaN where there is no row": changed(sums=lambda sums, n: sums / n[:, None]),
    "eps once, not K times": changed(
        smoothed=lambda n, eps, N, K, counts: (n + eps) / (N + eps) * N
    ),
    "N + K ε at the end": changed(
        smoothed=lambda n, eps, N, K, counts: (n + eps) / N * (N + K * eps)
    ),
    "N counts the batch": changed(
        smoothed=lambda n, eps, N, K, counts: (n + eps) / (N + K * eps) * counts.sum()
    ),
    "N is K": changed(smoothed=lambda n, eps, N, K, counts: (n + eps) / (N + K * eps) * K),
    "clamped, not smoothed": changed(smoothed=lambda n, eps, N, K, counts: n.clamp(min=eps)),
    "(n_i + eps) / (N + K eps)": changed(
        smoothed=lambda n, eps, N, K, counts: (n + eps) / (N + K * eps)
    ),
    "this batch's counts": changed(smoothed=lambda n, eps, N, K, counts: counts.clamp(min=1)),
    "sizes and sums exchanged": changed(returned=lambda n, m, codebook: (m, n, codebook)),
    "sums in place of codes": changed(returned=lambda n, m, codebook: (n, codebook, m)),
    "sizes as a column": changed(returned=lambda n, m, codebook: (n[:, None], m, codebook)),
    "float32 on the way": changed(returned=lambda *three: [t.float().double() for t in three]),
    "only the codebook": changed(returned=lambda n, m, codebook: codebook),
    **{
        answer.__name__: answer
        for answer in (
            *(counts_by_unique, only_codes_with_rows_in_a_loop, detaches_only_the_codebook),
            *(centres_rows_in_place, first_row_lost, index_assignment, one_result),
        )
    },
}
_PLAIN = "the check's running means have no gradient and no half precision"
EQUIVALENT = {
    "ema_update: cluster_size = at_least_float32(cluster_size.detach()) -> pass": _PLAIN,
    "ema_update: code_sum = at_least_float32(code_sum.detach()) -> pass": _PLAIN,
    "ema_update: torch.bincount(indices, minlength=K).to(cluster_size)"
    " -> torch.bincount(indices, minlength=K).to()": "whole numbers are weighted like others",
    "ema_update: rows.detach().to(code_sum) -> rows.detach().to()": (
        "the check's rows have the number type of code_sum"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_ema_update_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_ema_update_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_ema_update_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
