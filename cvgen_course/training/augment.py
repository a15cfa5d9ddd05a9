"""Variations of a batch that leave its meaning as it is."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.errors import require_shape


def flip_and_turn(images: Tensor, masks: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Flip and turn every image and its mask by a random one of the square's eight symmetries.

    Where height and width differ, quarter turns are left out: four symmetries remain.

    Args:
        images: (N, C, H, W).
        masks: (N, H, W).
        rng: a generator on the CPU, where the choice comes from.

    Returns:
        New images (N, C, H, W) and masks (N, H, W).

    Raises:
        TypeError: ``images`` or ``masks`` is no tensor.
        ValueError: the shapes do not belong together.
    """
    require_shape("images", images, "N C H W")
    require_shape("masks", masks, "N H W")
    N, _, H, W = images.shape
    if masks.shape != (N, H, W):
        raise ValueError(
            f"masks: expected shape {(N, H, W)} to go with images {tuple(images.shape)}, "
            f"got {tuple(masks.shape)}"
        )
    symmetry = torch.randint(8 if H == W else 4, (N,), generator=rng)
    new_images, new_masks = torch.empty_like(images), torch.empty_like(masks)
    for which in symmetry.unique().tolist():
        chosen = (symmetry == which).to(images.device)
        new_images[chosen] = _move(images[chosen], which)
        new_masks[chosen] = _move(masks[chosen], which)
    return new_images, new_masks


def _move(x: Tensor, symmetry: int) -> Tensor:
    """Apply a symmetry of the square to the last two dimensions: two flips and a transposition."""
    if symmetry & 1:
        x = x.flip(-1)
    if symmetry & 2:
        x = x.flip(-2)
    return x.transpose(-1, -2) if symmetry & 4 else x
