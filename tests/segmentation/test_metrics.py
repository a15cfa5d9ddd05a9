import math

import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional.segmentation import mean_iou as torchmetrics_mean_iou

from cvgen_course.segmentation import confusion_matrix, iou_per_class, mean_iou, pixel_accuracy

TARGET = torch.tensor([[0, 0, 1], [1, 1, 2]])
PRED = torch.tensor([[0, 1, 1], [1, 0, 2]])
CONFUSION = torch.tensor([[1, 1, 0], [1, 2, 0], [0, 0, 1]])


def random_labels(num_classes=5, shape=(3, 17, 13), seed=0):
    rng = torch.Generator().manual_seed(seed)
    target = torch.randint(num_classes, shape, generator=rng)
    pred = torch.where(torch.rand(shape, generator=rng) < 0.6, target, target.roll(1, dims=-1))
    return pred, target


def test_confusion_matrix_equals_one_counted_by_hand():
    assert torch.equal(confusion_matrix(PRED, TARGET, 3), CONFUSION)


def test_confusion_matrix_has_targets_in_rows():
    counts = confusion_matrix(torch.tensor([1]), torch.tensor([0]), 2)
    assert counts.tolist() == [[0, 1], [0, 0]]


def test_confusion_matrix_equals_a_loop():
    pred, target = random_labels()
    counts = torch.zeros(5, 5, dtype=torch.int64)
    for p, t in zip(pred.flatten(), target.flatten(), strict=True):
        counts[t, p] += 1
    assert torch.equal(confusion_matrix(pred, target, 5), counts)


def test_confusion_matrix_equals_scikit_learn():
    pred, target = random_labels(seed=1)
    expected = sk.confusion_matrix(target.flatten(), pred.flatten(), labels=range(6))
    assert confusion_matrix(pred, target, 6).tolist() == expected.tolist()


def test_confusion_matrix_leaves_ignored_pixels_out():
    target = TARGET.clone()
    target[0, 1] = 255
    expected = CONFUSION.clone()
    expected[0, 1] = 0
    assert torch.equal(confusion_matrix(PRED, target, 3, ignore_index=255), expected)


def test_confusion_matrix_accepts_any_prediction_where_the_target_is_ignored():
    counts = confusion_matrix(torch.tensor([7, 0]), torch.tensor([255, 0]), 2, ignore_index=255)
    assert counts.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_confusion_matrix_counts_in_int64_whatever_the_labels_are(dtype):
    pred = torch.full((300,), 14, dtype=dtype)  # 14 * 15 + 14 overflows uint8 and int8
    counts = confusion_matrix(pred, pred, 20)
    assert counts.dtype == torch.int64
    assert counts[14, 14] == 300
    assert counts.sum() == 300


def test_confusion_matrix_of_nothing_is_zero():
    empty = torch.empty(0, 4, 4, dtype=torch.int64)
    assert torch.equal(confusion_matrix(empty, empty, 3), torch.zeros(3, 3, dtype=torch.int64))


def test_confusion_matrix_of_parts_adds_up():
    pred, target = random_labels()
    parts = [confusion_matrix(p, t, 5) for p, t in zip(pred, target, strict=True)]
    assert torch.equal(confusion_matrix(pred, target, 5), sum(parts))


def test_confusion_matrix_says_how_logits_become_labels():
    with pytest.raises(TypeError, match=r"pred: expected an integer .*use pred\.argmax"):
        confusion_matrix(torch.rand(2, 3), TARGET, 3)


@pytest.mark.parametrize("bad", [None, [0, 1], torch.ones(2, 3, dtype=torch.bool)])
def test_confusion_matrix_rejects_what_is_no_label_tensor(bad):
    with pytest.raises(TypeError, match="target: expected"):
        confusion_matrix(PRED, bad, 3)


def test_confusion_matrix_rejects_different_shapes():
    with pytest.raises(ValueError, match=r"pred: .* to go with target \(2, 3\), got shape \(3,"):
        confusion_matrix(PRED.T, TARGET, 3)


def test_confusion_matrix_rejects_labels_out_of_range():
    with pytest.raises(ValueError, match=r"pred: expected values in \[0, 2\)"):
        confusion_matrix(PRED, TARGET.clamp(max=1), 2)
    with pytest.raises(ValueError, match=r"target: .* from 0 to 255; .*ignore_index"):
        confusion_matrix(PRED, TARGET.where(TARGET != 2, 255), 3)
    with pytest.raises(ValueError, match=r"target: expected values in \[0, 3\)"):
        confusion_matrix(PRED, TARGET - 1, 3)


def test_confusion_matrix_rejects_no_class():
    with pytest.raises(ValueError, match="num_classes: expected at least 1, got 0"):
        confusion_matrix(PRED, TARGET, 0)


def test_pixel_accuracy_equals_one_counted_by_hand():
    assert pixel_accuracy(CONFUSION).item() == pytest.approx(4 / 6)


def test_pixel_accuracy_equals_scikit_learn():
    pred, target = random_labels()
    expected = sk.accuracy_score(target.flatten(), pred.flatten())
    assert pixel_accuracy(confusion_matrix(pred, target, 5)).item() == pytest.approx(expected)


def test_pixel_accuracy_of_nothing_is_zero():
    assert pixel_accuracy(torch.zeros(3, 3, dtype=torch.int64)).item() == 0


def test_iou_per_class_equals_one_counted_by_hand():
    torch.testing.assert_close(iou_per_class(CONFUSION), torch.tensor([1 / 3, 1 / 2, 1]).double())


def test_iou_per_class_equals_scikit_learns_jaccard_score():
    pred, target = random_labels(seed=2)
    expected = sk.jaccard_score(target.flatten(), pred.flatten(), average=None)
    iou = iou_per_class(confusion_matrix(pred, target, 5))
    torch.testing.assert_close(iou, torch.from_numpy(expected))


def test_iou_per_class_is_nan_where_a_class_does_not_occur():
    iou = iou_per_class(torch.tensor([[3, 0, 0], [0, 0, 0], [1, 0, 0]]))
    assert iou[0].item() == 0.75
    assert math.isnan(iou[1].item())
    assert iou[2].item() == 0, "a class that is missed altogether scores 0"


def test_mean_iou_equals_one_counted_by_hand():
    assert mean_iou(CONFUSION).item() == pytest.approx((1 / 3 + 1 / 2 + 1) / 3)


def test_mean_iou_equals_torchmetrics():
    pred, target = random_labels(num_classes=4, shape=(1, 20, 20))
    expected = torchmetrics_mean_iou(pred, target, num_classes=4, input_format="index")
    got = mean_iou(confusion_matrix(pred, target, 4))
    assert got.item() == pytest.approx(expected.item(), rel=1e-5)


def test_mean_iou_averages_over_the_classes_that_occur():
    confusion = torch.tensor([[3, 0, 0], [0, 0, 0], [1, 0, 0]])
    assert mean_iou(confusion).item() == pytest.approx(0.75 / 2)


def test_mean_iou_of_nothing_is_zero():
    assert mean_iou(torch.zeros(3, 3, dtype=torch.int64)).item() == 0


def test_mean_iou_does_not_depend_on_the_order_of_the_classes():
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(mean_iou(CONFUSION[order][:, order]), mean_iou(CONFUSION))


@pytest.mark.parametrize("metric", [pixel_accuracy, iou_per_class, mean_iou])
def test_metrics_return_float64_and_leave_the_counts_as_they_are(metric):
    confusion = CONFUSION.clone()
    assert metric(confusion).dtype == torch.float64
    assert torch.equal(confusion, CONFUSION)


@pytest.mark.parametrize("metric", [pixel_accuracy, iou_per_class, mean_iou])
def test_metrics_reject_what_is_no_confusion_matrix(metric):
    with pytest.raises(ValueError, match=r"confusion: expected .* \(C, C\), got shape \(2, 3\)"):
        metric(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"confusion: expected a tensor of shape \(C, C\), got"):
        metric(torch.zeros(3))
    with pytest.raises(TypeError, match=r"confusion: expected a tensor .* got list"):
        metric([[1, 0], [0, 1]])
