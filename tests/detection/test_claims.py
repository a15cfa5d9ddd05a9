import pytest
import torch

from cvgen_course.detection.boxes import box_area, box_iou
from cvgen_course.detection.claims import Pairs, claim_objects, overlapping_pairs
from cvgen_course.detection.masks import mask_iou
from cvgen_course.detection.metric_inputs import Flat

HALF = torch.tensor([0.5], dtype=torch.float64)


def flat(image, labels, boxes, crowd=None):
    image, boxes = torch.tensor(image).long(), torch.tensor(boxes).double().reshape(-1, 4)
    return Flat(
        image=image,
        number=torch.tensor([image[:k].eq(image[k]).sum() for k in range(len(image))]).long(),
        labels=torch.tensor(labels).long(),
        boxes=boxes,
        areas=box_area(boxes),
        scores=torch.zeros(len(boxes)),
        crowd=torch.tensor(crowd or [False] * len(boxes)).bool(),
        sought=~torch.tensor(crowd or [False] * len(boxes)).bool(),
    )


def pairs(*entries):
    detection, object_, iou = zip(*entries, strict=True)
    return Pairs(
        torch.tensor(detection), torch.tensor(object_), torch.tensor(iou, dtype=torch.float64)
    )


def claim(groups, found, unlimited, ignored=None):
    """Return for each detection whether it got an object that counts, and whether any."""
    ignored = unlimited if ignored is None else ignored
    hit, claimed = claim_objects(
        torch.tensor(groups), found, torch.tensor(unlimited), torch.tensor(ignored)[:, None], HALF
    )
    return hit.flatten().tolist(), claimed.flatten().tolist()


def test_overlapping_pairs_are_of_one_image_and_class():
    box = [0, 0, 2, 2]
    found = flat([0, 0, 1, 1], [1, 2, 1, 2], [box] * 4)
    truth = flat([0, 0, 1, 0], [1, 1, 1, 3], [box, [0, 0, 2, 1], [1, 0, 3, 2], box])
    got = overlapping_pairs(found, truth, num_classes=4)
    assert got.detection.tolist() == [0, 0, 2]
    assert got.object.tolist() == [1, 0, 2]
    assert got.iou.tolist() == [1 / 2, 1, 1 / 3]


def test_overlapping_pairs_with_a_crowd_have_the_share_that_is_inside():
    found = flat([0], [1], [[0, 0, 4, 4]])
    truth = flat([0], [1], [[2, 0, 100, 100]], crowd=[True])
    assert overlapping_pairs(found, truth, 2).iou.tolist() == [1 / 2]


def test_overlapping_pairs_have_the_iou_of_boxes_and_of_masks():
    rng = torch.Generator().manual_seed(0)
    corners = (torch.rand(2, 6, 2, 2, generator=rng) * 9).sort(dim=2).values.flatten(2)
    boxes, other = corners.double()
    found, truth = (flat([0] * 6, [1] * 6, each.tolist()) for each in (boxes, other))
    got = overlapping_pairs(found, truth, 2)
    expected = box_iou(boxes, other)[got.detection, got.object]
    torch.testing.assert_close(got.iou, expected)

    masks, others = torch.rand(2, 6, 5, 5, generator=rng) < 0.5
    found = found._replace(areas=masks.sum(dim=(1, 2)).double())
    truth = truth._replace(areas=others.sum(dim=(1, 2)).double())
    got = overlapping_pairs(found, truth, 2, ([masks], [others]))
    assert torch.equal(got.iou, mask_iou(masks, others)[got.detection, got.object])


def test_overlapping_pairs_of_nothing_are_none():
    nothing, something = flat([], [], []), flat([0], [1], [[0, 0, 2, 2]])
    for found, truth in ((nothing, something), (something, nothing), (nothing, nothing)):
        assert len(overlapping_pairs(found, truth, 2).iou) == 0


def test_claim_objects_takes_the_best_that_is_free():
    found = pairs((0, 1, 0.6), (0, 0, 0.9), (1, 1, 0.5), (1, 0, 0.8), (2, 1, 1.0))
    hit, claimed = claim([0, 0, 0], found, [False, False])
    assert hit == claimed == [True, True, False]


def test_claim_objects_reaches_the_threshold_or_gets_nothing():
    hit, claimed = claim([0, 1], pairs((0, 0, 0.5), (1, 1, 0.4999)), [False, False])
    assert hit == claimed == [True, False]


def test_claim_objects_takes_the_last_of_equals():
    found = pairs((0, 1, 0.7), (0, 0, 0.7), (1, 0, 0.6))
    assert claim([0, 0], found, [False, False])[0] == [True, True]
    found = pairs((0, 1, 0.7), (0, 0, 0.7), (1, 1, 0.6))
    assert claim([0, 0], found, [False, False])[0] == [True, False]


def test_claim_objects_prefers_what_counts():
    found = pairs((0, 1, 0.5), (0, 0, 0.9), (1, 1, 0.9), (1, 0, 0.6), (2, 0, 0.6))
    hit, claimed = claim([0, 0, 0], found, [False, False], ignored=[True, False])
    assert hit == [True, False, False]
    assert claimed == [True, True, False]


def test_claim_objects_never_uses_up_what_is_unlimited():
    found = pairs((0, 0, 0.9), (1, 0, 0.9), (2, 0, 0.4))
    hit, claimed = claim([0, 0, 0], found, [True])
    assert hit == [False, False, False]
    assert claimed == [True, True, False]


def test_claim_objects_has_thresholds_and_ranges_of_its_own_each():
    found = pairs((0, 1, 0.6), (0, 0, 0.9), (1, 1, 0.5), (1, 0, 0.8))
    ignored = torch.tensor([[False, True], [False, False]])
    thresholds = torch.tensor([0.5, 0.7], dtype=torch.float64)
    nothing = torch.zeros(2, dtype=torch.bool)
    hit, claimed = claim_objects(torch.tensor([0, 0]), found, nothing, ignored, thresholds)
    # Object 0 does not count in the second range, where detection 0 prefers object 1 if it can.
    assert hit.tolist() == [[[True, True], [True, False]], [[True, False], [False, False]]]
    assert claimed.tolist() == [[[True, True], [True, True]], [[True, False], [True, False]]]


def test_claim_objects_of_no_pairs():
    nothing = Pairs(*(torch.zeros(0, dtype=torch.int64) for _ in range(2)), torch.zeros(0).double())
    assert claim([0, 1], nothing, [False]) == ([False, False], [False, False])


def test_overlapping_pairs_says_that_masks_differ_in_size():
    found = flat([0], [1], [[0, 0, 2, 2]])
    masks = [torch.ones(1, 4, 4).bool()], [torch.ones(1, 4, 5).bool()]
    with pytest.raises(
        ValueError, match=r"detections\[0\]\.masks: .* = \(D, 4, 5\) to go .* \(\d, 4, 4\)"
    ):
        overlapping_pairs(found, found, 2, masks)
