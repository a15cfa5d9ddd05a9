"""RoI Align and RoI pooling against torchvision's compiled ones."""

import pytest
import torch
from torchvision import ops

from cvgen_course.detection.roi_align import roi_align
from cvgen_course.detection.roi_pool import roi_pool
from cvgen_course.seeding import generator

BINS = 7
CHANCE = generator("benchmarks", "roi_align")


def regions(shape, stride, num_boxes):
    """Draw a map, boxes of a tenth to two thirds of the image's width, and an upstream gradient.

    Where a point lies, float32 says to a millionth of the map's width. So values are positive, else
    differences of large ones would be compared.
    """
    N, C, H, W = shape
    image = stride * torch.tensor([W, H])
    size = image * (0.1 + 0.57 * torch.rand(num_boxes, 2, generator=CHANCE) ** 2)
    corner = (image - size) * torch.rand(num_boxes, 2, generator=CHANCE)
    return {
        "features": (1 + torch.rand(shape, generator=CHANCE)).requires_grad_(),
        "boxes": torch.cat([corner, corner + size], dim=1),
        "image_of": torch.randint(N, (num_boxes,), generator=CHANCE),
        "scale": 1 / stride,
        "upstream": torch.rand(num_boxes, C, BINS, BINS, generator=CHANCE),
    }


LARGE = regions((2, 256, 50, 50), 16, 512)
SMALL = regions((16, 64, 16, 16), 4, 1024)


def ours(features, boxes, image_of, scale):
    """Sample with two points in each direction."""
    return roi_align(features, boxes, image_of, BINS, scale)


def theirs(features, boxes, image_of, scale):
    """Sample with two points in each direction."""
    boxes = torch.cat([image_of[:, None], boxes], dim=1)
    return ops.roi_align(features, boxes, BINS, scale, 2, True)


def our_pooling(features, boxes, image_of, scale):
    """Take the maxima."""
    return roi_pool(features, boxes, image_of, BINS, scale)


def their_pooling(features, boxes, image_of, scale):
    """Take the maxima."""
    boxes = torch.cat([image_of[:, None], boxes], dim=1)
    return ops.roi_pool(features, boxes, BINS, scale)


def forward(function, upstream, **inputs):
    """Return what comes out."""
    with torch.no_grad():
        return function(**inputs)


def both_passes(function, upstream, **inputs):
    """Return the gradient with respect to the features."""
    return torch.autograd.grad(function(**inputs), inputs["features"], upstream)[0]


COMPARISONS = (
    ("RoI Align, large map, forward", forward, LARGE, ours, theirs),
    ("RoI Align, large map, forward and backward", both_passes, LARGE, ours, theirs),
    ("RoI Align, small map, forward", forward, SMALL, ours, theirs),
    ("RoI Align, small map, forward and backward", both_passes, SMALL, ours, theirs),
    (
        "RoI pooling, small map, forward and backward",
        both_passes,
        SMALL,
        our_pooling,
        their_pooling,
    ),
)


@pytest.mark.benchmark(
    group="Regions: 512 of 2 maps of 256 × 50 × 50 (large), 1024 of 16 of 64 × 16 × 16 (small)"
)
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda parts: parts[0])
def test_regions(side_by_side, comparison):
    """The same regions, the same numbers."""
    what, passes, inputs, mine, its = comparison
    side_by_side(
        *(what, lambda: passes(mine, **inputs)),
        *("torchvision", lambda: passes(its, **inputs)),
    )
