"""The image pool: a discriminator is shown fakes of now, and of a while ago."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvgen_course.require import require


def query_pool(pool: list[Tensor], images: Tensor, capacity: int) -> Tensor:
    """Hand in new fakes, and get as many back: new ones, or old ones that they replace.

    One image after the other: while the pool is not full, it is kept, and comes back. Once it is
    full, a coin is tossed: either the image comes back and is not kept; or it takes the place of
    one that is drawn from the pool, and that one comes back.

    Args:
        pool: the images kept so far, float (C, H, W) each, without gradient; is changed in place.
        images: new fakes, float (N, C, H, W).
        capacity: how many are kept at most; 0 for none: all come back.

    Returns:
        float (N, C, H, W), without gradient. What is returned or kept shares no memory with
        ``images``.

    Raises:
        TypeError: ``images`` is no floating-point tensor.
        ValueError: its images have another shape than the pool's, or ``capacity`` is negative.

    Source:
        Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial
        Training", CVPR 2017, arXiv:1612.07828, section 2.3; entry by entry and with a coin: the
        code of Zhu et al., arXiv:1703.10593, section 4.
    """
    require(images=(images, "N C H W", "float"))
    if capacity < 0:
        raise ValueError(f"capacity: expected 0 or more, got {capacity}")
    if pool and pool[0].shape != images.shape[1:]:
        raise ValueError(
            f"images: expected shape (N, {', '.join(map(str, pool[0].shape))}), as in the pool, "
            f"got {tuple(images.shape)}"
        )
    returned = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
        elif capacity and torch.rand(()) < 0.5:
            place = int(torch.randint(capacity, ()))
            pool[place], image = image, pool[place]
        returned.append(image)
    return torch.stack(returned) if returned else images.detach().clone()


class ImagePool(nn.Module):
    """A pool that belongs to a model: what it keeps is part of the model's state.

    Args:
        capacity: how many images are kept at most.

    Source:
        See `query_pool`; 50 images in the paper.
    """

    def __init__(self, capacity: int = 50) -> None:
        super().__init__()
        self.capacity = capacity
        self.images: list[Tensor] = []

    def query(self, images: Tensor) -> Tensor:
        """Return what `query_pool` returns for new fakes, float (N, C, H, W)."""
        # What was read from a file may lie on another device.
        self.images = [image.to(images) for image in self.images]
        return query_pool(self.images, images, self.capacity)

    def get_extra_state(self) -> Tensor:
        """Return the images that are kept, for ``state_dict()``."""
        return torch.stack(self.images) if self.images else torch.empty(0)

    def set_extra_state(self, state: Tensor) -> None:
        """Put back what ``state_dict()`` had."""
        self.images = list(state.clone())
