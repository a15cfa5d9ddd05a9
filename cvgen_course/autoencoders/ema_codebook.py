"""A codebook that follows running means of its clusters, and gives dead codes a new start."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


class EMACodebook(NamedTuple):
    """A codebook and the running means that it follows from.

    Attributes:
        cluster_size: how many rows of a batch each code gets, a running mean, float (K,).
        code_sum: what these rows add up to, a running mean, float (K, D).
        codebook: float (K, D), their quotient.
    """

    cluster_size: Tensor
    code_sum: Tensor
    codebook: Tensor


def ema_update(
    cluster_size: Tensor,
    code_sum: Tensor,
    rows: Tensor,
    indices: Tensor,
    decay: float = 0.99,
    eps: float = 1e-5,
) -> EMACodebook:
    """Let each code follow the mean of the rows that it was nearest to: one step of online k-means.

    With n_i rows of the batch at code i, N_i for ``cluster_size`` and m_i for ``code_sum``:

        N_i ← decay · N_i + (1 - decay) · n_i
        m_i ← decay · m_i + (1 - decay) · Σ rows at code i
        e_i = m_i / Ñ_i,   Ñ_i = (N_i + eps) / (N + K · eps) · N,   N = Σ N_i

    The last line is Laplace smoothing: where a cluster is empty, nothing is divided by 0.

    Args:
        cluster_size: float (K,).
        code_sum: float (K, D).
        rows: the encoder's outputs, float (M, D), M >= 1.
        indices: the nearest code of each, int64 (M,), in [0, K).
        decay: how much of the running means stays, in [0, 1].
        eps: of the smoothing.

    Returns:
        The new running means and codebook; new tensors without gradient, in the dtypes of the
        running means, float32 at least.

    Raises:
        TypeError: an argument has another type.
        ValueError: shapes do not belong together, there is no row, an index is out of range, or
            ``decay`` is outside [0, 1].

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, appendix A.1; the smoothing is that of the authors' code.
    """
    require(cluster_size=(cluster_size, "K", "float"), code_sum=(code_sum, "K D", "float"))
    require(rows=(rows, "M D", "float"), indices=(indices, "M", "int64"), D=code_sum.shape[1])
    require_range("indices", indices, 0, len(cluster_size), "are they those of another codebook?")
    if not len(rows):
        raise ValueError("rows: expected at least one row, got none")
    if not 0 <= decay <= 1:
        raise ValueError(f"decay: expected a number in [0, 1], got {decay}")
    cluster_size = at_least_float32(cluster_size.detach())
    code_sum = at_least_float32(code_sum.detach())
    K = len(cluster_size)
    counts = torch.bincount(indices, minlength=K).to(cluster_size)  # (K,)
    sums = torch.zeros_like(code_sum).index_add(0, indices, rows.detach().to(code_sum))  # (K, D)
    cluster_size = decay * cluster_size + (1 - decay) * counts
    code_sum = decay * code_sum + (1 - decay) * sums
    total = cluster_size.sum()
    smoothed = (cluster_size + eps) / (total + K * eps) * total
    return EMACodebook(cluster_size, code_sum, code_sum / smoothed[:, None])


@torch.no_grad()
def restart_dead_codes(
    state: EMACodebook, rows: Tensor, threshold: float, rng: torch.Generator | None = None
) -> EMACodebook:
    """Move codes that hardly any row is near to, onto rows drawn at random.

    Args:
        state: the codebook and its running means.
        rows: the encoder's outputs of a batch, float (M, D). Where there are fewer rows than dead
            codes, some rows are drawn more than once; where there is none, nothing happens.
        threshold: codes with a smaller ``cluster_size`` are dead.
        rng: where the draws come from; torch's global generator where it is None.

    Returns:
        New tensors, or ``state`` as it is where no code is dead. A restarted code counts as one
        that gets ``threshold`` rows.

    Raises:
        TypeError: ``rows`` is no floating-point tensor.
        ValueError: it has another shape.

    Source:
        Dhariwal et al., "Jukebox", arXiv:2005.00341, section 3.1 ("random restarts").
    """
    require(codebook=(state.codebook, "K D"), rows=(rows, "M D", "float"))
    dead = state.cluster_size < threshold  # (K,)
    if not len(rows) or not dead.any():
        return state
    if len(rows) >= len(dead):
        chosen = torch.randperm(len(rows), generator=rng)[: len(dead)]
    else:
        chosen = torch.randint(len(rows), (len(dead),), generator=rng)
    fresh = rows[chosen.to(rows.device)].to(state.codebook)  # (K, D)
    size = torch.where(dead, threshold, state.cluster_size)
    code_sum = torch.where(dead[:, None], threshold * fresh, state.code_sum)
    return EMACodebook(size, code_sum, torch.where(dead[:, None], fresh, state.codebook))
