"""Batches for ever, from any data set, and on any device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate


def endless_batches(
    train_set: Dataset[Any], batch_size: int, rng: torch.Generator
) -> Iterator[Any]:
    """Yield batches for ever; every item once before any comes again.

    Args:
        train_set: its ``__getitems__(indices)``, where it has one, makes a batch, or a list of
            items; else items are taken one by one. Of a list torch's ``default_collate`` makes a
            batch: a named tuple of tensors of items that are named tuples of tensors.
        batch_size: items in a batch.
        rng: where the order comes from.

    Raises:
        ValueError: the set is empty.
    """
    num_items = len(train_set)  # type: ignore[arg-type]  # torch's Dataset promises no length
    if num_items == 0:
        raise ValueError("train_set: expected at least one item, got an empty set")
    together = getattr(train_set, "__getitems__", lambda chosen: [train_set[i] for i in chosen])

    def forever() -> Iterator[Any]:
        waiting = torch.empty(0, dtype=torch.int64)
        while True:
            while len(waiting) < batch_size:
                waiting = torch.cat([waiting, torch.randperm(num_items, generator=rng)])
            chosen, waiting = waiting[:batch_size], waiting[batch_size:]
            batch = together(chosen.tolist())
            yield default_collate(batch) if isinstance(batch, list) else batch

    return forever()


def on_device(batch: Any, device: torch.device) -> Any:
    """Move a batch's tensors to a device, and store its images channels last, which is faster.

    Args:
        batch: a tensor; or tuples, lists and dictionaries of such, and of what stays as it is.
        device: where the model is.
    """
    if isinstance(batch, Tensor):
        batch = batch.to(device)
        is_image = batch.ndim == 4 and batch.is_floating_point()
        return batch.contiguous(memory_format=torch.channels_last) if is_image else batch
    if isinstance(batch, dict):
        return {name: on_device(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple | list):
        parts = [on_device(part, device) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    return batch
