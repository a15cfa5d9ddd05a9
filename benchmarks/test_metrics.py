"""Metrics of masks against scikit-learn's and torchmetrics'."""

import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

from cvgen_course.seeding import generator
from cvgen_course.segmentation import confusion_matrix, mean_iou, pixel_accuracy

CLASSES = 5
SHAPE = (64, 64, 64)
CHANCE = generator("benchmarks", "metrics")
TARGET = torch.randint(CLASSES, SHAPE, generator=CHANCE)
PRED = torch.where(torch.rand(SHAPE, generator=CHANCE) < 0.8, TARGET, TARGET.roll(1, dims=-1))
FLAT = TARGET.flatten().numpy(), PRED.flatten().numpy()  # what scikit-learn takes


def our_confusion_matrix():
    """Count the pairs of classes."""
    return confusion_matrix(PRED, TARGET, CLASSES)


def our_pixel_accuracy():
    """Count, and divide."""
    return pixel_accuracy(our_confusion_matrix())


def our_mean_iou():
    """Count, divide, and average."""
    return mean_iou(our_confusion_matrix())


COMPARISONS = (
    (
        *("confusion matrix", our_confusion_matrix, "scikit-learn"),
        lambda: torch.from_numpy(sk.confusion_matrix(*FLAT)),
    ),
    (
        *("confusion matrix", our_confusion_matrix, "torchmetrics"),
        lambda: tm.multiclass_confusion_matrix(PRED, TARGET, CLASSES),
    ),
    (
        *("pixel accuracy", our_pixel_accuracy, "scikit-learn"),
        lambda: torch.tensor(sk.accuracy_score(*FLAT)),
    ),
    (
        *("pixel accuracy", our_pixel_accuracy, "torchmetrics"),
        lambda: tm.multiclass_accuracy(PRED, TARGET, CLASSES, average="micro"),
    ),
    (
        *("mean IoU", our_mean_iou, "scikit-learn"),
        lambda: torch.tensor(sk.jaccard_score(*FLAT, average="macro")),
    ),
    (
        *("mean IoU", our_mean_iou, "torchmetrics"),
        lambda: tm.multiclass_jaccard_index(PRED, TARGET, CLASSES),
    ),
)


@pytest.mark.benchmark(group="Metrics: 64 masks of 64 × 64 pixels, 5 classes")
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda parts: f"{parts[0]}-{parts[2]}")
def test_metric(side_by_side, comparison):
    """The same masks, the same number."""
    side_by_side(*comparison)
