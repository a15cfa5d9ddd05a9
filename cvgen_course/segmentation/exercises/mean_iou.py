"""Exercise: the mean intersection over union from a confusion matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.segmentation import iou_per_class, mean_iou

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: confusion matrices, some with absent classes; weights add up to 100."""

    def counts(num_classes: int, largest: int = 50) -> Tensor:
        random = torch.randint(1, largest, (num_classes, num_classes), generator=rng)
        return random + torch.diag(2 * random.diagonal() + largest)

    absent, one_absent = counts(5), counts(4)
    absent[[1, 4]] = 0
    absent[:, [1, 4]] = 0
    one_absent[2] = 0
    one_absent[:, 2] = 0
    never_predicted = counts(4)
    never_predicted[:, 2] = 0
    only_predicted, two_only_predicted = counts(4), counts(5)
    only_predicted[1] = 0
    two_only_predicted[[0, 3]] = 0
    all_wrong = torch.randint(1, 50, (3, 3), generator=rng).fill_diagonal_(0)
    num_classes = int(torch.randint(2, 61, (), generator=rng))
    right = torch.diag(torch.randint(1, 5, (12,), generator=rng))
    return [
        Case(
            "three classes, all of them occur",
            {"confusion": counts(3)},
            weight=4,
            hint="Intersection: the diagonal. Union: row sum + column sum − intersection.",
        ),
        Case(
            "two classes never occur",
            {"confusion": absent},
            weight=13,
            hint="A class with an empty union is left out: it counts neither as 0 nor as 1.",
        ),
        Case(
            "a class that never occurs",
            {"confusion": one_absent},
            weight=12,
            hint="A class with an empty union is left out: the mean is over all others.",
        ),
        Case(
            "a class that is never predicted",
            {"confusion": never_predicted},
            weight=10,
            hint="A class that occurs only in the target has IoU 0, and counts.",
        ),
        Case(
            "a class that occurs only in the prediction",
            {"confusion": only_predicted},
            weight=12,
            hint="A class that occurs only in the prediction has IoU 0, and counts.",
        ),
        Case(
            "two classes that occur only in the prediction",
            {"confusion": two_only_predicted},
            weight=13,
            hint="Classes that occur only in the prediction have IoU 0, and count.",
        ),
        Case(
            "counts of a whole data set, in the billions",
            {"confusion": counts(6, 2_000_000_000)},
            weight=4,
            hint="int32 and float16 are too small for such counts.",
        ),
        Case(
            "every pixel is right",
            {"confusion": right},
            weight=2,
            hint="A perfect prediction has a mean IoU of 1.",
        ),
        Case(
            "every pixel is wrong",
            {"confusion": all_wrong},
            weight=2,
            hint="Without any intersection the mean IoU is 0.",
        ),
        Case(
            "a single class",
            {"confusion": torch.randint(1, 50, (1, 1), generator=rng)},
            weight=3,
            hint="Class 0, the background, is a class like the others.",
        ),
        Case(
            "nothing was counted at all",
            {"confusion": torch.zeros(num_classes, num_classes, dtype=torch.int64)},
            weight=25,
            hint="The mean over no class is 0: not NaN, and no division by zero.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the mean as float32: float32, float64 and Python numbers are all right answers."""
    value = as_tensor(implementation(inputs["confusion"]), "the mean IoU")
    return value.to(torch.float32) if value.dtype in (torch.float64, torch.int64) else value


def _iou(confusion: Tensor) -> Tensor:
    confusion = confusion.double()
    intersection = confusion.diagonal()
    return intersection / (confusion.sum(0) + confusion.sum(1) - intersection)


@mistakes.when("a class that never occurs counts as 0 instead of being left out of the mean.")
def _absent_is_zero(confusion):
    return _iou(confusion).nan_to_num(0.0).mean()


@mistakes.when("a class that never occurs counts as 1 instead of being left out of the mean.")
def _absent_is_one(confusion):
    return _iou(confusion).nan_to_num(1.0).mean()


@mistakes.when(
    "classes that occur only in the prediction are left out: they have IoU 0, and count."
)
def _target_classes_only(confusion):
    occurs = confusion.sum(1) > 0
    return _iou(confusion)[occurs].sum() / occurs.sum().clamp(min=1)


@mistakes.when("the union is row sum + column sum, in which the intersection is counted twice.")
def _intersection_twice(confusion):
    intersection = confusion.double().diagonal()
    both = confusion.sum(0) + confusion.sum(1)
    occurs = both > 0
    return (intersection[occurs] / both[occurs]).sum() / occurs.sum().clamp(min=1)


@mistakes.when("Dice, 2·I / (rows + columns), is computed instead of IoU.")
def _dice(confusion):
    return 2 * _intersection_twice(confusion)


@mistakes.when(
    "the diagonal is divided by the row sums: that is each class's accuracy, not its IoU."
)
def _recall(confusion):
    rows = confusion.sum(1).double()
    occurs = rows > 0
    return (confusion.diagonal()[occurs] / rows[occurs]).sum() / occurs.sum().clamp(min=1)


@mistakes.when("the share of right pixels is returned.")
def _pixel_accuracy(confusion):
    return confusion.diagonal().sum().double() / confusion.sum().clamp(min=1)


@mistakes.when("class 0, the background, is left out: it is a class like the others.")
def _without_background(confusion):
    iou = _iou(confusion)[1:]
    occurs = ~iou.isnan()
    return iou[occurs].sum() / occurs.sum().clamp(min=1)


@mistakes.when("all classes with IoU 0 are left out: only those that occur nowhere are.")
def _zeros_left_out(confusion):
    iou = _iou(confusion)
    return iou[iou > 0].sum() / (iou > 0).sum().clamp(min=1)


@mistakes.when("a matrix of zeros is forgotten: the mean over no class is NaN, and should be 0.")
def _nan_for_nothing(confusion):
    iou = _iou(confusion)
    return iou[~iou.isnan()].mean()


@mistakes.when("whole numbers are divided by `//`, which leaves only 0 and 1: divide by `/`.")
def _floor_division(confusion):
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    iou = confusion.diagonal()[union > 0] // union[union > 0]
    return iou.double().sum() / len(iou) if len(iou) else 0.0


@mistakes.when("the row sums are added twice: the union needs row sums and column sums.")
def _rows_twice(confusion):
    union = 2 * confusion.sum(1) - confusion.diagonal()
    iou = confusion.diagonal()[union > 0] / union[union > 0]
    return iou.mean() if len(iou) else 0.0


EXERCISE = Exercise(
    name="mean_iou",
    title="Mean intersection over union",
    points=2,
    reference=mean_iou,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(iou_per_class,),
    read="Measuring a segmentation",
)
