"""Exercise: a codebook that follows running means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.autoencoders.ema_codebook import ema_update
from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import require_unchanged

NAMES = ("cluster_size", "code_sum", "codebook")
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: codes with and without rows, empty clusters, other decays and eps."""

    def ask(
        rows_of: list[int],
        D: int = 3,
        empty: tuple[int, ...] = (),
        dtype: torch.dtype = torch.float32,
        requires_grad: bool = False,
        **options: float,
    ) -> dict[str, Any]:
        """Return a batch of which each code gets so many rows; some clusters are empty so far."""
        K = len(rows_of)
        indices = torch.arange(K).repeat_interleave(torch.tensor(rows_of))
        indices = indices[torch.randperm(len(indices), generator=rng)]
        size = 0.5 + 4 * torch.rand(K, generator=rng, dtype=torch.float64)
        size[list(empty)] = 0
        codes = torch.randn(K, D, generator=rng, dtype=torch.float64)
        rows = 2 + 2 * torch.randn(len(indices), D, generator=rng, dtype=torch.float64)
        return {
            "cluster_size": size.to(dtype),
            "code_sum": (size[:, None] * codes).to(dtype),
            "rows": rows.to(dtype),
            "indices": indices,
            "requires_grad": requires_grad,
            "options": options,
        }

    def number(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=rng).item()

    return [
        Case(
            "five codes, each gets some rows",
            ask([2, 3, 1, 4, 2], decay=number(0.7, 0.9), eps=0.2),
            weight=1,
            hint="n_i counts the rows at code i, and Σ z_j adds them up: both are sums over the "
            "batch. Then (3.13), then (3.14).",
        ),
        Case(
            "decay and eps by default",
            ask([1, 3, 2, 2], D=4),
            weight=1,
            hint="decay=0.99, eps=1e-5: of the running means 0.99 stays, and 0.01 of the batch is "
            "added.",
        ),
        Case(
            "a code in the middle and the last one get no row",
            ask([3, 0, 4, 1, 0], decay=number(0.6, 0.8), eps=0.1),
            weight=3,
            hint="A code without rows has n_i = 0: its two running means decay all the same.",
        ),
        Case(
            "codes in the middle get no row",
            ask([2, 0, 0, 3, 1, 2], D=2, decay=number(0.6, 0.8), eps=0.3),
            weight=1,
            hint="n has a place for each of the K codes, also for those without rows.",
        ),
        Case(
            "a cluster that was empty, and stays empty",
            ask([3, 2, 0, 4], empty=(2,), decay=number(0.7, 0.9)),
            weight=4,
            hint="Its N_i and m_i are 0, and 0 / 0 is NaN: divide by the smoothed Ñ_i.",
        ),
        Case(
            "no row so far: all clusters are empty",
            ask([2, 0, 3, 0], D=2, empty=(0, 1, 2, 3), decay=number(0.7, 0.9)),
            weight=2,
            hint="N is the sum of the new N_i, not of the old ones.",
        ),
        Case(
            "a large eps",
            ask([3, 1, 2, 5], decay=number(0.7, 0.9), eps=number(1.0, 2.0)),
            weight=2,
            hint="Ñ_i = (N_i + ε) / (N + K ε) · N. It is for dividing only: N_i itself stays "
            "unsmoothed.",
        ),
        Case(
            "rows that require a gradient",
            ask([2, 0, 3, 1], requires_grad=True, decay=number(0.6, 0.8), eps=0.2),
            weight=5,
            hint="The codebook learns from running means, not by gradients: detach the rows.",
        ),
        Case(
            "a single row that requires a gradient, three codes",
            ask([0, 1, 0], D=4, requires_grad=True, decay=number(0.7, 0.9), eps=0.1),
            weight=3,
            hint="M may be 1, and smaller than K.",
        ),
        Case(
            "decay 0: nothing of the past stays",
            ask([2, 4, 1], decay=0.0, eps=0.05),
            weight=1,
            hint="The new running means are those of this batch alone.",
        ),
        Case(
            "decay 1: everything stays",
            ask([2, 1, 3], decay=1.0, eps=0.1),
            weight=1,
            hint="The running means stay as they are, whatever the batch holds.",
        ),
        Case(
            "float64",
            ask([3, 2, 0, 1], D=2, dtype=torch.float64, decay=number(0.7, 0.9)),
            weight=2,
            hint="The results are as precise as the running means.",
        ),
        Case(
            "codes of a single number, all rows at one of them",
            ask([0, 0, 6], D=1, decay=number(0.6, 0.8), eps=0.1),
            weight=1,
            hint="D may be 1: no squeeze, (K,) beside (K, 1) needs a new dimension.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return running means and codebook and, where rows require one, whether they have a gradient.

    Rows are handed over as a network's output; a change in place of the others is noticed anyway.
    """
    rows = inputs["rows"].requires_grad_(inputs["requires_grad"])
    handed = rows.clone()
    arguments = inputs["cluster_size"], inputs["code_sum"], handed, inputs["indices"]
    three = implementation(*arguments, **inputs["options"])
    if not isinstance(three, tuple | list) or len(three) != 3:
        raise WrongAnswer(
            "your function should return three tensors: return cluster_size, code_sum, codebook"
        )
    require_unchanged({"rows": rows}, {"rows": handed})
    found = {name: as_tensor(each, name) for name, each in zip(NAMES, three, strict=True)}
    answer: dict[str, Any] = {name: each.detach() for name, each in found.items()}
    if inputs["requires_grad"]:
        asks = {f"{name} requires a gradient": each.requires_grad for name, each in found.items()}
        answer |= asks
    return answer


def _batch(code_sum: Tensor, rows: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many rows each code gets, and what they add up to."""
    one_hot = F.one_hot(indices, len(code_sum)).to(code_sum)
    return one_hot.sum(dim=0), one_hot.T @ rows.detach()


def _smoothed(size: Tensor, eps: float, N: Tensor | int | None = None) -> Tensor:
    N = size.sum() if N is None else N
    return (size + eps) / (N + len(size) * eps) * N


def _mix(before: Tensor, now: Tensor, decay: float) -> Tensor:
    return decay * before + (1 - decay) * now


def _means(
    cluster_size: Tensor, code_sum: Tensor, rows: Tensor, indices: Tensor, decay: float
) -> tuple[Tensor, Tensor]:
    """Return the new running means, as they should be."""
    counts, sums = _batch(code_sum, rows, indices)
    return _mix(cluster_size, counts, decay), _mix(code_sum, sums, decay)


@mistakes.when("decay and 1 - decay are exchanged: decay is the share that stays.")
def _exchanged(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, 1 - decay)
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when("the batch is added without its factor 1 - decay.")
def _batch_not_weighted(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, sums = _batch(code_sum, rows, indices)
    size, total = decay * cluster_size + counts, decay * code_sum + sums
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when(
    "the sizes are not smoothed: where a cluster is empty, 0 / 0 makes its code NaN for good."
)
def _not_smoothed(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return size, total, total / size[:, None]


@mistakes.when(
    "the smoothed sizes add up to 1: equation (3.14) multiplies them by N, so that they add up to "
    "N again."
)
def _shares(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    smoothed = (size + eps) / (size.sum() + len(size) * eps)
    return size, total, total / smoothed[:, None]


@mistakes.when("eps is only added to the sizes: equation (3.14) then multiplies by N / (N + K ε).")
def _eps_only(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return size, total, total / (size + eps)[:, None]


@mistakes.when("N is the number of rows in the batch: it is the sum of the new running sizes.")
def _rows_for_total(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return size, total, total / _smoothed(size, eps, len(rows))[:, None]


@mistakes.when("N is the sum of the old running sizes: it is that of the new ones.")
def _old_total(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return size, total, total / _smoothed(size, eps, cluster_size.sum())[:, None]


@mistakes.when("N + ε stands where N + K ε belongs: each of the K codes adds an ε.")
def _one_eps(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    smoothed = (size + eps) / (size.sum() + eps) * size.sum()
    return size, total, total / smoothed[:, None]


@mistakes.when("code_sum follows the mean of a code's rows: it follows their sum.")
def _means_not_sums(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, sums = _batch(code_sum, rows, indices)
    size = _mix(cluster_size, counts, decay)
    total = _mix(code_sum, sums / counts.clamp(min=1)[:, None], decay)
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when(
    "the codes themselves are averaged with the mean of the batch's rows, which is NaN for a code "
    "without rows: divide the running sum by the running size."
)
def _codes_averaged(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, sums = _batch(code_sum, rows, indices)
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    before = code_sum / _smoothed(cluster_size, eps)[:, None]
    return size, total, _mix(before, sums / counts[:, None], decay)


@mistakes.when(
    "code_sum is divided by the number of rows in this batch: it is a running mean, and so is what "
    "divides it."
)
def _divided_by_counts(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, _ = _batch(code_sum, rows, indices)
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return size, total, total / _smoothed(counts, eps)[:, None]


@mistakes.when("only codes that get a row are updated: the others decay, too.")
def _others_stay(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, _ = _batch(code_sum, rows, indices)
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    size = torch.where(counts > 0, size, cluster_size)
    total = torch.where((counts > 0)[:, None], total, code_sum)
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when(
    "cluster_size of a code without rows stays as it is, while its code_sum decays: both do."
)
def _sizes_stay(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, _ = _batch(code_sum, rows, indices)
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    size = torch.where(counts > 0, size, cluster_size)
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when(
    "the rows are counted without a place for the last codes, which get none: "
    "torch.bincount(indices, minlength=K)."
)
def _too_few_counts(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    _, total = _means(cluster_size, code_sum, rows, indices, decay)
    size = _mix(cluster_size, torch.bincount(indices), decay)
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when(
    "the rows are not detached: the running means then drag the graph of every batch along."
)
def _not_detached(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    one_hot = F.one_hot(indices, len(code_sum)).to(code_sum)
    size = _mix(cluster_size, one_hot.sum(dim=0), decay)
    total = _mix(code_sum, one_hot.T @ rows, decay)
    return size, total, total / _smoothed(size, eps)[:, None]


@mistakes.when("the arguments are changed in place: work on new tensors.")
def _in_place(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    counts, sums = _batch(code_sum, rows, indices)
    cluster_size.mul_(decay).add_(counts, alpha=1 - decay)
    code_sum.mul_(decay).add_(sums, alpha=1 - decay)
    return cluster_size, code_sum, code_sum / _smoothed(cluster_size, eps)[:, None]


@mistakes.when(
    "the smoothed sizes are returned as cluster_size: they are for the division only, and would be "
    "smoothed again at every step."
)
def _smoothed_returned(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    smoothed = _smoothed(size, eps)
    return smoothed, total, total / smoothed[:, None]


@mistakes.when("the codebook follows from the old running means: it follows from the new ones.")
def _old_codebook(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return size, total, code_sum / _smoothed(cluster_size, eps)[:, None]


@mistakes.when("the results come in the wrong order: return cluster_size, code_sum, codebook.")
def _codebook_first(cluster_size, code_sum, rows, indices, decay=0.99, eps=1e-5):
    size, total = _means(cluster_size, code_sum, rows, indices, decay)
    return total / _smoothed(size, eps)[:, None], size, total


EXERCISE = Exercise(
    name="ema_update",
    title="A codebook of running means",
    points=3,
    reference=ema_update,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="A codebook of running means",
)
