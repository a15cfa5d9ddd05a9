"""Non-maximum suppression against torchvision's compiled one."""

import pytest
import torch
from torchvision import ops

from cvgen_course.detection.nms import batched_nms, nms
from cvgen_course.seeding import generator

THRESHOLD = 0.5
CHANCE = generator("benchmarks", "nms")


def crowded(num_boxes):
    """Draw boxes as a detector finds them: about 20 around each object, most of them too many."""
    num_objects = num_boxes // 20
    whose = torch.randint(num_objects, (num_boxes,), generator=CHANCE)
    centre = (800 * torch.rand(num_objects, 2, generator=CHANCE))[whose]
    size = (20 + 100 * torch.rand(num_objects, 2, generator=CHANCE))[whose]
    centre = centre + 0.1 * size * torch.randn(num_boxes, 2, generator=CHANCE)
    size = size * (0.2 * torch.randn(num_boxes, 2, generator=CHANCE)).exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)


def scattered(num_boxes):
    """Draw boxes anywhere, most of which stay: the most work."""
    corner = 800 * torch.rand(num_boxes, 2, generator=CHANCE)
    size = 20 + 100 * torch.rand(num_boxes, 2, generator=CHANCE)
    return torch.cat([corner, corner + size], dim=1)


BOXES = {
    f"{number} boxes, {draw.__name__}": (draw(count), torch.rand(count, generator=CHANCE))
    for count, number in ((100, "100"), (1_000, "1,000"), (10_000, "10,000"))
    for draw in (crowded, scattered)
}


@pytest.mark.benchmark(group="Non-maximum suppression: IoU above 0.5")
@pytest.mark.parametrize("what", BOXES)
def test_nms(side_by_side, what):
    """The same boxes, the same ones kept, in the same order."""
    boxes, scores = BOXES[what]
    side_by_side(
        *(what, lambda: nms(boxes, scores, THRESHOLD)),
        *("torchvision", lambda: ops.nms(boxes, scores, THRESHOLD)),
    )


@pytest.mark.benchmark(group="Non-maximum suppression: IoU above 0.5")
def test_batched_nms(side_by_side):
    """The same boxes of 16 images, the same ones kept, in the same order."""
    boxes, scores = BOXES["10,000 boxes, crowded"]
    images = torch.arange(len(boxes)) % 16
    side_by_side(
        *(
            "10,000 boxes, crowded, 16 images",
            lambda: batched_nms(boxes, scores, images, THRESHOLD),
        ),
        *("torchvision", lambda: ops.batched_nms(boxes, scores, images, THRESHOLD)),
    )
