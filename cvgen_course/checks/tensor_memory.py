"""What an answer makes in memory, for checks of who makes or keeps more than it should."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class TensorMemory(TorchDispatchMode):
    """A context that watches the tensors that are made inside it.

    Attributes:
        largest: how many numbers the largest of them has; a view has those of what it views.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.largest = 0
        self._alive: weakref.WeakValueDictionary[int, torch.UntypedStorage]
        self._alive = weakref.WeakValueDictionary()  # by address

    def num_bytes(self) -> int:
        """Return how much memory those take that are still alive, in bytes."""
        return sum(memory.nbytes() for memory in self._alive.values())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in (result,) if isinstance(result, Tensor) else tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.layout == torch.strided:
                memory = leaf.untyped_storage()
                self.largest = max(self.largest, memory.nbytes() // leaf.element_size())
                self._alive[memory.data_ptr()] = memory
        return result
