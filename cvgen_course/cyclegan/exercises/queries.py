"""Queries of a pool, for the mistakes of the exercise: as they should be, but for one part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Exchange = Callable[[int, list[Tensor], Tensor], Tensor]
"""Takes place, pool and image; puts the image into the pool, and returns the one that leaves it."""


def fair() -> bool:
    """Return whether a fair coin shows heads."""
    return bool(torch.rand(()) < 0.5)


def even(num: int) -> int:
    """Return a number from 0 to num - 1, each as likely."""
    return int(torch.randint(num, ()))


def cut_off(image: Tensor) -> Tensor:
    """Return an image without its graph and with memory of its own."""
    return image.detach().clone()


def _replaced(place: int, pool: list[Tensor], image: Tensor) -> Tensor:
    """Put an image into a place, and return the one that was there."""
    pool[place], image = image, pool[place]
    return image


def queried(
    pool: list[Tensor],
    images: Tensor,
    capacity: int,
    *,
    coin: Callable[[], Any] = fair,
    place: Callable[[int], int] = even,
    kept: Callable[[Tensor], Tensor] = cut_off,
    exchange: Exchange = _replaced,
) -> Tensor:
    """Query rightly, but for what is given: coins, places, what is kept, how it is exchanged."""
    back = []
    for image in images:
        image = kept(image)
        if len(pool) < capacity:
            pool.append(image)
        elif coin():
            image = exchange(place(capacity), pool, image)
        back.append(image)
    return torch.stack(back)
