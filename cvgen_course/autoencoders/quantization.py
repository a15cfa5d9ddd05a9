"""Vector quantization: the nearest code, and a gradient that passes straight through."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


@torch.no_grad()
def nearest_codes(rows: Tensor, codebook: Tensor) -> Tensor:
    """Return the index of the code nearest to each row: argmin over i of ‖e_i - z_e‖².

    ‖e - z‖² = ‖e‖² - 2 e·z + ‖z‖², and the last summand is the same for all codes. So one matrix
    product of M × K numbers does it, without the M × K × D differences.

    Args:
        rows: float (M, D).
        codebook: float (K, D), K >= 1.

    Returns:
        int64 (M,), in [0, K); the lower index where two codes are equally near.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not belong together, or there is no code.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, equation 1.
    """
    require(rows=(rows, "M D", "float"), codebook=(codebook, "K D", "float"))
    if not len(codebook):
        raise ValueError("codebook: expected at least one code, got none")
    rows, codebook = at_least_float32(rows), at_least_float32(codebook)
    # Seen from their middle, codes are as far apart as before, and small numbers are more precise.
    middle = codebook.median(dim=0).values  # no mean: subtracting it would round, and undo ties
    rows, codebook = rows - middle, codebook - middle
    squares = codebook.square().sum(dim=1)  # (K,)
    with torch.autocast(rows.device.type, enabled=False):  # it would round to bfloat16
        return torch.addmm(squares, rows, codebook.T, alpha=-2).argmin(dim=1)


def quantize(rows: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
    """Replace each row by its nearest code, and let gradients pass as if nothing had happened.

    Args:
        rows: the encoder's outputs z_e, float (M, D).
        codebook: float (K, D), K >= 1.

    Returns:
        ``(z_q, indices)``: the codes, float (M, D), whose gradient goes to ``rows`` unchanged and
        to ``codebook`` not at all; and their indices, int64 (M,).

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not belong together, or there is no code.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, section 3.2; the estimator is that of Bengio et al., arXiv:1308.3432.
    """
    indices = nearest_codes(rows, codebook)
    return straight_through(rows, codebook[indices]), indices


def straight_through(rows: Tensor, codes: Tensor) -> Tensor:
    """Return the values of codes, with the gradient of the rows that they stand for.

    Args:
        rows: float, any shape.
        codes: float, the same shape.

    Returns:
        Exactly ``codes``, where their numbers have the precision of ``rows``; differentiable with
        respect to ``rows`` only.
    """
    require(rows=(rows, "*S", "float"), codes=(codes, "*S", "float"))
    return _StraightThrough.apply(rows, codes)


class _StraightThrough(torch.autograd.Function):
    """rows + (codes - rows).detach(), without the rounding of a difference and a sum."""

    @staticmethod
    def forward(ctx: object, rows: Tensor, codes: Tensor) -> Tensor:
        return codes.clone()

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


def look_up(indices: Tensor, codebook: Tensor) -> Tensor:
    """Return the codes of a map of indices as feature maps.

    Args:
        indices: int64 (N, H, W), in [0, K).
        codebook: float (K, D).

    Returns:
        float (N, D, H, W).

    Raises:
        TypeError: ``indices`` is no int64 tensor, or ``codebook`` no floating-point one.
        ValueError: another shape, or an index out of range.
    """
    require(indices=(indices, "N H W", "int64"), codebook=(codebook, "K D", "float"))
    require_range("indices", indices, 0, len(codebook), "are they those of another codebook?")
    return codebook[indices].permute(0, 3, 1, 2)  # (N, H, W, D) → (N, D, H, W)
