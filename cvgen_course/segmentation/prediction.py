"""What a network says about images: the class of every pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvgen_course.require import require


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int = 64) -> Tensor:
    """Label every pixel with the class of the largest logit.

    Args:
        model: image float32 (N, 3, H, W) → logits (N, C, H, W); is run in evaluation mode and left
            in the mode it was in.
        images: float32 (N, 3, H, W) in [-1, 1], on any device.
        batch_size: how many images at a time; has no influence on the result.

    Returns:
        Masks, int64 (N, H, W), on the device of ``images``.

    Raises:
        TypeError: ``images`` is no tensor.
        ValueError: it does not have four dimensions or is empty, or ``batch_size`` is less than 1.
    """
    require(images=(images, "N 3 H W", "float"))
    if batch_size < 1:
        raise ValueError(f"batch_size: expected more than 0, got {batch_size}")
    if len(images) == 0:
        raise ValueError("images: expected at least one image, got none")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        masks = [model(part.to(device)).argmax(dim=1) for part in images.split(batch_size)]
    finally:
        model.train(was_training)
    return torch.cat(masks).to(images.device)
