"""Batches that come once, for the check of who keeps more of them than one at a time."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

SPARE = 3
"""So many batches may be alive when there are no more; a loop's variables hold on to one."""


class Stream(Iterator[Tensor]):
    """An iterator over batches, like a generator's: who goes through it again, finds nothing.

    Args:
        batches: any tensors; it hands out copies of them.

    Attributes:
        num_kept: how many batches were alive when another was asked for and there were no more. A
            batch is alive as long as any tensor or array has its memory.
    """

    def __init__(self, batches: Iterable[Tensor]) -> None:
        self.num_kept = 0
        self._to_come = iter(batches)
        self._handed_out: list[weakref.ref[torch.UntypedStorage]] = []

    def __next__(self) -> Tensor:
        original = next(self._to_come, None)
        if original is None:
            if self._num_alive() > SPARE:
                gc.collect()  # what hangs in a circle is nobody's any more
            self.num_kept = max(self.num_kept, self._num_alive())
            raise StopIteration
        batch = original.clone()
        self._handed_out.append(weakref.ref(batch.untyped_storage()))
        return batch

    def _num_alive(self) -> int:
        return sum(memory() is not None for memory in self._handed_out)


class LargestTensor(TorchDispatchMode):
    """A context that notes how many numbers the largest tensor has that is made inside it.

    So copies of batches are noticed, too, as soon as they are put together.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.numel = max(self.numel, *made, 0)
        return result
