"""Losses of masks, forward and backward as in training, against PyTorch's."""

import pytest
import torch
import torch.nn.functional as F

from cvgen_course.data import IGNORE
from cvgen_course.seeding import generator
from cvgen_course.segmentation import dice_loss, pixel_cross_entropy

CLASSES = 5
CHANCE = generator("benchmarks", "losses")
LOGITS = torch.randn(16, CLASSES, 64, 64, generator=CHANCE).requires_grad_()
TARGET = torch.randint(CLASSES, (16, 64, 64), generator=CHANCE)
TARGET[torch.rand(TARGET.shape, generator=CHANCE) < 0.1] = IGNORE

pytestmark = pytest.mark.benchmark(
    group="Losses: forward and backward, 16 masks of 64 × 64 pixels, 10 % ignored"
)


def with_gradient(loss):
    """Return a loss and its gradient in the logits."""
    return loss.detach(), *torch.autograd.grad(loss, LOGITS)


def test_pixel_cross_entropy(side_by_side):
    """The mean over all pixels that count."""
    side_by_side(
        *("cross-entropy", lambda: with_gradient(pixel_cross_entropy(LOGITS, TARGET, IGNORE))),
        *("PyTorch", lambda: with_gradient(F.cross_entropy(LOGITS, TARGET, ignore_index=IGNORE))),
    )


def test_dice_loss(benchmark):
    """On its own: torchmetrics' Dice score rounds the probabilities to 0 and 1 first."""
    benchmark.extra_info["what"] = "soft Dice"
    run = lambda: with_gradient(dice_loss(LOGITS, TARGET, IGNORE))  # noqa: E731
    benchmark.pedantic(run, rounds=200, warmup_rounds=1)
