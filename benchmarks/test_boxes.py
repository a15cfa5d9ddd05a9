"""The IoU of many boxes with many against torchvision's."""

import pytest
import torch
from torchvision import ops

from cvgen_course.detection.boxes import box_iou
from cvgen_course.seeding import generator

CHANCE = generator("benchmarks", "boxes")


def boxes(num):
    """Boxes in an image of 512 × 512 pixels, with sides up to 128."""
    corner = 384 * torch.rand(num, 2, generator=CHANCE)
    return torch.cat([corner, corner + 128 * torch.rand(num, 2, generator=CHANCE)], dim=1)


MANY, SOME = boxes(10_000), boxes(1_000)
COMPARISONS = (
    (
        *("IoU", lambda: box_iou(MANY, SOME), "torchvision"),
        lambda: ops.box_iou(MANY, SOME),
    ),
)


@pytest.mark.benchmark(group="Detection: 10,000 boxes with 1,000 boxes")
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda parts: parts[0])
def test_boxes(side_by_side, comparison):
    """The same boxes, the same matrix."""
    side_by_side(*comparison)
