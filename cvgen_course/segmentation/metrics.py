"""How right a predicted mask is: confusion matrix, pixel accuracy, intersection over union."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.require import require, require_range


def confusion_matrix(
    pred: Tensor, target: Tensor, num_classes: int, ignore_index: int | None = None
) -> Tensor:
    """Count, for every pair of classes, the pixels of one class that were predicted as the other.

    A pair (target, prediction) is one number, ``target * C + prediction``, so that counting pairs
    is a histogram of integers.

    Args:
        pred: predicted labels, integer, any shape, in [0, C) wherever the target is not ignored.
        target: true labels, integer, same shape, in [0, C) or ``ignore_index``.
        num_classes: the number of classes C.
        ignore_index: pixels with this target are left out, e.g. 255 in Pascal VOC.

    Returns:
        The counts, int64 (C, C); row = target, column = prediction.

    Raises:
        TypeError: ``pred`` or ``target`` is no tensor of integers.
        ValueError: the shapes differ, or a label that counts is outside [0, C).
    """
    require(target=(target, "*S", "int"), pred=(pred, "*S", "int"))
    if num_classes < 1:
        raise ValueError(f"num_classes: expected at least 1, got {num_classes}")

    pred, target = pred.flatten().long(), target.flatten().long()
    if ignore_index is not None:
        counted = target != ignore_index
        pred, target = pred[counted], target[counted]
    # Counting waits for a GPU anyway.
    require_range("pred", pred.cpu(), 0, num_classes, "is num_classes right?")
    require_range("target", target.cpu(), 0, num_classes, "does it need an ignore_index?")

    pairs = target * num_classes + pred
    counts = torch.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def pixel_accuracy(confusion: Tensor) -> Tensor:
    """Return the share of pixels that were predicted right.

    Args:
        confusion: counts, (C, C), as `confusion_matrix` gives them.

    Returns:
        float64, 0-dimensional, in [0, 1]; 0 where no pixel was counted.

    Raises:
        TypeError: ``confusion`` is no tensor.
        ValueError: it is not square.
    """
    require(confusion=(confusion, "C C"))
    confusion = confusion.double()
    return confusion.diagonal().sum() / confusion.sum().clamp(min=1)


def iou_per_class(confusion: Tensor) -> Tensor:
    """Return the intersection over union of every class.

    Args:
        confusion: counts, (C, C), row = target, column = prediction.

    Returns:
        float64 (C,), in [0, 1]; NaN for a class that occurs neither in the target nor in the
        prediction.

    Raises:
        TypeError: ``confusion`` is no tensor.
        ValueError: it is not square.

    Source:
        Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010, section 4.3.
    """
    require(confusion=(confusion, "C C"))
    confusion = confusion.double()
    intersection = confusion.diagonal()  # (C,)
    in_target, in_pred = confusion.sum(dim=1), confusion.sum(dim=0)  # (C,), (C,)
    union = in_target + in_pred - intersection
    return intersection / union  # 0/0 = NaN: the class does not occur


def mean_iou(confusion: Tensor) -> Tensor:
    """Return the intersection over union, averaged over the classes that occur.

    A class occurs if any pixel has it in the target or in the prediction.

    Args:
        confusion: counts, (C, C), row = target, column = prediction.

    Returns:
        float64, 0-dimensional, in [0, 1]; 0 where no class occurs.

    Raises:
        TypeError: ``confusion`` is no tensor.
        ValueError: it is not square.

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038, section 5.
    """
    iou = iou_per_class(confusion)
    occurs = ~iou.isnan()
    return iou[occurs].sum() / occurs.sum().clamp(min=1)
