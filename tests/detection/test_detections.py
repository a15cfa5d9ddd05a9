import pytest
import torch

from cvgen_course.detection.boxes import box_iou, clip_boxes
from cvgen_course.detection.detections import select_detections

SIZE = (40, 60)  # height, width
LIMITS = {"num_detections": 6, "min_score": 0.25, "nms_threshold": 0.4}


def random_answers(N=3, A=30, num_objects=2, *, own_boxes=False, seed=0):
    """Boxes that overlap much, some over the image's border, some outside; scores are distinct."""
    rng = torch.Generator().manual_seed(seed)
    shape = (N, A, num_objects) if own_boxes else (N, A)
    corner = torch.rand(*shape, 2, generator=rng) * torch.tensor([80.0, 60.0]) - 15
    side = 5 + 25 * torch.rand(*shape, 2, generator=rng)
    scores = torch.randperm(N * A * num_objects, generator=rng) / (N * A * num_objects)
    return torch.cat([corner, corner + side], dim=-1), scores.reshape(N, A, num_objects)


def naive_select(boxes, scores, size, num_detections, min_score, nms_threshold):
    found = []
    for n in range(len(scores)):
        entries = [
            (scores[n, a, c].item(), c + 1, boxes[n, a] if boxes.ndim == 3 else boxes[n, a, c])
            for a in range(scores.shape[1])
            for c in range(scores.shape[2])
        ]
        entries.sort(key=lambda entry: -entry[0])
        kept = []
        for score, label, box in entries[: 4 * num_detections]:
            box = clip_boxes(box, *size)
            if score <= min_score or box[2] <= box[0] or box[3] <= box[1]:
                continue
            rivals = [other for _, of, other in kept if of == label]
            if all(box_iou(box[None], other[None]) <= nms_threshold for other in rivals):
                kept.append((score, label, box))
        found.append(kept[:num_detections])
    return found


def scene(*entries):
    """One image's boxes and scores; an entry is (box, score of class 1, score of class 2)."""
    boxes = torch.tensor([[box for box, *_ in entries]])
    scores = torch.tensor([[each[1:] for each in entries]])
    return boxes, scores


LEFT, NEAR_LEFT, RIGHT = [2.0, 2.0, 12.0, 12.0], [2.0, 2.0, 12.0, 13.0], [30.0, 5.0, 50.0, 30.0]


def test_select_detections_equals_one_worked_out_by_hand():
    boxes, scores = scene((LEFT, 0.6, 0.1), (NEAR_LEFT, 0.9, 0.7), (RIGHT, 0.01, 0.8))
    (found,) = select_detections(boxes, scores, SIZE, min_score=0.05)
    # LEFT loses against NEAR_LEFT in both classes, and each class has NMS of its own.
    assert found.boxes.tolist() == [NEAR_LEFT, RIGHT, NEAR_LEFT]
    assert found.labels.tolist() == [1, 2, 2]
    assert found.scores.tolist() == pytest.approx([0.9, 0.8, 0.7])
    assert found.masks is None


@pytest.mark.parametrize("own_boxes", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_detections": 1},
        {"num_detections": 100},  # more than there are
        {"min_score": 0.95},
        {"min_score": 0.0, "nms_threshold": 0.0},
        {"nms_threshold": 1.0},
    ],
)
def test_select_detections_equals_a_loop(changes, own_boxes):
    boxes, scores = random_answers(own_boxes=own_boxes)
    limits = LIMITS | changes
    found = select_detections(boxes, scores, SIZE, **limits)
    expected = naive_select(boxes, scores, SIZE, **limits)
    assert len(found) == len(expected)
    for mine, naive in zip(found, expected, strict=True):
        assert mine.labels.tolist() == [label for _, label, _ in naive]
        assert mine.scores.tolist() == [score for score, _, _ in naive]
        assert mine.boxes.tolist() == [box.tolist() for _, _, box in naive]


def test_select_detections_equal_boxes_for_all_classes_give_the_same_as_shared_ones():
    boxes, scores = random_answers()
    repeated = boxes[:, :, None].expand(-1, -1, scores.shape[2], -1)
    shared = select_detections(boxes, scores, SIZE, **LIMITS)
    for a, b in zip(shared, select_detections(repeated, scores, SIZE, **LIMITS), strict=True):
        assert torch.equal(a.boxes, b.boxes)
        assert torch.equal(a.labels, b.labels)


@pytest.mark.parametrize(("copies", "num_found"), [(7, 2), (8, 1)])
def test_select_detections_looks_at_four_times_as_many_scores(copies, num_found):
    entries = [(LEFT, 0.9 - i / 100, 0.0) for i in range(copies)]
    boxes, scores = scene(*entries, (RIGHT, 0.5, 0.0))
    (found,) = select_detections(boxes, scores, SIZE, num_detections=2)
    assert found.boxes.tolist() == [LEFT, RIGHT][:num_found]


def test_select_detections_treats_images_one_by_one():
    boxes, scores = random_answers(N=4)
    together = select_detections(boxes, scores, SIZE, **LIMITS)
    for n, expected in enumerate(together):
        (alone,) = select_detections(boxes[n : n + 1], scores[n : n + 1], SIZE, **LIMITS)
        assert all(map(torch.equal, alone[:3], expected[:3]))


def test_select_detections_clips_and_leaves_out_what_is_outside():
    over, outside = [50.0, -5.0, 70.0, 10.0], [61.0, 5.0, 70.0, 9.0]
    boxes, scores = scene((over, 0.5, 0.0), (outside, 0.9, 0.9))
    (found,) = select_detections(boxes, scores, SIZE, min_score=0.1)
    assert found.boxes.tolist() == [[50.0, 0.0, 60.0, 10.0]]


def test_select_detections_asks_for_more_than_the_smallest_score():
    boxes, scores = scene((LEFT, 0.5, 0.0), (RIGHT, 0.25, 0.0))
    (found,) = select_detections(boxes, scores, SIZE, min_score=0.25)
    assert found.scores.tolist() == [0.5]


@pytest.mark.parametrize("shape", [(2, 0, 3), (2, 5, 3)])
@pytest.mark.parametrize("own_boxes", [False, True])
def test_select_detections_of_nothing_are_empty(shape, own_boxes):
    boxes = torch.rand(*shape[: 3 if own_boxes else 2], 4)
    found = select_detections(boxes, torch.zeros(shape), SIZE)
    assert len(found) == 2
    for each in found:
        assert each.boxes.shape == (0, 4)
        assert each.scores.shape == each.labels.shape == (0,)
        assert each.labels.dtype == torch.int64


def test_select_detections_leaves_its_arguments_alone():
    boxes, scores = random_answers()
    before = boxes.clone(), scores.clone()
    select_detections(boxes, scores, SIZE, **LIMITS)
    assert torch.equal(boxes, before[0])
    assert torch.equal(scores, before[1])


def test_select_detections_says_that_a_score_is_no_number():
    boxes, scores = random_answers()
    scores[1, 3, 0] = float("nan")
    with pytest.raises(ValueError, match=r"scores: expected numbers, got NaN; .* diverged"):
        select_detections(boxes, scores, SIZE)
