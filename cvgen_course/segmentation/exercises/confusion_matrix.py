"""Exercise: count how often each true class was predicted as each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.segmentation import confusion_matrix

VOID = 255
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: label maps with and without ignored pixels; weights add up to 100."""

    def labels(num_classes: int, *shape: int) -> Tensor:
        return torch.randint(num_classes, shape, generator=rng)

    def with_void(target: Tensor, value: int = VOID) -> Tensor:
        void = torch.rand(target.shape, generator=rng) < 0.25
        void.flatten()[0] = True
        return target.masked_fill(void, value)

    void = torch.full((1, 3, 4), VOID)
    one_pair = labels(3, 2)  # of 182 × 182 = 33,124 pixels
    any_size = (2, *(int(n) for n in 1 + labels(40, 2)))
    shifted = labels(5, 2, 6, 6)
    return [
        Case(
            "a batch of two label maps, three classes",
            {"pred": labels(3, 2, 6, 7), "target": labels(3, 2, 6, 7), "num_classes": 3},
            weight=3,
            hint="Entry [t, p] counts the pixels of true class t that were predicted as p.",
        ),
        Case(
            "an image of one row",
            {"pred": labels(4, 1, 1, 9), "target": labels(4, 1, 1, 9), "num_classes": 4},
            hint="Every pixel counts once, whatever the shape of the image.",
        ),
        Case(
            "every pixel is one class too high",
            {"pred": (shifted + 1) % 5, "target": shifted, "num_classes": 5},
            weight=2,
            hint="Rows are the true classes, columns the predicted ones.",
        ),
        Case(
            "twenty-one classes, as in Pascal VOC",
            {"pred": labels(21, 2, 14, 12), "target": labels(21, 2, 14, 12), "num_classes": 21},
            weight=10,
            hint="Number a pair as target · C + pred, in int64: uint8 ends at 255.",
        ),
        Case(
            "a single class",
            {"pred": labels(1, *any_size), "target": labels(1, *any_size), "num_classes": 1},
            weight=10,
            hint="The matrix of one class is 1 × 1, still with two dimensions.",
        ),
        Case(
            "classes that never occur",
            {"pred": labels(3, 2, 5, 4), "target": labels(2, 2, 5, 4), "num_classes": 7},
            weight=6,
            hint="The matrix is always num_classes × num_classes; absent classes have zeros.",
        ),
        Case(
            "a pair that occurs 33,124 times",
            {
                "pred": one_pair[0].repeat(1, 182, 182),
                "target": one_pair[1].repeat(1, 182, 182),
                "num_classes": 4,
            },
            weight=10,
            hint="uint8 ends at 255, float16 counts to 2,048, int16 to 32,767: count in int64.",
        ),
        Case(
            "ignored pixels are marked 255",
            {
                "pred": labels(4, 3, 5, 6),
                "target": with_void(labels(4, 3, 5, 6)),
                "num_classes": 4,
                "ignore_index": VOID,
            },
            weight=1,
            hint="Drop the pixels whose target is ignore_index before counting.",
        ),
        Case(
            "ignored pixels are marked -1",
            {
                "pred": labels(3, 1, 4, 6),
                "target": with_void(labels(3, 1, 4, 6), -1),
                "num_classes": 3,
                "ignore_index": -1,
            },
            weight=10,
            hint="ignore_index may be any integer, a negative one too.",
        ),
        Case(
            "the background, class 0, is ignored",
            {
                "pred": labels(4, 2, 6, 5),
                "target": with_void(labels(4, 2, 6, 5), 0),
                "num_classes": 4,
                "ignore_index": 0,
            },
            weight=26,
            hint="ignore_index looks at the target only, and 0 is a value like any other: "
            "compare with None.",
        ),
        Case(
            "a class in the middle is ignored",
            {
                "pred": labels(5, 2, 5, 6),
                "target": with_void(labels(5, 2, 5, 6), 2),
                "num_classes": 5,
                "ignore_index": 2,
            },
            weight=10,
            hint="Pixels are left out where the target is ignore_index, even if that is a class.",
        ),
        Case(
            "every pixel is ignored",
            {
                "pred": labels(3, 1, 3, 4),
                "target": void,
                "num_classes": 3,
                "ignore_index": VOID,
            },
            weight=10,
            hint="With nothing to count, the matrix is zero, and still C × C.",
        ),
        Case(
            "a single pixel",
            {"pred": labels(6, 1, 1, 1), "target": labels(6, 1, 1, 1), "num_classes": 6},
            hint="One pixel makes one count, an integer.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the matrix that an implementation counts."""
    options = {"ignore_index": inputs["ignore_index"]} if "ignore_index" in inputs else {}
    confusion = implementation(inputs["pred"], inputs["target"], inputs["num_classes"], **options)
    return as_tensor(confusion, "the confusion matrix")


def _count(target: Tensor, pred: Tensor, num_classes: int) -> Tensor:
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    ones = torch.ones_like(target)
    return confusion.index_put((target, pred), ones, accumulate=True)


def _counted(pred: Tensor, target: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    keep = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        keep = target != ignore_index
    return pred[keep], target[keep]


@mistakes.when("rows and columns are exchanged: rows are the true classes, columns the predicted.")
def _transposed(pred, target, num_classes, ignore_index=None):
    pred, target = _counted(pred, target, ignore_index)
    return _count(pred, target, num_classes)


@mistakes.when(
    "`confusion[target, pred] += 1` is used: a pair of classes that occurs many times is then "
    "counted once; `torch.bincount` or `index_put_(…, accumulate=True)` counts all."
)
def _counts_once(pred, target, num_classes, ignore_index=None):
    pred, target = _counted(pred, target, ignore_index)
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    confusion[target, pred] += 1
    return confusion


@mistakes.when("`ignore_index` is not looked at.")
def _never_ignores(pred, target, num_classes, ignore_index=None):
    return _count(target.flatten(), pred.flatten(), num_classes)


@mistakes.when(
    "the code asks `if ignore_index:`, which is false for class 0; "
    "ask `if ignore_index is not None:`."
)
def _zero_is_false(pred, target, num_classes, ignore_index=None):
    if ignore_index:
        keep = target != ignore_index
        pred, target = pred[keep], target[keep]
    return _count(target.flatten(), pred.flatten(), num_classes)


@mistakes.when("pixels are dropped because of their prediction: only the target decides.")
def _ignores_predictions(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None:
        keep = (target != ignore_index) & (pred != ignore_index)
        pred, target = pred[keep], target[keep]
    return _count(target.flatten(), pred.flatten(), num_classes)


@mistakes.when(
    "`torch.bincount` is called without `minlength=num_classes**2`: "
    "it stops at the last pair that occurs."
)
def _no_minlength(pred, target, num_classes, ignore_index=None):
    pred, target = _counted(pred, target, ignore_index)
    pairs = target.flatten() * num_classes + pred.flatten()
    return torch.bincount(pairs).reshape(num_classes, num_classes)


@mistakes.when(
    "the size of the matrix is taken from the classes that occur instead of `num_classes`."
)
def _size_from_data(pred, target, num_classes, ignore_index=None):
    pred, target = _counted(pred, target, ignore_index)
    size = int(torch.cat([pred.flatten(), target.flatten()]).max()) + 1
    return _count(target.flatten(), pred.flatten(), size)


@mistakes.when(
    "only labels outside of [0, num_classes) are dropped: pixels are left out where the target "
    "is `ignore_index`, which may be one of the classes."
)
def _drops_unknown_labels(pred, target, num_classes, ignore_index=None):
    keep = (target >= 0) & (target < num_classes)
    return _count(target[keep], pred[keep], num_classes)


@mistakes.when("ignored pixels are counted as class 0: they are not counted at all.")
def _ignored_as_background(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None:
        target = target.masked_fill(target == ignore_index, 0)
    return _count(target, pred, num_classes)


@mistakes.when("only the first image of the batch is counted.")
def _first_image_only(pred, target, num_classes, ignore_index=None):
    pred, target = _counted(pred[0], target[0], ignore_index)
    return _count(target, pred, num_classes)


@mistakes.when("each row is divided by its sum: counts are asked for, as int64.")
def _rows_normalised(pred, target, num_classes, ignore_index=None):
    pred, target = _counted(pred, target, ignore_index)
    confusion = _count(target, pred, num_classes)
    return confusion / confusion.sum(dim=1, keepdim=True)


EXERCISE = Exercise(
    name="confusion_matrix",
    title="The confusion matrix",
    points=2,
    reference=confusion_matrix,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Measuring a segmentation",
)
