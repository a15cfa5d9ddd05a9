"""Perplexity: how many codes are really in use."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from cvgen_course.require import require, require_range


def perplexity(batches: Iterable[Tensor], num_codes: int) -> Tensor:
    """Return how many equally frequent codes would be as surprising as those of a whole data set.

    exp(-Σ p_k log p_k), where p_k is the share of code k among *all* indices of all batches. A
    batch alone can't show more codes than it has indices, so means over batches are too small.

    Args:
        batches: the indices of the data set, one or more int64 tensors of any shape, in
            [0, ``num_codes``).
        num_codes: K, at least 1.

    Returns:
        float64, 0-dimensional, in [1, K]; 1 where there is no index at all.

    Raises:
        TypeError: a batch is no int64 tensor.
        ValueError: an index is out of range, or ``num_codes`` is below 1.

    Source:
        The codebook's use is reported so in the code of van den Oord et al., NeurIPS 2017,
        arXiv:1711.00937, batch by batch.
    """
    if num_codes < 1:
        raise ValueError(f"num_codes: expected at least 1, got {num_codes}")
    counts = torch.zeros(num_codes, dtype=torch.int64)
    for indices in batches:
        require(batches=(indices, "*S", "int64"))
        require_range("batches", indices, 0, num_codes, "are they those of another codebook?")
        counts += torch.bincount(indices.flatten(), minlength=num_codes).cpu()
    p = counts.double() / counts.sum().clamp(min=1)
    return torch.special.entr(p).sum().exp()
