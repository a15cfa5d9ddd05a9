"""One seed in, everything else follows: derived seeds and generators."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive_seed(*parts: object) -> int:
    """Derive a seed from words and numbers, the same on every machine and in every process.

    Args:
        *parts: anything whose ``str`` is stable, e.g. ``derive_seed(0, "scenes", "train")``.

    Returns:
        An integer in [0, 2**63).
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*parts: object) -> torch.Generator:
    """Return a CPU ``torch.Generator`` seeded with ``derive_seed(*parts)``."""
    import torch

    return torch.Generator().manual_seed(derive_seed(*parts))


def seed_everything(seed: int) -> None:
    """Seed the global generators of ``random``, NumPy and torch: the same figures again."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
