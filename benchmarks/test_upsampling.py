"""Ways to make maps larger, written to be read, against PyTorch's compiled ones."""

import pytest
import torch
import torch.nn.functional as F

from cvgen_course.seeding import generator
from cvgen_course.segmentation import (
    bed_of_nails,
    bilinear,
    conv_transpose2d,
    max_unpool,
    nearest,
)

CHANNELS = 16
CHANCE = generator("benchmarks", "upsampling")
X = torch.randn(16, CHANNELS, 32, 32, generator=CHANCE)
WEIGHT = torch.randn(CHANNELS, CHANNELS, 4, 4, generator=CHANCE)
NAIL = torch.zeros(CHANNELS, 1, 2, 2)
NAIL[:, :, 0, 0] = 1
MAXIMA, PLACES = F.max_pool2d(
    torch.randn(16, CHANNELS, 64, 64, generator=CHANCE), 2, return_indices=True
)

COMPARISONS = (
    (
        *("nearest", lambda: nearest(X, 2)),
        *("PyTorch", lambda: F.interpolate(X, scale_factor=2)),
    ),
    (
        *("bilinear", lambda: bilinear(X, 2)),
        *("PyTorch", lambda: F.interpolate(X, scale_factor=2, mode="bilinear")),
    ),
    (
        *("bed of nails", lambda: bed_of_nails(X, 2)),
        *("PyTorch", lambda: F.conv_transpose2d(X, NAIL, stride=2, groups=CHANNELS)),
    ),
    (
        *("max-unpooling", lambda: max_unpool(MAXIMA, PLACES, (64, 64))),
        *("PyTorch", lambda: F.max_unpool2d(MAXIMA, PLACES, 2)),
    ),
    (
        *("transposed convolution", lambda: conv_transpose2d(X, WEIGHT, stride=2, padding=1)),
        *("PyTorch", lambda: F.conv_transpose2d(X, WEIGHT, stride=2, padding=1)),
    ),
)


@pytest.mark.benchmark(group="Upsampling: 16 maps of 16 channels, from 32 × 32 to 64 × 64")
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda parts: parts[0])
def test_upsampling(side_by_side, comparison):
    """The same maps, the same larger maps."""
    side_by_side(*comparison)
