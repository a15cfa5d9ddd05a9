import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import segmentation as ref
from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["mean_iou"]


def loops(confusion):
    total, occurring = 0.0, 0
    for c in range(len(confusion)):
        intersection = confusion[c, c].item()
        union = confusion[c].sum().item() + confusion[:, c].sum().item() - intersection
        if union > 0:
            total += intersection / union
            occurring += 1
    return total / occurring if occurring else 0


def float32(confusion):
    intersection = confusion.diagonal()
    union = confusion.sum(0) + confusion.sum(1) - intersection
    iou = intersection[union > 0] / union[union > 0]  # float32, as the division of integers gives
    return iou.mean() if iou.numel() else torch.tensor(0.0)


def nanmean(confusion):
    hits = torch.diag(confusion).double()
    iou = hits / (confusion.sum(dim=0) + confusion.sum(dim=1) - hits)
    return iou.nanmean().nan_to_num(0.0)


def without_zero_division(confusion):
    false_negatives = confusion.sum(1) - confusion.diagonal()
    false_positives = confusion.sum(0) - confusion.diagonal()
    union = confusion.diagonal() + false_negatives + false_positives
    occurs = (union != 0).double()
    return (confusion.diagonal() / union.clamp(min=1)).sum() / max(occurs.sum(), 1)


def numpy(confusion):
    confusion = confusion.numpy().astype(np.float64)
    intersection = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - intersection
    occurs = union > 0
    return np.mean(intersection[occurs] / union[occurs]) if occurs.any() else 0.0


def python_lists(confusion):
    rows = confusion.tolist()
    columns = list(zip(*rows, strict=True))
    iou = [
        row[c] / (sum(row) + sum(columns[c]) - row[c])
        for c, row in enumerate(rows)
        if sum(row) + sum(columns[c])
    ]
    return float(sum(iou) / len(iou)) if iou else 0.0


def float16(confusion):
    return torch.as_tensor(loops(confusion)).half()


def text(confusion):
    return f"{loops(confusion):.4f}"


def a_list(confusion):
    return [loops(confusion)]


def one_dimension(confusion):
    return torch.tensor([loops(confusion)])


def percent(confusion):
    return 100 * loops(confusion)


def nan_for_nothing(confusion):
    return loops(confusion) if confusion.any() else float("nan")


def int32(confusion):
    return float32(confusion.int())


def rounded(confusion):
    return round(loops(confusion), 2)


def precision(confusion):
    columns = confusion.sum(0)
    predicted = columns > 0
    return (confusion.diagonal() / columns.clamp(min=1))[predicted].double().mean().nan_to_num(0)


def weighted_by_frequency(confusion):
    hits = confusion.diagonal().double()
    iou = (hits / (confusion.sum(0) + confusion.sum(1) - hits)).nan_to_num(0.0)
    return (iou * confusion.sum(1)).sum() / confusion.sum().clamp(min=1)


def only_classes_that_are_hit(confusion):
    hits = confusion.diagonal().double()
    iou = hits / (confusion.sum(0) + confusion.sum(1) - hits)
    return iou[hits > 0].sum() / (hits > 0).sum().clamp(min=1)


def a_little_more_in_the_union(confusion):
    hits = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - hits
    occurs = union > 0
    return (hits / (union + 1e-3))[occurs].sum() / occurs.sum().clamp(min=1)


RIGHT = [loops, float32, nanmean, without_zero_division, numpy, python_lists]
WRONG = [
    *(float16, text, a_list, one_dimension, percent, nan_for_nothing, int32, rounded),
    *(precision, weighted_by_frequency, only_classes_that_are_hit),
    a_little_more_in_the_union,
]
EQUIVALENT = {
    "iou_per_class: confusion = confusion.double() -> pass": "the division gives float32",
    "iou_per_class: (confusion.sum(dim=1), confusion.sum(dim=0)) -> "
    "(confusion.sum(dim=0), confusion.sum(dim=1))": "they are added",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_mean_iou_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_mean_iou_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_mean_iou_must_not_call_iou_per_class():
    def answer(confusion):
        return ref.iou_per_class(confusion).nanmean().nan_to_num(0)

    report = graded(EXERCISE, answer)
    assert report.points == 0.0
    assert "iou_per_class" in report.rows[0].message


def test_mean_iou_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("iou_per_class",))
