"""The questions about a pool of old fakes."""

from __future__ import annotations

from itertools import count
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: pools with room and without, graphs, memory, fair chances."""

    def ask(
        asked: str,
        shape: tuple[int, int, int],
        capacity: int,
        kept: int,
        size: int,
        calls: int = 1,
        rounds: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Any]:
        """Return for each round a pool with some images, and batches that are handed to it.

        An image's first number says which one it is: the later one comes in, the higher.
        """
        numbers = count(1)

        def images(*sizes: int) -> Tensor:
            made = torch.randn(*sizes, *shape, generator=rng, dtype=torch.float64)
            for firsts in made.flatten(0, -4):
                firsts[0, 0, 0] = next(numbers)
            return made.to(dtype)

        pairs = [(images(kept), images(calls, size)) for _ in range(rounds)]
        pools, batches = map(torch.stack, zip(*pairs, strict=True))
        return {"asked": asked, "pools": pools, "batches": batches, "capacity": capacity}

    return [
        Case(
            "an empty pool, with room for all images",
            ask("images", (3, 2, 4), capacity=5, kept=0, size=3),
            weight=1,
            hint="While there is room, each image is kept, and comes back as well. The list "
            "itself changes: pool.append(image).",
        ),
        Case(
            "a pool of two, with room for just as many as come",
            ask("images", (1, 4, 3), capacity=6, kept=2, size=4),
            weight=1,
            hint="The pool is full when it holds `capacity` images, not one less.",
        ),
        Case(
            "float64",
            ask("images", (2, 3, 3), capacity=4, kept=1, size=2, dtype=torch.float64),
            weight=1,
            hint="New here: float64; images stay as precise as they come.",
        ),
        Case(
            "capacity 1, one image at a time",
            ask("rules", (2, 2, 1), capacity=1, kept=0, size=1, calls=70),
            weight=1,
            hint="Of a full pool and a new image, one comes back, and all the others are kept.",
        ),
        Case(
            "capacity 3, one image at a time",
            ask("rules", (1, 1, 2), capacity=3, kept=0, size=1, calls=90),
            weight=2,
            hint="Of a full pool and a new image, one comes back, and all the others are kept.",
        ),
        Case(
            "the pool is full in the middle of a batch",
            ask("rules", (1, 2, 2), capacity=3, kept=1, size=6, rounds=20),
            weight=3,
            hint="One image after the other: is there room for it? What comes back stands in its "
            "place in the batch.",
        ),
        Case(
            "images that carry a graph, and change later; room for all",
            ask("memory", (2, 3, 2), capacity=4, kept=1, size=3),
            weight=3,
            hint="image.detach() has no graph, but the image's memory; .clone() has its own.",
        ),
        Case(
            "images that carry a graph, and change later; a full pool",
            ask("memory", (1, 3, 2), capacity=2, kept=2, size=4, rounds=30),
            weight=4,
            hint="image.detach() has no graph, but the image's memory; .clone() has its own.",
        ),
        Case(
            "3500 images, four at a time: are the chances fair?",
            ask("chances", (1, 1, 2), capacity=5, kept=5, size=4, calls=875),
            weight=9,
            hint="A fair coin for each image; a place from 0 to capacity - 1, each as likely, for "
            "each that is kept. No seed.",
        ),
    ]
