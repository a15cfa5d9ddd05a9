import importlib

import pytest
import torch
from torchvision import ops

from cvgen_course.detection.nms import batched_nms, nms

THRESHOLDS = [0.0, 0.15, 0.5, 0.85, 1.0]
# Two boxes of 10 × 10 that share 5 × 10: IoU 50/150 = 1/3; a third one that shares 1/3 with the
# second only; one far away.
ROW = torch.tensor(
    [[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [100, 100, 110, 110]],
)


def random_boxes(num_boxes, seed=0, dtype=torch.float32, num_objects=8):
    """Draw boxes crowded around objects, of scores with many ties, some boxes empty or inverted."""
    rng = torch.Generator().manual_seed(seed)
    centre = 100 * torch.rand(num_objects, 2, generator=rng, dtype=dtype)
    size = 10 + 30 * torch.rand(num_objects, 2, generator=rng, dtype=dtype)
    whose = torch.randint(num_objects, (num_boxes,), generator=rng)
    centre = centre[whose] + 4 * torch.randn(num_boxes, 2, generator=rng, dtype=dtype)
    size = size[whose] * (0.2 * torch.randn(num_boxes, 2, generator=rng, dtype=dtype)).exp()
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1)
    boxes[::11, 2] = boxes[::11, 0]  # no width
    boxes[5::23, 3] = boxes[5::23, 1] - 3  # upside down
    boxes[7::13] = boxes[:1] if num_boxes else 0.0  # identical
    scores = torch.randint(30, (num_boxes,), generator=rng).to(dtype) / 30
    return boxes, scores


def naive_iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [max(0.0, x2 - x1) * max(0.0, y2 - y1) for x1, y1, x2, y2 in (a, b)]
    union = sum(areas) - width * height
    return width * height / union if union > 0 else 0.0


def naive_nms(boxes, scores, threshold, groups=None):
    boxes, scores = boxes.tolist(), scores.tolist()
    groups = [0] * len(boxes) if groups is None else groups.tolist()
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        rivals = [j for j in kept if groups[j] == groups[i]]
        if all(naive_iou(boxes[i], boxes[j]) <= threshold for j in rivals):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


@pytest.mark.parametrize(
    ("scores", "threshold", "expected"),
    [
        ([0.9, 0.8, 0.7, 0.1], 0.5, [0, 1, 2, 3]),  # 1/3 is not too much
        ([0.9, 0.8, 0.7, 0.1], 0.3, [0, 2, 3]),  # 1 is suppressed, and then suppresses no longer 2
        ([0.8, 0.9, 0.7, 0.1], 0.3, [1, 3]),
        ([0.1, 0.8, 0.9, 0.7], 0.3, [2, 3, 0]),  # the order is that of the scores
        ([0.5, 0.5, 0.5, 0.5], 0.3, [0, 2, 3]),  # of equal ones the first comes first
        ([-1.0, -2.0, -3.0, float("-inf")], 0.3, [0, 2, 3]),  # logits are scores, too
    ],
)
def test_nms_keeps_what_was_worked_out_by_hand(scores, threshold, expected):
    assert nms(ROW, torch.tensor(scores), threshold).tolist() == expected


def test_nms_keeps_a_box_whose_iou_is_exactly_the_threshold():
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2]])  # IoU 8/16
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.5).tolist() == [0, 1]
    assert nms(boxes, scores, 0.4999).tolist() == [0]


def test_nms_keeps_identical_boxes_at_threshold_1_and_touching_ones_at_threshold_0():
    same = torch.tensor([[1.0, 2, 3, 4]]).expand(3, 4)
    assert nms(same, torch.ones(3), 1.0).tolist() == [0, 1, 2]
    assert nms(same, torch.ones(3), 0.99).tolist() == [0]
    touching = torch.tensor([[0.0, 0, 2, 2], [2, 0, 4, 2], [1.5, 0, 3, 2]])
    assert nms(touching, torch.ones(3), 0.0).tolist() == [0, 1]


def test_nms_lets_empty_boxes_be():
    boxes = torch.tensor([[0.0, 0, 9, 9], [3, 3, 3, 3], [3, 3, 3, 3], [9, 9, 0, 0], [0, 0, 9, 9]])
    assert nms(boxes, torch.tensor([0.1, 0.9, 0.8, 0.7, 0.6]), 0.0).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("num_boxes", [0, 1, 2, 60, 300])
def test_nms_equals_a_loop(num_boxes, threshold):
    boxes, scores = random_boxes(num_boxes, dtype=torch.float64)
    kept = nms(boxes, scores, threshold)
    assert kept.dtype == torch.int64
    assert torch.equal(kept, naive_nms(boxes, scores, threshold))


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(5))
def test_nms_equals_torchvisions(seed, dtype, threshold):
    boxes, scores = random_boxes(700, seed, dtype, num_objects=10 * (seed + 1))
    boxes[:, 2:] = boxes[:, 2:].maximum(boxes[:, :2])  # it takes upside-down boxes for large ones
    kept = nms(boxes, scores, threshold)
    assert torch.equal(kept, ops.nms(boxes, scores, threshold))
    assert len(kept) > 1


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_nms_does_not_depend_on_how_many_boxes_are_decided_about_at_once(block, monkeypatch):
    boxes, scores = random_boxes(200)
    groups = torch.randint(4, (200,), generator=torch.Generator().manual_seed(1))
    expected = nms(boxes, scores, 0.4), batched_nms(boxes, scores, groups, 0.4)
    module = importlib.import_module("cvgen_course.detection.nms")
    monkeypatch.setattr(module, "BLOCK", block)
    assert torch.equal(nms(boxes, scores, 0.4), expected[0])
    assert torch.equal(batched_nms(boxes, scores, groups, 0.4), expected[1])


def test_nms_of_a_long_chain_keeps_every_other_box():
    # Each box overlaps its two neighbours only, so whether it stays hangs on all before it.
    x = 5.0 * torch.arange(301)
    boxes = torch.stack([x, 0 * x, x + 10, 0 * x + 10], dim=1)
    kept = nms(boxes, -x, 0.3)
    assert kept.tolist() == list(range(0, 301, 2))


def test_nms_of_the_kept_boxes_keeps_them_all():
    boxes, scores = random_boxes(200)
    kept = nms(boxes, scores, 0.3)
    again = nms(boxes[kept], scores[kept], 0.3)
    assert torch.equal(again, torch.arange(len(kept)))


def test_nms_of_shuffled_boxes_keeps_the_same_ones():
    boxes, _ = random_boxes(200)
    rng = torch.Generator().manual_seed(1)
    scores = torch.rand(200, generator=rng)
    order = torch.randperm(200, generator=rng)
    shuffled = order[nms(boxes[order], scores[order], 0.3)]
    assert torch.equal(shuffled, nms(boxes, scores, 0.3))


def test_nms_needs_no_gradient_and_leaves_its_inputs_alone():
    boxes, scores = random_boxes(50)
    before = boxes.clone(), scores.clone()
    kept = nms(boxes.requires_grad_(), scores.requires_grad_(), 0.5)
    assert not kept.requires_grad
    assert torch.equal(boxes, before[0])
    assert torch.equal(scores, before[1])


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("num_boxes", [0, 1, 60, 300])
def test_batched_nms_equals_a_loop(num_boxes, threshold):
    boxes, scores = random_boxes(num_boxes, dtype=torch.float64)
    groups = torch.randint(-1, 3, (num_boxes,), generator=torch.Generator().manual_seed(1))
    kept = batched_nms(boxes, scores, groups, threshold)
    assert kept.dtype == torch.int64
    assert torch.equal(kept, naive_nms(boxes, scores, threshold, groups))


@pytest.mark.parametrize("num_boxes", [40, 1500])  # torchvision has a way of its own for many boxes
@pytest.mark.parametrize("seed", range(3))
def test_batched_nms_equals_torchvisions(seed, num_boxes):
    boxes, _ = random_boxes(num_boxes, seed, torch.float64, num_objects=20)
    boxes[:, 2:] = boxes[:, 2:].maximum(boxes[:, :2])
    rng = torch.Generator().manual_seed(seed)
    scores = torch.rand(num_boxes, generator=rng, dtype=torch.float64)
    groups = torch.randint(4, (num_boxes,), generator=rng)
    kept = batched_nms(boxes, scores, groups, 0.4)
    assert torch.equal(kept, ops.batched_nms(boxes, scores, groups, 0.4))
    assert len(kept) > len(nms(boxes, scores, 0.4))


def test_batched_nms_of_one_group_is_nms():
    boxes, scores = random_boxes(100)
    groups = torch.full((100,), 7)
    assert torch.equal(batched_nms(boxes, scores, groups, 0.4), nms(boxes, scores, 0.4))


def test_batched_nms_lets_boxes_of_different_groups_be():
    boxes = torch.tensor([[0.0, 0, 9, 9]]).expand(4, 4)
    scores = torch.tensor([0.1, 0.3, 0.2, 0.4])
    assert batched_nms(boxes, scores, torch.tensor([5, 6, 5, 6]), 0.5).tolist() == [3, 2]


def in_groups(boxes, scores, threshold):
    return batched_nms(boxes, scores, torch.zeros(10, dtype=torch.int64), threshold)


@pytest.mark.parametrize("function", [nms, in_groups])
def test_nms_says_what_is_wrong_with_its_arguments(function):
    boxes, scores = random_boxes(10)
    with pytest.raises(TypeError, match=r"boxes: expected .*, got list"):
        function(boxes.tolist(), scores, 0.5)
    with pytest.raises(TypeError, match=r"boxes: expected a floating-point .* got .*int64"):
        function(boxes.long(), scores, 0.5)
    with pytest.raises(ValueError, match=r"boxes: expected .* got shape \(1, 10, 4\)"):
        function(boxes[None], scores, 0.5)
    with pytest.raises(ValueError, match=r"boxes: expected .* got shape \(10, 3\)"):
        function(boxes[:, :3], scores, 0.5)
    with pytest.raises(TypeError, match=r"scores: expected a floating-point .* got .*int64"):
        function(boxes, scores.long(), 0.5)
    with pytest.raises(ValueError, match=r"scores: expected .* \(N,\), got shape \(10, 1\)"):
        function(boxes, scores[:, None], 0.5)
    with pytest.raises(
        ValueError, match=r"scores: .* = \(10,\) to go with boxes .* got shape \(9,\)"
    ):
        function(boxes, scores[:9], 0.5)
    scores[3] = float("nan")
    with pytest.raises(ValueError, match=r"scores: expected numbers, got NaN for box 3; did"):
        function(boxes, scores, 0.5)
    endless = boxes.clone()
    endless[4, 2] = float("inf")
    with pytest.raises(
        ValueError, match=r"boxes: expected finite areas, got .*inf.* as box 4; did"
    ):
        function(endless, torch.ones(10), 0.5)
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"threshold: expected an IoU in \[0, 1\], got"):
            function(boxes, torch.ones(10), threshold)


def test_batched_nms_says_what_is_wrong_with_its_groups():
    boxes, scores = random_boxes(10)
    with pytest.raises(TypeError, match=r"groups: expected an int64 .* got .*float32"):
        batched_nms(boxes, scores, torch.zeros(10), 0.5)
    with pytest.raises(ValueError, match=r"groups: .* = \(10,\) .* got shape \(9,\)"):
        batched_nms(boxes, scores, torch.zeros(9, dtype=torch.int64), 0.5)
