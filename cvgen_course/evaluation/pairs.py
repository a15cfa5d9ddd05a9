"""How far all pairs of two sets are apart: bounds from fast products, exact where they matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cvgen_course.precision import at_least_float32

AT_ONCE = 2**21
"""The pairs of a block, whose bounds are held at a time."""

FEW = 2**17
"""The numbers of features that are subtracted at a time: they stay in a processor's cache."""

MANY = 0.01
"""Above this share of undecided pairs, products in float64 take less time than exact distances."""


class _Rounded(NamedTuple):
    """Features in one precision, and what they add to the bounds of a squared distance."""

    rows: Tensor  # (N, D)
    least: Tensor  # (N,): ‖x‖², less all that may be rounded
    margin: Tensor  # (N,): how far apart the bounds are


class Pairs:
    """Squared Euclidean distances of all pairs of two sets, compared exactly.

    As ‖x‖² + ‖y‖² − 2 x·y, they take a product of matrices, which is fast but rounded. By how much
    at most is known, and so are a lower and an upper bound of each distance. These tell how nearly
    all distances compare, even from products in float32. The others are computed in float64, as
    sums of squared differences: copies are exactly 0 apart, and ties are ties.

    Args:
        first: float (N, D), finite.
        second: float (M, D), finite.
    """

    def __init__(self, first: Tensor, second: Tensor) -> None:
        self.first, self.second = first, second
        # Numbers around 0 lose the least, and the squares of those up to 1 stay in range.
        self._precise = torch.promote_types(at_least_float32(first).dtype, second.dtype)
        self._centre = second.to(self._precise).mean(dim=0)
        ends = [end(dim=0) - self._centre for x in (first, second) for end in (x.amin, x.amax)]
        self._scale = float(torch.stack(ends).abs().max()) or 1.0
        # A GPU may take shorter numbers for its products of float32.
        self._fast = torch.float32 if first.is_cpu else torch.float64
        self._rounded_second: dict[torch.dtype, _Rounded] = {}

    def blocks(self) -> Iterator[slice]:
        """Yield what the first set is cut into, so that a block's pairs fit into memory."""
        size = max(1, AT_ONCE // len(self.second))
        for start in range(0, len(self.first), size):
            yield slice(start, start + size)

    def kth_smallest(self, block: slice, k: int) -> Tensor:
        """Return the k-th smallest squared distance of each row to the second set, float64 (B,)."""
        maybe = self._candidates(block, k, self._fast)
        if maybe.count_nonzero() > k * len(maybe) + MANY * maybe.numel():
            maybe = self._candidates(block, k, torch.float64)
        i, j = maybe.nonzero(as_tuple=True)
        rows = self._exact(block, i, j).split(i.bincount().tolist())
        return torch.stack([row.kthvalue(k).values for row in rows])

    def at_most(self, block: slice, *limits: Tensor) -> list[Tensor]:
        """Return whether squared distances are at most as large as each limit, bool (B, M).

        Args:
            block: rows of the first set.
            *limits: float64, (B, 1) or (M,).
        """
        surely, maybe = self._compared(block, limits, self._fast)
        if sum(int(each.count_nonzero()) for each in maybe) > MANY * maybe[0].numel():
            surely, maybe = self._compared(block, limits, torch.float64)
        for found, unsure, limit in zip(surely, maybe, limits, strict=True):
            i, j = unsure.nonzero(as_tuple=True)
            found[i, j] = self._exact(block, i, j) <= limit.expand_as(found)[i, j]
        return surely

    def _candidates(self, block: slice, k: int, dtype: torch.dtype) -> Tensor:
        """Return which pairs may be among the k nearest of a row, bool (B, M)."""
        nearest, farthest = self._bounds(block, dtype)
        return nearest <= farthest.topk(k, largest=False).values[:, -1:]

    def _compared(
        self, block: slice, limits: tuple[Tensor, ...], dtype: torch.dtype
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return which pairs are within each limit for sure, and which of the others may be."""
        nearest, farthest = self._bounds(block, dtype)
        scaled = [(limit / self._scale**2).to(dtype) for limit in limits]
        surely = [farthest <= limit for limit in scaled]
        return surely, [(nearest <= x) & ~sure for x, sure in zip(scaled, surely, strict=True)]

    def _bounds(self, block: slice, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return what squared distances, scaled, are at least and at most, (B, M) each."""
        if dtype not in self._rounded_second:
            self._rounded_second[dtype] = self._rounded(self.second, dtype)
        x, y = self._rounded(self.first[block], dtype), self._rounded_second[dtype]
        with torch.autocast(x.least.device.type, enabled=False):  # it would round to bfloat16
            products = F.linear(x.rows, y.rows).to_dense()
        nearest = (x.least[:, None] + y.least).sub_(products, alpha=2)
        return nearest, (x.margin[:, None] + y.margin).add_(nearest)

    def _rounded(self, features: Tensor, dtype: torch.dtype) -> _Rounded:
        wide = torch.promote_types(self._precise, dtype)
        rows = features.to(wide).sub(self._centre.to(wide)).div_(self._scale).to(dtype)
        sizes = torch.linalg.vector_norm(rows, dim=1).double().square()
        D, limits = rows.shape[1], torch.finfo(dtype)
        # A sum of D products is off by D · eps / 2 · ‖x‖‖y‖ at most, and ‖x‖‖y‖ is at most half of
        # ‖x‖² + ‖y‖²; these are sums of D products, too. That leaves room for all the rest.
        off = (D + 20) * (limits.eps * sizes + 4 * limits.tiny)
        if dtype == torch.float32 and torch.backends.mkldnn.is_available():
            rows = rows.to_mkldnn()  # whose products take half the time on some processors
        return _Rounded(rows, (sizes - off).to(dtype), (2 * off).to(dtype))

    def _exact(self, block: slice, i: Tensor, j: Tensor) -> Tensor:
        """Return squared distances of some pairs, row i of a block and row j, in float64."""
        first, size = self.first[block], max(1, FEW // self.first.shape[1])
        parts = [
            (first[a].double() - self.second[b].double()).square().sum(dim=1)
            for a, b in zip(i.split(size), j.split(size), strict=True)
        ]
        return torch.cat(parts)
