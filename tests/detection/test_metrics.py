import math

import numpy as np
import pytest
import torch
from support.detection_scenes import coco_metrics, random_scenes
from torchmetrics.detection import MeanAveragePrecision

from cvgen_course.detection.average_precision import average_precision
from cvgen_course.detection.boxes import box_iou
from cvgen_course.detection.detections import Detections
from cvgen_course.detection.metrics import THRESHOLDS, detection_metrics
from cvgen_course.detection.targets import Target

NO_BOXES, NO_LABELS = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
NOTHING_THERE = Target(NO_BOXES, NO_LABELS)
NOTHING_FOUND = Detections(NO_BOXES, torch.zeros(0), NO_LABELS)


def numbers(metrics):
    return torch.tensor([*metrics[:6], *metrics.per_class.tolist()], dtype=torch.float64)


def target(*boxes, labels=None, **marks):
    labels = torch.tensor(labels or [1] * len(boxes))
    marks = {name: torch.tensor(mark) for name, mark in marks.items()}
    return Target(torch.tensor(boxes).float().reshape(-1, 4), labels, **marks)


def found(*boxes, scores=None, labels=None):
    scores = torch.tensor(scores or [1 - k / 10 for k in range(len(boxes))])
    labels = torch.tensor(labels or [1] * len(boxes))
    return Detections(torch.tensor(boxes).float().reshape(-1, 4), scores, labels)


def assert_equal_to_pycocotools(detections, targets, num_classes, **options):
    got = numbers(detection_metrics(detections, targets, num_classes, **options))
    expected = coco_metrics(detections, targets, num_classes, **options)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12, equal_nan=True)


def naive_ap(detections, targets, label, threshold):
    """Return one class's AP with one threshold, without crowds, ties and sizes."""
    scores, hits, num_objects = [], [], 0
    for answer, truth in zip(detections, targets, strict=True):
        boxes = truth.boxes[truth.labels == label].double()
        num_objects += len(boxes)
        free = list(range(len(boxes)))
        mine = (answer.labels == label).nonzero()[:, 0]
        for d in mine[answer.scores[mine].argsort(descending=True)].tolist():
            iou = box_iou(answer.boxes[d : d + 1].double(), boxes)[0]
            best = max(free, key=lambda k: iou[k], default=None)
            hit = best is not None and iou[best].item() >= threshold
            if hit:
                free.remove(best)
            scores.append(answer.scores[d])
            hits.append(hit)
    return average_precision(torch.stack(scores), torch.tensor(hits), num_objects, num_points=101)


def test_thresholds_are_those_of_coco_to_the_last_digit():
    assert THRESHOLDS.tolist() == np.linspace(0.5, 0.95, 10).tolist()


def test_detection_metrics_equals_ones_worked_out_by_hand():
    # Image 1: an object of 100 pixels, found with IoU 0.8, and once more with IoU 0.6.
    # Image 2: an object that nobody finds; a detection next to it has a score between these two.
    targets = [target([0, 0, 10, 10]), target([0, 0, 10, 10])]
    detections = [
        found([0, 0, 10, 8], [0, 0, 6, 10], scores=[0.9, 0.5]),
        found([20, 20, 30, 30], scores=[0.7]),
    ]
    metrics = detection_metrics(detections, targets, 2)
    # Recall 1/2 with precision 1: 51 of 101 points; for 0.5, 0.55, …, 0.8. That is 7 of 10.
    assert metrics.ap50 == metrics.ap75 == pytest.approx(51 / 101)
    assert metrics.ap == metrics.ap_small == pytest.approx(0.7 * 51 / 101)
    assert metrics.per_class.tolist() == [metrics.ap]
    assert math.isnan(metrics.ap_medium)
    assert math.isnan(metrics.ap_large)


def test_detection_metrics_gives_each_object_away_once():
    # The better detection of the two takes the object, though the other one overlaps it more.
    truth = [target([0, 0, 10, 10])]
    metrics = detection_metrics([found([0, 0, 10, 6], [0, 0, 10, 10])], truth, 2)
    assert metrics.ap50 == pytest.approx(1)
    assert metrics.ap75 == pytest.approx(0.5)  # the first is a miss, the second a hit


def test_detection_metrics_lets_a_detection_take_the_second_best_object():
    truth = [target([0, 0, 10, 10], [0, 0, 10, 8])]
    same = found([0, 0, 10, 10], [0, 0, 10, 10])
    assert detection_metrics([same], truth, 2).ap50 == pytest.approx(1)
    assert detection_metrics([same], truth, 2).ap75 == pytest.approx(1)
    assert detection_metrics([same], truth, 2).ap < 1


def test_detection_metrics_keeps_classes_and_images_apart():
    box = [0, 0, 10, 10]
    truth = [target(box, labels=[1]), target(box, labels=[2])]
    swapped = [found(box, labels=[2]), found(box, labels=[1])]
    assert detection_metrics(swapped, truth, 3).ap == 0
    assert detection_metrics(swapped[::-1], truth, 3).ap == pytest.approx(1)


def test_detection_metrics_equals_a_loop():
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        detections, targets = random_scenes(rng, 6, 4, 8, 20)
        detections = [
            d._replace(scores=torch.rand(len(d.scores), generator=rng)) for d in detections
        ]
        metrics = detection_metrics(detections, targets, 4)
        table = torch.tensor(
            [[naive_ap(detections, targets, c, t) for t in THRESHOLDS.tolist()] for c in (1, 2, 3)]
        )
        torch.testing.assert_close(metrics.per_class.float(), table.mean(dim=1))
        assert metrics.ap == pytest.approx(table.mean().item(), abs=1e-6)
        assert metrics.ap50 == pytest.approx(table[:, 0].mean().item(), abs=1e-6)
        assert metrics.ap75 == pytest.approx(table[:, 5].mean().item(), abs=1e-6)


@pytest.mark.parametrize("kind", ["boxes", "masks"])
@pytest.mark.parametrize("crowds", [0.0, 0.3])
@pytest.mark.parametrize("grid", [0.0, 1.0, 8.0])
def test_detection_metrics_equals_pycocotools(kind, crowds, grid):
    for seed in range(2):
        rng = torch.Generator().manual_seed(seed)
        masks = kind == "masks"
        options = {"grid": grid, "crowds": crowds, "masks": masks, "size": 64 if masks else 256}
        areas = (12.0**2, 20.0**2) if masks else (32.0**2, 64.0**2)
        scenes = random_scenes(rng, 8, 5, 12, 60, **options)
        assert_equal_to_pycocotools(*scenes, 5, kind=kind, areas=areas)


def test_detection_metrics_equals_pycocotools_with_more_than_a_hundred_detections():
    detections, targets = random_scenes(torch.Generator().manual_seed(0), 4, 2, 20, 400)
    assert max(len(d.scores) for d in detections) > 200
    assert_equal_to_pycocotools(detections, targets, 2)
    assert_equal_to_pycocotools(detections, targets, 2, max_detections=7)
    many = detection_metrics(detections, targets, 2, max_detections=1000)
    assert many.ap != detection_metrics(detections, targets, 2).ap


def test_detection_metrics_equals_pycocotools_where_a_size_is_exactly_at_the_limit():
    truth = [target([0, 0, 32, 32], [40, 0, 136, 96], [0, 100, 16, 116])]
    answers = [found([0, 0, 32, 31], [40, 0, 136, 90], [0, 100, 32, 132], [300, 0, 332, 32])]
    assert_equal_to_pycocotools(answers, truth, 2)
    assert not math.isnan(detection_metrics(answers, truth, 2).ap_large)


def test_detection_metrics_equals_pycocotools_where_an_iou_is_exactly_a_threshold():
    widths = [50 + 5 * k for k in range(10)]
    truth = [target([0, 0, 100, 10]) for _ in widths]
    answers = [found([0, 0, width, 10], scores=[width / 100]) for width in widths]
    assert_equal_to_pycocotools(answers, truth, 2)


def test_detection_metrics_equals_pycocotools_where_two_objects_overlap_a_detection_alike():
    left, right, between = [0, 0, 10, 10], [4, 0, 14, 10], [2, 0, 12, 10]
    for boxes in ([left, right], [right, left]):
        for second in (left, right):
            assert_equal_to_pycocotools([found(between, second)], [target(*boxes)], 2)
    # The last object is taken, so that only the first one is left for the second detection.
    assert detection_metrics([found(between, left)], [target(left, right)], 2).ap50 == 1
    assert detection_metrics([found(between, left)], [target(right, left)], 2).ap50 < 1


def test_detection_metrics_equals_pycocotools_where_images_and_classes_are_empty():
    box = [0, 0, 40, 40]
    targets = [NOTHING_THERE, target(box, labels=[3]), NOTHING_THERE, target(box, labels=[1])]
    detections = [NOTHING_FOUND, NOTHING_FOUND, found(box, labels=[2]), found(box, labels=[1])]
    assert_equal_to_pycocotools(detections, targets, 5)
    got = detection_metrics(detections, targets, 5).per_class
    assert got[[0, 2]].tolist() == [pytest.approx(1), 0]
    assert got[[1, 3]].isnan().all()


@pytest.mark.parametrize(("kind", "iou_type"), [("boxes", "bbox"), ("masks", "segm")])
def test_detection_metrics_equals_torchmetrics(kind, iou_type):
    rng = torch.Generator().manual_seed(3)
    scenes = random_scenes(rng, 10, 4, 10, 50, crowds=0.2, masks=True, size=160)
    # torchmetrics forgets images without true masks, and its own thresholds are float32.
    scenes = [pair for pair in zip(*scenes, strict=True) if len(pair[1].labels)]
    detections, targets = zip(*scenes, strict=True)
    theirs = MeanAveragePrecision(
        iou_type=iou_type,
        iou_thresholds=np.linspace(0.5, 0.95, 10).tolist(),
        rec_thresholds=np.linspace(0, 1, 101).tolist(),
        class_metrics=True,
        backend="pycocotools",
    )
    theirs.update(
        [
            {"boxes": d.boxes, "scores": d.scores, "labels": d.labels, "masks": d.masks}
            for d in detections
        ],
        [
            {"boxes": t.boxes, "labels": t.labels, "masks": t.masks, "iscrowd": t.crowd.long()}
            for t in targets
        ],
    )
    expected = theirs.compute()
    names = ("map", "map_50", "map_75", "map_small", "map_medium", "map_large")
    got = numbers(detection_metrics(detections, targets, 4, kind=kind)).float()
    expected = torch.stack([*(expected[n] for n in names), *expected["map_per_class"]])
    torch.testing.assert_close(got, expected.where(expected >= 0, math.nan), equal_nan=True)


def test_detection_metrics_does_not_punish_what_lies_in_a_crowd():
    truth = [target([0, 0, 100, 100], [200, 0, 220, 20], crowd=[True, False])]
    inside = found([10, 10, 30, 30], [50, 50, 80, 80], [200, 0, 220, 20])
    assert detection_metrics([inside], truth, 2).ap == pytest.approx(1)
    outside = found([300, 10, 330, 30], [50, 50, 80, 80], [200, 0, 220, 20])
    assert detection_metrics([outside], truth, 2).ap == pytest.approx(0.5)


def test_detection_metrics_neither_asks_for_what_is_difficult_nor_punishes_it():
    truth = [target([0, 0, 100, 100], [200, 0, 220, 20], difficult=[True, False])]
    easy = [200, 0, 220, 20]
    assert detection_metrics([found(easy)], truth, 2).ap == pytest.approx(1)
    twice = found([0, 0, 100, 100], [2, 0, 100, 100], easy)
    assert detection_metrics([twice], truth, 2).ap == pytest.approx(1)
    # Unlike a crowd's, a small part of a difficult object is no detection of it.
    assert detection_metrics([found([10, 10, 30, 30], easy)], truth, 2).ap == pytest.approx(0.5)
    nothing_else = [target([0, 0, 100, 100], difficult=[True])]
    assert math.isnan(detection_metrics([twice], nothing_else, 2).ap)


@pytest.mark.parametrize("kind", ["boxes", "masks"])
@pytest.mark.parametrize("crowds", [0.0, 0.2])
@pytest.mark.parametrize("grid", [0.0, 8.0])
def test_detection_metrics_equals_pycocotools_with_difficult_objects(kind, crowds, grid):
    rng = torch.Generator().manual_seed(5)
    masks = kind == "masks"
    options = {"grid": grid, "crowds": crowds, "masks": masks, "size": 64 if masks else 256}
    for _ in range(3):
        scenes = random_scenes(rng, 8, 4, 10, 40, difficult=0.3, **options)
        assert_equal_to_pycocotools(*scenes, 4, kind=kind)


def test_detection_metrics_of_the_truth_is_one():
    _, targets = random_scenes(torch.Generator().manual_seed(0), 10, 4, 10, 0, masks=True, size=96)
    exact = [Detections(t.boxes, torch.rand(len(t.labels)), t.labels, t.masks) for t in targets]
    for kind in ("boxes", "masks"):
        metrics = detection_metrics(exact, targets, 4, kind)
        torch.testing.assert_close(metrics.per_class, torch.ones(3, dtype=torch.float64))
        assert metrics.ap == metrics.ap50 == pytest.approx(1)


def test_detection_metrics_depends_on_no_order():
    rng = torch.Generator().manual_seed(0)
    detections, targets = random_scenes(rng, 8, 4, 10, 50)
    detections = [d._replace(scores=torch.rand(len(d.scores), generator=rng)) for d in detections]
    expected = numbers(detection_metrics(detections, targets, 4))
    mixed = []
    for d in detections:
        order = torch.randperm(len(d.scores), generator=rng)
        mixed.append(Detections(d.boxes[order], d.scores[order], d.labels[order]))
    got = numbers(detection_metrics(mixed[::-1], targets[::-1], 4))
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12, equal_nan=True)


def test_detection_metrics_takes_no_detections_and_no_objects():
    one = target([0, 0, 50, 50])
    metrics = detection_metrics([NOTHING_FOUND], [one], 3)
    assert metrics[:3] == (0, 0, 0)
    assert metrics.ap_medium == 0
    assert metrics.per_class[0] == 0
    assert metrics.per_class[1].isnan()
    for answers in (NOTHING_FOUND, found([0, 0, 5, 5])):
        assert all(map(math.isnan, numbers(detection_metrics([answers], [NOTHING_THERE], 3))))


def test_detection_metrics_takes_masks_of_no_detections_and_no_objects():
    none = torch.zeros(0, 8, 8, dtype=torch.bool)
    empty = NOTHING_FOUND._replace(masks=none), NOTHING_THERE._replace(masks=none)
    assert math.isnan(detection_metrics([empty[0]], [empty[1]], 2, "masks").ap)
    blank = torch.zeros(1, 8, 8, dtype=torch.bool)
    one = found([0, 0, 5, 5])._replace(masks=blank), target([0, 0, 5, 5])._replace(masks=blank)
    assert detection_metrics([one[0]], [one[1]], 2, "masks").ap == 0


def test_detection_metrics_takes_empty_detections():
    truth = [target([0, 0, 10, 10], [30, 0, 30, 10])]
    answers = [found([0, 0, 10, 10], [30, 0, 30, 10], [9, 9, 4, 4])]
    assert detection_metrics(answers, truth, 2).ap == pytest.approx(51 / 101)


def test_detection_metrics_needs_no_masks_for_boxes_nor_gradients():
    detections, targets = random_scenes(torch.Generator().manual_seed(0), 4, 3, 6, 20)
    expected = numbers(detection_metrics(detections, targets, 3))
    learning = [
        d._replace(boxes=d.boxes.requires_grad_(), scores=d.scores.requires_grad_())
        for d in detections
    ]
    got = detection_metrics(learning, targets, 3)
    assert not got.per_class.requires_grad
    torch.testing.assert_close(numbers(got), expected, equal_nan=True)


def test_detection_metrics_says_what_is_wrong_with_the_detections():
    truth = [NOTHING_THERE, target([0, 0, 10, 10])]
    good = found([0, 0, 10, 10], [1, 1, 5, 5])

    def metrics(**changes):
        return detection_metrics([NOTHING_FOUND, good._replace(**changes)], truth, 3)

    with pytest.raises(ValueError, match=r"detections\[1\]\.scores: expected numbers, got NaN"):
        metrics(scores=torch.tensor([0.5, math.nan]))
    for label in (0, 3, -1):
        message = rf"detections\[1\]\.labels: expected values in \[1, 3\), got {label}"
        with pytest.raises(ValueError, match=message):
            metrics(labels=torch.tensor([1, label]))
    with pytest.raises(ValueError, match=r"detections\[1\]\.boxes: got .* as box 1; expected fin"):
        metrics(boxes=torch.tensor([[0.0, 0, 1, 1], [0, 0, math.inf, 1]]))
    with pytest.raises(ValueError, match=r"detections\[1\]\.scores: .* = \(2,\) to go .* got"):
        metrics(scores=good.scores[:1])
    with pytest.raises(ValueError, match=r"detections\[1\]\.labels: .* = \(2,\) to go .* got"):
        metrics(labels=good.labels[:1])
    with pytest.raises(ValueError, match=r"detections\[1\]\.boxes: expected .* \(n, 4\), got"):
        metrics(boxes=good.boxes[:, :3])
    with pytest.raises(TypeError, match=r"detections\[1\]\.boxes: expected a floating-point"):
        metrics(boxes=good.boxes.long())
    with pytest.raises(TypeError, match=r"detections\[1\]\.labels: expected .* got torch\.float32"):
        metrics(labels=good.labels.float())
    with pytest.raises(
        TypeError, match=r"detections\[1\]\.scores: expected a floating-point .* got"
    ):
        metrics(scores=good.labels)


def test_detection_metrics_says_what_is_wrong_with_the_truth():
    good = target([0, 0, 10, 10], [1, 1, 5, 5])

    def metrics(**changes):
        targets = [good, good._replace(**changes)]
        return detection_metrics([NOTHING_FOUND, NOTHING_FOUND], targets, 3)

    message = r"targets\[1\]\.boxes: got \[4\.0, 0\.0, 3\.0, 9\.0\] as box 1; expected x1 <= x2"
    with pytest.raises(ValueError, match=message):
        metrics(boxes=torch.tensor([[0.0, 0, 9, 9], [4, 0, 3, 9]]))
    with pytest.raises(ValueError, match=r"targets\[1\]\.boxes: got .* as box 0; expected x1 <="):
        metrics(boxes=torch.tensor([[0.0, 9, 9, 8], [4, 0, 3, 9]]))
    with pytest.raises(ValueError, match=r"targets\[1\]\.boxes: got .* as box 0; expected finite"):
        metrics(boxes=torch.full((2, 4), math.nan))
    with pytest.raises(ValueError, match=r"targets\[1\]\.labels: expected values in \[1, 3\)"):
        metrics(labels=torch.tensor([1, 0]))
    for mark in ("crowd", "difficult"):
        name = rf"targets\[1\]\.{mark}: expected"
        with pytest.raises(ValueError, match=rf"{name} .* = \(2,\) .* got shape \(1,\)"):
            metrics(**{mark: torch.tensor([True])})
        with pytest.raises(
            TypeError, match=rf"{name} a bool .* got torch\.int64; use .*\.bool\(\)"
        ):
            metrics(**{mark: torch.tensor([1, 0])})


def test_detection_metrics_says_what_is_wrong_with_masks():
    masks = torch.ones(1, 8, 8, dtype=torch.bool)
    truth = target([0, 0, 10, 10])._replace(masks=masks)

    def metrics(masks):
        answer = found([0, 0, 10, 10])._replace(masks=masks)
        return detection_metrics([answer], [truth], 2, kind="masks")

    assert metrics(masks).ap == pytest.approx(1)
    with pytest.raises(ValueError, match=r"detections\[0\]\.masks: expected .* got None; use kind"):
        metrics(None)
    with pytest.raises(ValueError, match=r"detections\[0\]\.masks: .* = \(1, .* got shape \(2,"):
        metrics(masks.repeat(2, 1, 1))
    with pytest.raises(TypeError, match=r"detections\[0\]\.masks: expected .* got torch\.float32"):
        metrics(masks.float())
    with pytest.raises(ValueError, match=r"detections\[0\]\.masks: .* \(D, 8, 8\) .* \(1, 8, 7\)"):
        metrics(masks[..., :7])
    with pytest.raises(ValueError, match=r"targets\[0\]\.masks: expected bool .* got None"):
        detection_metrics(
            [found([0, 0, 1, 1])._replace(masks=masks)], [target([0, 0, 1, 1])], 2, "masks"
        )


def test_detection_metrics_says_what_is_wrong_with_its_options():
    one = [found([0, 0, 9, 9])], [target([0, 0, 9, 9])]
    with pytest.raises(ValueError, match=r"targets: expected one for each image, got 1 for 2"):
        detection_metrics(one[0] * 2, one[1], 2)
    with pytest.raises(ValueError, match=r"targets: expected one for each image, got 0 for 0"):
        detection_metrics([], [], 2)
    with pytest.raises(ValueError, match=r"num_classes: expected at least 2"):
        detection_metrics(*one, 1)
    with pytest.raises(ValueError, match=r'kind: expected "boxes" or "masks", got \'box\''):
        detection_metrics(*one, 2, kind="box")
    with pytest.raises(ValueError, match=r"areas: expected 0 <= areas\[0\] <= areas\[1\], got"):
        detection_metrics(*one, 2, areas=(9.0, 4.0))
    with pytest.raises(ValueError, match=r"max_detections: expected at least 1, got 0"):
        detection_metrics(*one, 2, max_detections=0)
