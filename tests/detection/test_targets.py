from types import SimpleNamespace

import pytest
import torch
from support.detection_scenes import random_scenes

from cvgen_course.detection.targets import (
    DetectionSet,
    Target,
    Targets,
    pad_targets,
    require_targets,
)

BOXES = torch.tensor([[1.0, 2.0, 5.0, 6.0], [0.0, 0.0, 3.0, 2.0], [2.0, 1.0, 8.0, 7.0]])
LABELS = torch.tensor([2, 1, 3])


def square_masks(boxes, size=8):
    masks = torch.zeros(len(boxes), size, size, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.long().tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    return masks


def target(*which, masks=True, **marks):
    boxes = BOXES[list(which)]
    marks = {name: torch.tensor(mark) for name, mark in marks.items()}
    return Target(boxes, LABELS[list(which)], square_masks(boxes) if masks else None, **marks)


def batch(**changes):
    return Targets(BOXES[None, :2].clone(), LABELS[None, :2].clone())._replace(**changes)


def test_pad_targets_puts_zeros_behind_the_objects():
    boxes, labels, masks = pad_targets([target(1), target(0, 2)])
    assert torch.equal(boxes, torch.stack([torch.stack([BOXES[1], torch.zeros(4)]), BOXES[::2]]))
    assert labels.tolist() == [[1, 0], [2, 3]]
    assert masks.shape == (2, 2, 8, 8)
    assert masks.sum(dim=(2, 3)).tolist() == [[6, 0], [16, 36]]
    assert torch.equal(masks[1, 1], square_masks(BOXES)[2])
    assert (boxes.dtype, labels.dtype, masks.dtype) == (torch.float32, torch.int64, torch.bool)


def test_pad_targets_loses_and_adds_no_object():
    rng = torch.Generator().manual_seed(0)
    _, truth = random_scenes(rng, 12, 4, max_objects=5, max_detections=0, size=16, masks=True)
    assert {len(each.labels) for each in truth} >= {0, 5}
    padded = pad_targets(truth)
    assert padded.labels.shape == (12, 5)
    for row, each in enumerate(truth):
        K = len(each.labels)
        assert torch.equal(padded.boxes[row, :K], each.boxes)
        assert torch.equal(padded.labels[row, :K], each.labels)
        assert torch.equal(padded.masks[row, :K], each.masks)
        assert not any(part[row, K:].any() for part in padded)


def test_pad_targets_of_images_without_objects_has_one_row():
    boxes, labels, masks = pad_targets([target(), target()])
    assert torch.equal(boxes, torch.zeros(2, 1, 4))
    assert torch.equal(labels, torch.zeros(2, 1, dtype=torch.int64))
    assert torch.equal(masks, torch.zeros(2, 1, 8, 8, dtype=torch.bool))


@pytest.mark.parametrize("mark", ["crowd", "difficult"])
def test_pad_targets_leaves_out_what_nobody_has_to_find(mark):
    marked = target(0, 1, 2, **{mark: [False, True, False]})
    boxes, labels, masks = pad_targets([marked])
    assert torch.equal(boxes[0], BOXES[[0, 2]])
    assert labels.tolist() == [[2, 3]]
    assert torch.equal(masks[0], square_masks(BOXES)[[0, 2]])
    assert len(marked.labels) == 3


def test_sought_is_neither_crowd_nor_difficult():
    marks = {"crowd": [True, False, False], "difficult": [True, True, False]}
    assert target(0, 1, 2, **marks).sought().tolist() == [False, False, True]
    assert target(0, 1).sought().tolist() == [True, True]
    assert target().sought().tolist() == []


def test_pad_targets_of_nothing_but_crowds_and_of_no_crowds():
    only_crowds = pad_targets([target(0, 1, masks=False, crowd=[True, True])])
    assert only_crowds.labels.tolist() == [[0]]
    none = pad_targets([target(0, 1, masks=False, crowd=[False, False])])
    assert none.labels.tolist() == [[2, 1]]
    assert only_crowds.masks is none.masks is None


def test_pad_targets_has_masks_only_where_all_images_have():
    assert pad_targets([target(0), target(1, masks=False)]).masks is None


def test_pad_targets_says_what_is_wrong_with_its_arguments():
    with pytest.raises(ValueError, match=r"targets: expected those of at least one image, got no"):
        pad_targets([])
    wide = Target(BOXES[:1], LABELS[:1], torch.zeros(1, 8, 9, dtype=torch.bool))
    message = r"targets: expected masks of one size, got \[\(8, 8\), \(8, 9\)\]"
    with pytest.raises(ValueError, match=message):
        pad_targets([wide, target(0)])
    with pytest.raises(ValueError, match=message):  # an image without objects has a size, too
        pad_targets([wide, target()])


def test_targets_at_takes_some_images():
    padded = pad_targets([target(0), target(1), target(2)])
    some = padded.at(torch.tensor([2, 0, 2]))
    assert some.labels.tolist() == [[3], [2], [3]]
    assert torch.equal(some.boxes[:, 0], BOXES[[2, 0, 2]])
    assert torch.equal(some.masks[:, 0], square_masks(BOXES)[[2, 0, 2]])
    assert padded._replace(masks=None).at(torch.tensor([1])).masks is None


def test_targets_to_moves_all_parts():
    padded = pad_targets([target(0), target(1)])
    assert all(part.device.type == "meta" for part in padded.to("meta"))
    assert padded._replace(masks=None).to("cpu").masks is None


def test_require_targets_accepts_what_pad_targets_makes():
    require_targets(pad_targets([target(0, 1), target(), target(2)]), 4, 3)
    require_targets(batch(boxes=torch.zeros(1, 0, 4), labels=LABELS[None, :0]), 4, 1)


def test_require_targets_says_which_labels_are_wrong():
    with pytest.raises(
        TypeError, match=r"labels: expected an int64 .* got torch\.int32; use labels\."
    ):
        require_targets(batch(labels=LABELS[None, :2].int()), 4, 1)
    with pytest.raises(
        ValueError, match=r"labels: .* = \(1, 2\) to go with boxes .* got shape \(1, 3\)"
    ):
        require_targets(batch(labels=LABELS[None]), 4, 1)
    message = r"labels: expected values in \[0, 3\), got values from 0 to 3; 0 is no object"
    with pytest.raises(ValueError, match=message):
        require_targets(pad_targets([target(0), target(1, 2)]), 3, 2)
    with pytest.raises(ValueError, match=r"labels: .* got values from -1"):
        require_targets(batch(labels=torch.tensor([[1, -1]])), 4, 1)


def test_require_targets_says_which_boxes_are_wrong():
    with pytest.raises(TypeError, match=r"boxes: expected a floating-point .* got torch\.int64"):
        require_targets(batch(boxes=BOXES[None, :2].long()), 4, 1)
    with pytest.raises(ValueError, match=r"boxes: expected .*\(N, K, 4\), got shape \(2, 4\)"):
        require_targets(batch(boxes=BOXES[:2]), 4, 2)
    with pytest.raises(ValueError, match=r"boxes: expected .* \(N, K, 4\), got shape \(1, 2, 3\)"):
        require_targets(batch(boxes=BOXES[None, :2, :3]), 4, 1)


@pytest.mark.parametrize(
    "box",
    [
        [5.0, 2.0, 1.0, 6.0],  # x2 < x1
        [1.0, 6.0, 5.0, 2.0],  # y2 < y1
        [1.0, 2.0, 1.0, 6.0],  # no width
        [1.0, 2.0, 5.0, 2.0],  # no height
        [0.0, 0.0, 0.0, 0.0],
        [1.0, 2.0, float("inf"), 6.0],
        [float("nan"), 2.0, 5.0, 6.0],
    ],
)
def test_pad_targets_refuses_a_box_that_nobody_can_learn(box):
    boxes = BOXES[:2].clone()
    boxes[1] = torch.tensor(box)
    bad = Target(boxes, LABELS[:2])
    message = r"targets\[1\]\.boxes: expected x1 < x2 and y1 < y2, got \[.*\] as object 1; mend or"
    with pytest.raises(ValueError, match=message):
        pad_targets([target(2), bad])
    with pytest.raises(ValueError, match=message):
        DetectionSet(
            SimpleNamespace(image=torch.zeros(3, 8, 8), boxes=each.boxes, labels=each.labels)
            for each in (target(2), bad)
        )
    pad_targets([bad._replace(difficult=torch.tensor([False, True]))])  # it need not be learned


def test_pad_targets_says_which_tensors_are_wrong():
    good = target(0, 1)
    with pytest.raises(TypeError, match=r"targets\[0\]\.boxes: .* got torch\.int64; use targets"):
        pad_targets([good._replace(boxes=good.boxes.long())])
    with pytest.raises(
        TypeError, match=r"targets\[0\]\.labels: expected an int64 .* got torch\.int32"
    ):
        pad_targets([good._replace(labels=good.labels.int())])
    with pytest.raises(ValueError, match=r"targets\[0\]\.labels: .* to go .* got shape \(1,\)"):
        pad_targets([good._replace(labels=LABELS[:1])])
    with pytest.raises(
        TypeError, match=r"targets\[0\]\.masks: expected a bool .* got torch\.float32"
    ):
        pad_targets([good._replace(masks=good.masks.float())])
    with pytest.raises(ValueError, match=r"targets\[0\]\.masks: .* to go .* got shape \(1, 8, 8\)"):
        pad_targets([good._replace(masks=good.masks[:1])])
    for label in (0, -1):
        with pytest.raises(ValueError, match=rf"\.labels: expected classes from 1, .* got {label}"):
            pad_targets([good._replace(labels=torch.tensor([1, label]))])


def item(*which, **more):
    of = target(*which)
    image = torch.full((3, 8, 8), float(len(which)))
    return SimpleNamespace(image=image, boxes=of.boxes, labels=of.labels, **more)


def test_detection_set_has_images_truth_and_padded_targets():
    items = [item(0, 1, instances=target(0, 1).masks), item(2, instances=target(2).masks)]
    data = DetectionSet(each for each in items)
    assert len(data) == len(data.truth) == 2
    assert data.images.shape == (2, 3, 8, 8)
    assert data.targets.labels.tolist() == [[2, 1], [3, 0]]
    assert torch.equal(data.targets.masks, pad_targets([target(0, 1), target(2)]).masks)
    image, truth = data[1]
    assert torch.equal(image, items[1].image)
    assert torch.equal(truth.boxes, BOXES[2:])
    assert torch.equal(truth.masks, square_masks(BOXES[2:]))


def test_detection_set_needs_no_masks():
    data = DetectionSet([item(0), item()])
    assert data.targets.masks is data[0][1].masks is None
    assert data.targets.labels.tolist() == [[2], [0]]


def test_detection_set_measures_difficult_objects_but_does_not_learn_them():
    data = DetectionSet([item(0, 1, difficult=torch.tensor([True, False])), item(2)])
    assert data.targets.labels.tolist() == [[1], [3]]
    assert data.truth[0].labels.tolist() == [2, 1]
    assert data.truth[0].difficult.tolist() == [True, False]
    assert data.truth[1].difficult is None


def test_detection_set_says_that_there_is_nothing():
    with pytest.raises(ValueError, match="items: expected at least one, got an empty set"):
        DetectionSet([])


def test_require_targets_refuses_those_of_another_number_of_images():
    with pytest.raises(
        ValueError, match=r"boxes: expected .* = \(3, K, 4\), got shape \(1, 2, 4\)"
    ):
        require_targets(batch(), 4, 3)
