"""Splits: their names, and seeded ones for data sets that publish none."""

from __future__ import annotations

import math

import numpy as np

from cvgen_course.seeding import derive_seed

SPLITS = ("train", "val", "test")


def require_split(split: str) -> None:
    """Raise unless a split is one of ``SPLITS``.

    Raises:
        ValueError: it is not.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")


def shuffled_parts(name: str, num_items: int, *fractions: float) -> list[list[int]]:
    """Cut the indices of a data set into seeded, disjoint parts.

    Args:
        name: the data set's name: the shuffle follows from it alone, so the parts are the same
            everywhere.
        num_items: how many items there are.
        *fractions: the size of each part, in (0, 1]; the last part takes what is left.

    Returns:
        One sorted list of indices per fraction; together they are ``range(num_items)``.
    """
    order = np.random.default_rng(derive_seed("split", name)).permutation(num_items)
    cuts = [math.floor(num_items * sum(fractions[: i + 1])) for i in range(len(fractions) - 1)]
    return [sorted(part.tolist()) for part in np.split(order, cuts)]
