import pytest
import torch

from cvgen_course.detection import Targets, flip_and_turn_objects
from cvgen_course.segmentation import flip_and_turn


def scenes(num=64, size=(7, 7)):
    """Images of two rectangles, of value 1 and 2, and their objects with a row of padding."""
    masks = torch.zeros(num, 3, *size, dtype=torch.bool)
    masks[:, 0, 1:3, 0:4] = True
    masks[:, 2, 3:6, 1:3] = True
    images = (masks[:, 0] + 2.0 * masks[:, 2])[:, None].repeat(1, 3, 1, 1)
    boxes = torch.tensor([[0.0, 1.0, 4.0, 3.0], [0.0] * 4, [1.0, 3.0, 3.0, 6.0]]).repeat(num, 1, 1)
    return images, Targets(boxes, torch.tensor([4, 0, 2]).repeat(num, 1), masks)


def box_around(mask):
    ys, xs = mask.nonzero().unbind(1)
    return [xs.min().item(), ys.min().item(), xs.max().item() + 1, ys.max().item() + 1]


@pytest.mark.parametrize(("size", "symmetries"), [((7, 7), 8), ((6, 8), 4)])
def test_flip_and_turn_objects_moves_boxes_masks_and_images_alike(size, symmetries):
    images, targets = flip_and_turn_objects(scenes(size=size), torch.Generator().manual_seed(0))
    seen = set()
    for image, boxes, masks in zip(images, targets.boxes, targets.masks, strict=True):
        assert boxes[0].tolist() == box_around(masks[0])
        assert boxes[2].tolist() == box_around(masks[2])
        assert torch.equal(image, (masks[0] + 2.0 * masks[2]).expand(3, -1, -1))
        seen.add(tuple(boxes.flatten().tolist()))
    assert len(seen) == symmetries
    assert images.shape[2:] == size
    assert targets.labels.unique(dim=0).tolist() == [[4, 0, 2]]


def test_flip_and_turn_objects_leaves_padding_zero():
    _, targets = flip_and_turn_objects(scenes(), torch.Generator().manual_seed(0))
    assert not targets.boxes[:, 1].any()
    assert not targets.masks[:, 1].any()


def test_flip_and_turn_objects_turns_as_flip_and_turn_does():
    images, targets = scenes()
    expected, _ = flip_and_turn((images, images[:, 0]), torch.Generator().manual_seed(3))
    moved, _ = flip_and_turn_objects((images, targets), torch.Generator().manual_seed(3))
    assert torch.equal(moved, expected)


def test_flip_and_turn_objects_needs_no_masks_and_keeps_the_batch():
    images, targets = scenes()
    before = images.clone(), *(part.clone() for part in targets)
    with_masks = flip_and_turn_objects((images, targets), torch.Generator().manual_seed(1))
    without = flip_and_turn_objects(
        (images, targets._replace(masks=None)), torch.Generator().manual_seed(1)
    )
    assert without[1].masks is None
    assert torch.equal(without[0], with_masks[0])
    assert torch.equal(without[1].boxes, with_masks[1].boxes)
    assert all(map(torch.equal, (images, *targets), before))


def test_flip_and_turn_objects_keeps_what_is_between_pixels():
    images, targets = scenes(num=200)
    boxes = targets.boxes + torch.tensor([0.25, 0.125, 0.5, 0.75]) * (targets.labels > 0)[..., None]
    targets = targets._replace(boxes=boxes)
    _, moved = flip_and_turn_objects((images, targets), torch.Generator().manual_seed(1))
    first = {tuple(box) for box in moved.boxes[:, 0].tolist()}
    x1, y1, x2, y2 = 0.25, 1.125, 4.5, 3.75
    across = {(x1, x2), (7 - x2, 7 - x1)}
    down = {(y1, y2), (7 - y2, 7 - y1)}
    upright = {(a, c, b, d) for a, b in across for c, d in down}
    assert first == upright | {(c, a, d, b) for a, c, b, d in upright}


def test_flip_and_turn_objects_says_what_is_wrong_with_its_arguments():
    images, targets = scenes(num=4)
    rng = torch.Generator()
    with pytest.raises(TypeError, match=r"images: expected a tensor .* got NoneType"):
        flip_and_turn_objects((None, targets), rng)
    with pytest.raises(ValueError, match=r"images: expected .*\(N, C, H, W\), got shape \(3, 7, 7"):
        flip_and_turn_objects((images[0], targets), rng)
    with pytest.raises(ValueError, match=r"targets: expected those of 3 images, got those of 4"):
        flip_and_turn_objects((images[1:], targets), rng)
