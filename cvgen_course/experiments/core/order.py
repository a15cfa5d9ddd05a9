"""The order of the data: which images a step sees, and how each is cut, follow from the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from cvgen_course import seeding

Showing = tuple[int, int]
"""An item's index, and how many items were shown before it in the whole training."""


class Order(Sampler[list[Showing]]):
    """The batches of the steps ``first + 1, …, last``, for one of several devices.

    Images come in an endless row, every one once before any comes again, and each step takes the
    next ``batch_size`` of it, divided among the devices. So a training that goes on at step
    1,000 sees what it would have seen, and as many devices as there are see the same together.

    Args:
        num_items: images in the training set.
        batch_size: images in a step, on all devices together; a multiple of ``num_devices``.
        first: how many steps have been done.
        last: how many steps there are.
        seed: what the order follows from.
        device: which device this is, from 0.
        num_devices: how many there are.
    """

    def __init__(
        self,
        num_items: int,
        batch_size: int,
        first: int,
        last: int,
        seed: int,
        device: int = 0,
        num_devices: int = 1,
    ) -> None:
        self.num_items, self.batch_size, self.seed = num_items, batch_size, seed
        self.steps = range(first, last)
        share = batch_size // num_devices
        self.mine = range(device * share, (device + 1) * share)  # of the places of a step

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[Showing]]:
        for step in self.steps:
            yield [self._showing(step * self.batch_size + i) for i in self.mine]

    def _showing(self, position: int) -> Showing:
        epoch, i = divmod(position, self.num_items)
        return _permutation(self.num_items, self.seed, epoch)[i], position


class Drawn(Dataset[Any]):
    """A training set whose items are varied at random, by their place in the order alone.

    Args:
        train_set: what the items come from.
        draw: ``draw(item, rng)`` → an example.
        seed: what all chance follows from.
    """

    def __init__(
        self,
        train_set: Dataset[Any],
        draw: Callable[[Any, torch.Generator], Any],
        seed: int,
    ) -> None:
        self.train_set, self.draw, self.seed = train_set, draw, seed

    def __getitem__(self, showing: Showing) -> Any:
        index, position = showing
        return self.draw(self.train_set[index], seeding.generator(self.seed, "draw", position))


@lru_cache(maxsize=2)
def _permutation(num_items: int, seed: int, epoch: int) -> list[int]:
    rng = seeding.generator(seed, "order", epoch)
    return torch.randperm(num_items, generator=rng).tolist()
