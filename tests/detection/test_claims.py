import math

import pytest
import torch
from support.detection_scenes import coco_metrics, random_scenes

from cvgen_course.detection.average_precision import average_precision
from cvgen_course.detection.boxes import box_area, box_iou
from cvgen_course.detection.claims import (
    Pairs,
    claim_objects,
    match_detections,
    overlapping_pairs,
)
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
    """Return for each detection which object it got, or -1."""
    ignored = unlimited if ignored is None else ignored
    matches = claim_objects(
        torch.tensor(groups), found, torch.tensor(unlimited), torch.tensor(ignored)[:, None], HALF
    )
    return matches.flatten().tolist()


def naive_matches(iou, scores, threshold):
    """Say the rule in Python: who is best chooses first, the best of what is free."""
    matches, free = [-1] * len(scores), set(range(iou.shape[1]))
    for d in sorted(range(len(scores)), key=lambda d: -scores[d].item()):
        enough = [k for k in free if iou[d, k].item() >= threshold]
        if enough:
            matches[d] = max(enough, key=lambda k: (iou[d, k].item(), k))
            free.remove(matches[d])
    return matches


def random_iou(rng, D, K, steps):
    """Return IoUs in so many steps, and scores of which some are equal."""
    iou = torch.randint(steps + 1, (D, K), generator=rng) / steps
    return iou, torch.randint(5, (D,), generator=rng) / 4


def test_match_detections_equals_one_worked_out_by_hand():
    iou = torch.tensor([[0.8, 0.0], [0.6, 0.5], [0.9, 0.3], [0.1, 0.4]])
    # 1 chooses first, and takes 0. For 0 and 2 nothing is left: of 1 they have too little. 3, too.
    assert match_detections(iou, torch.tensor([0.7, 0.9, 0.8, 0.2]), 0.5).tolist() == [
        -1,
        0,
        -1,
        -1,
    ]
    # 2 chooses first; for 1 there is object 1.
    assert match_detections(iou, torch.tensor([0.7, 0.6, 0.8, 0.2]), 0.5).tolist() == [-1, 1, 0, -1]


def test_match_detections_equals_a_loop():
    rng = torch.Generator().manual_seed(0)
    for _ in range(50):
        D, K = torch.randint(12, (2,), generator=rng).tolist()
        iou, scores = random_iou(rng, D, K, steps=10)
        for threshold in (0.1, 0.5, 0.7, 1.0):
            got = match_detections(iou.double(), scores, threshold)
            assert got.tolist() == naive_matches(iou.double(), scores, threshold)
            assert got.dtype == torch.int64


@pytest.mark.parametrize("grid", [0.0, 1.0, 8.0])
def test_match_detections_leads_to_the_average_precision_of_pycocotools(grid):
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        detections, targets = random_scenes(rng, 8, 4, 12, 60, size=256, grid=grid)
        aps = []
        for c in (1, 2, 3):
            scores, hits, num_objects = [], [], 0
            for found, truth in zip(detections, targets, strict=True):
                boxes, of_class = found.boxes[found.labels == c], truth.boxes[truth.labels == c]
                iou = box_iou(boxes.double(), of_class.double())
                scores.append(found.scores[found.labels == c])
                hits.append(match_detections(iou, scores[-1], 0.5) >= 0)
                num_objects += len(of_class)
            aps.append(average_precision(torch.cat(scores), torch.cat(hits), num_objects, 101))
        expected = coco_metrics(detections, targets, 4)[1].item()
        assert sum(aps) / len(aps) == pytest.approx(expected, abs=1e-12)


def test_match_detections_keeps_classes_apart_where_their_iou_is_zero():
    rng = torch.Generator().manual_seed(0)
    iou, scores = torch.rand(30, 12, generator=rng), torch.rand(30, generator=rng)
    labels, classes = torch.arange(30) % 3, torch.arange(12) % 3
    together = match_detections(iou * (labels[:, None] == classes), scores, 0.3)
    for c in range(3):
        mine, objects = (labels == c).nonzero()[:, 0], (classes == c).nonzero()[:, 0]
        alone = match_detections(iou[mine][:, objects], scores[mine], 0.3)
        assert torch.equal(together[mine], torch.where(alone >= 0, objects[alone], -1))


def test_match_detections_offers_what_is_free_where_pascal_offers_only_the_best():
    between_two = torch.tensor([[0.75, 0.5], [0.75, 0.5]])
    assert match_detections(between_two, torch.tensor([0.9, 0.8]), 0.5).tolist() == [0, 1]


def test_match_detections_takes_the_first_of_equal_scores_and_the_last_of_equal_objects():
    iou = torch.full((3, 2), 0.5)
    assert match_detections(iou, torch.ones(3), 0.5).tolist() == [1, 0, -1]


def test_match_detections_goes_with_the_order_in_which_detections_come():
    rng = torch.Generator().manual_seed(0)
    iou, scores = torch.rand(40, 9, generator=rng), torch.rand(40, generator=rng)
    order = torch.randperm(40, generator=rng)
    matches = match_detections(iou, scores, 0.5)
    assert torch.equal(match_detections(iou[order], scores[order], 0.5), matches[order])
    found = matches[matches >= 0]
    assert len(found.unique()) == len(found)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_match_detections_compares_with_the_precision_of_the_iou(dtype):
    iou = torch.tensor([[0.7, 0.0], [0.1, 0.7]], dtype=dtype)  # 0.7 is no binary fraction
    assert match_detections(iou, torch.ones(2, dtype=dtype), 0.7).tolist() == [0, 1]
    close = torch.tensor([[1.0, 1 - torch.finfo(dtype).eps]], dtype=dtype)
    assert match_detections(close, torch.ones(1), 0.5).tolist() == [0]


def test_match_detections_of_nothing():
    for D, K in ((0, 0), (0, 3), (3, 0)):
        matches = match_detections(torch.zeros(D, K), torch.zeros(D), 0.5)
        assert matches.tolist() == [-1] * D
        assert matches.dtype == torch.int64


def test_match_detections_leaves_its_inputs_alone_and_needs_no_gradients():
    iou, scores = torch.rand(6, 3).requires_grad_(), torch.rand(6).requires_grad_()
    before = iou.detach().clone(), scores.detach().clone()
    assert not match_detections(iou, scores, 0.2).requires_grad
    assert torch.equal(iou, before[0])
    assert torch.equal(scores, before[1])


def test_match_detections_says_what_is_wrong():
    iou, scores = torch.rand(3, 2), torch.rand(3)
    with pytest.raises(ValueError, match=r"iou: expected .* shape \(D, K\), got shape \(3,\)"):
        match_detections(scores, scores, 0.5)
    with pytest.raises(ValueError, match=r"scores: expected .* = \(3,\) to go with iou .* \(2,\)"):
        match_detections(iou, scores[:2], 0.5)
    with pytest.raises(TypeError, match=r"scores: expected a floating-point .* got torch\.int64"):
        match_detections(iou, scores.long(), 0.5)
    for threshold in (0.0, -0.5, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"threshold: expected 0 < threshold <= 1, got"):
            match_detections(iou, scores, threshold)
    with pytest.raises(ValueError, match="iou: expected numbers, got NaN"):
        match_detections(iou * math.nan, scores, 0.5)
    with pytest.raises(ValueError, match="scores: expected numbers, got NaN"):
        match_detections(iou, scores * math.nan, 0.5)


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
    assert claim([0, 0, 0], found, [False, False]) == [0, 1, -1]


def test_claim_objects_reaches_the_threshold_or_gets_nothing():
    assert claim([0, 1], pairs((0, 0, 0.5), (1, 1, 0.4999)), [False, False]) == [0, -1]


def test_claim_objects_takes_the_last_of_equals():
    found = pairs((0, 1, 0.7), (0, 0, 0.7), (1, 0, 0.6))
    assert claim([0, 0], found, [False, False]) == [1, 0]
    found = pairs((0, 1, 0.7), (0, 0, 0.7), (1, 1, 0.6))
    assert claim([0, 0], found, [False, False]) == [1, -1]


def test_claim_objects_prefers_what_counts():
    found = pairs((0, 1, 0.5), (0, 0, 0.9), (1, 1, 0.9), (1, 0, 0.6), (2, 0, 0.6))
    assert claim([0, 0, 0], found, [False, False], ignored=[True, False]) == [1, 0, -1]


def test_claim_objects_never_uses_up_what_is_unlimited():
    found = pairs((0, 0, 0.9), (1, 0, 0.9), (2, 0, 0.4))
    assert claim([0, 0, 0], found, [True]) == [0, 0, -1]


def test_claim_objects_has_thresholds_and_ranges_of_its_own_each():
    found = pairs((0, 1, 0.6), (0, 0, 0.9), (1, 1, 0.5), (1, 0, 0.8))
    ignored = torch.tensor([[False, True], [False, False]])
    thresholds = torch.tensor([0.5, 0.7], dtype=torch.float64)
    nothing = torch.zeros(2, dtype=torch.bool)
    matches = claim_objects(torch.tensor([0, 0]), found, nothing, ignored, thresholds)
    # Object 0 does not count in the second range, where detection 0 prefers object 1 if it can.
    assert matches.tolist() == [[[0, 0], [1, 0]], [[1, -1], [0, -1]]]


def test_claim_objects_of_no_pairs():
    nothing = Pairs(*(torch.zeros(0, dtype=torch.int64) for _ in range(2)), torch.zeros(0).double())
    assert claim([0, 1], nothing, [False]) == [-1, -1]


def test_overlapping_pairs_says_that_masks_differ_in_size():
    found = flat([0], [1], [[0, 0, 2, 2]])
    masks = [torch.ones(1, 4, 4).bool()], [torch.ones(1, 4, 5).bool()]
    with pytest.raises(
        ValueError, match=r"detections\[0\]\.masks: .* = \(D, 4, 5\) to go .* \(\d, 4, 4\)"
    ):
        overlapping_pairs(found, found, 2, masks)
