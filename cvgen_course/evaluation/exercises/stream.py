"""Batches that come once, for the check of who keeps more of them than a few at a time."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cvgen_course.checks import TensorMemory

SPARE = 3
"""So many batches may be alive when there are no more; a loop's variables hold on to one or two."""

FEW = 0.6
"""As much memory may be taken then, as a share of what all batches take. Who keeps a number, a mean
and a scatter of each needs less than a third."""


class Stream(Iterator[Tensor]):
    """An iterator over batches, like a generator's: who goes through it again, finds nothing.

    It hands out copies and watches what becomes of them, as a context: ``with Stream(batches) as
    stream: answer(stream)``.

    Args:
        batches: tensors on the CPU.

    Attributes:
        num_kept: how many batches were alive when another was asked for and there were no more. A
            batch is alive as long as any tensor or array has its memory.
        share_kept: how much memory new tensors and arrays took then, as a share of what all batches
            take; or the share of all their numbers that one tensor had, if that is more.
    """

    def __init__(self, batches: Sequence[Tensor]) -> None:
        self.num_kept, self.share_kept = 0, 0.0
        self._handed_out: list[weakref.ref[torch.UntypedStorage]] = []
        self._batches = batches
        self._asked = 0
        self._made = TensorMemory()

    def __enter__(self) -> Stream:
        self._traces = not tracemalloc.is_tracing()
        if self._traces:
            tracemalloc.start()
        self._before = _bytes_in_arrays()
        self._made.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._made.__exit__(*error)
        if self._traces:
            tracemalloc.stop()
        numel = sum(batch.numel() for batch in self._batches)
        self.share_kept = max(self.share_kept, self._made.largest / numel)

    def __next__(self) -> Tensor:
        self._asked += 1
        if self._asked > len(self._batches):
            if self._num_alive() > SPARE or self._share() > FEW:
                gc.collect()  # what hangs in a circle is nobody's any more
            self.num_kept = max(self.num_kept, self._num_alive())
            self.share_kept = max(self.share_kept, self._share())
            raise StopIteration
        batch = self._batches[self._asked - 1].clone()
        self._handed_out.append(weakref.ref(batch.untyped_storage()))
        return batch

    def _num_alive(self) -> int:
        return sum(memory() is not None for memory in self._handed_out)

    def _share(self) -> float:
        """Return what is in memory, as a share of what all batches take."""
        taken = self._made.num_bytes() + _bytes_in_arrays() - self._before
        return taken / sum(batch.nbytes for batch in self._batches)


def _bytes_in_arrays() -> int:
    """Return what NumPy's arrays take that were made since tracemalloc began, in bytes."""
    traces = tracemalloc.take_snapshot().traces
    return sum(trace.size for trace in traces if trace.domain == np.lib.tracemalloc_domain)
