"""Features of images: what any callable makes of them, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from cvgen_course.require import require

Extractor = Callable[[Tensor], Tensor]
"""What turns images (N, C, H, W) into features (N, D): a network, or a function."""


def in_batches(
    extract: Extractor, images: Tensor, batch_size: int = 250, device: torch.device | None = None
) -> Iterator[Tensor]:
    """Go through images, and give the features of a batch at a time; no gradients.

    Args:
        extract: returns features (N, D) of images (N, C, H, W).
        images: float (N, C, H, W) in [-1, 1].
        batch_size: images at a time; the features do not depend on it.
        device: where ``extract`` wants its images; None for where they are.

    Yields:
        (N, D), on the CPU.

    Raises:
        ValueError: ``batch_size`` is below 1.
    """
    require(images=(images, "N C H W", "float"))
    if batch_size < 1:
        raise ValueError(f"batch_size: expected 1 or more, got {batch_size}")
    for batch in images.split(batch_size):
        with torch.no_grad():
            features = extract(batch.to(device) if device else batch).cpu()
        yield features  # out here, where whoever goes through them has gradients


def extract_features(
    extract: Extractor, images: Tensor, batch_size: int = 250, device: torch.device | None = None
) -> Tensor:
    """Return features of images, (N, D), on the CPU; see `in_batches`."""
    return torch.cat(list(in_batches(extract, images, batch_size, device)))
