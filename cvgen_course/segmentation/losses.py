"""Losses of a mask: cross-entropy per pixel, soft Dice, and their sum."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def pixel_cross_entropy(logits: Tensor, target: Tensor, ignore_index: int | None = None) -> Tensor:
    """Return the mean negative log-probability of the right class over all pixels that count.

    Args:
        logits: float (N, C, H, W).
        target: labels, int64 (N, H, W), in [0, C) or ``ignore_index``.
        ignore_index: pixels with this target are left out.

    Returns:
        0-dimensional, at least 0, float32 at least; 0 where every pixel is ignored.

    Raises:
        TypeError: ``logits`` is no floating-point tensor, or ``target`` no int64 tensor.
        ValueError: the shapes do not belong together, or a label is outside [0, C).

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038, section 4 ("per-pixel multinomial logistic loss").
    """
    counted, labels = _counted_labels(logits, target, ignore_index)
    log_probs = at_least_float32(logits).log_softmax(dim=1)  # (N, C, H, W)
    of_right_class = log_probs.gather(1, labels[:, None]).squeeze(1)  # (N, H, W)
    return -(of_right_class * counted).sum() / counted.sum().clamp(min=1)


def dice_loss(
    logits: Tensor, target: Tensor, ignore_index: int | None = None, smooth: float = 1.0
) -> Tensor:
    """Return one minus the soft Dice coefficient, averaged over the classes.

    With probabilities p and one-hot targets t, summed over the whole batch and all counted pixels,

        1 - mean over c of (2 · Σ p_c t_c + smooth) / (Σ p_c + Σ t_c + smooth).

    Every class weighs the same, however few pixels it has: that is what cross-entropy lacks.

    Args:
        logits: float (N, C, H, W).
        target: labels, int64 (N, H, W), in [0, C) or ``ignore_index``.
        ignore_index: pixels with this target are left out.
        smooth: added above and below, so that a class that does not occur gives 1 and not 0/0.

    Returns:
        0-dimensional, in [0, 1], float32 at least; 0, with a gradient of zeros, where no pixel
        counts.

    Raises:
        TypeError: ``logits`` is no floating-point tensor, or ``target`` no int64 tensor.
        ValueError: the shapes do not belong together, or a label is outside [0, C).

    Source:
        Milletari et al., "V-Net", 3DV 2016, arXiv:1606.04797, section 3.

    Note:
        V-Net squares the summands of the denominator and has two classes; here they are not
        squared, and the coefficient is averaged over all C classes, the background too.
    """
    counted, labels = _counted_labels(logits, target, ignore_index)
    counted = counted[:, None]  # (N, 1, H, W)
    probs = at_least_float32(logits).softmax(dim=1) * counted  # (N, C, H, W)
    one_hot = torch.zeros_like(probs).scatter(1, labels[:, None], 1.0) * counted

    overlap = (probs * one_hot).sum(dim=(0, 2, 3))  # (C,)
    total = probs.sum(dim=(0, 2, 3)) + one_hot.sum(dim=(0, 2, 3))  # (C,)
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()


def cross_entropy_dice_loss(
    logits: Tensor, target: Tensor, ignore_index: int | None = None
) -> Tensor:
    """Return `pixel_cross_entropy` plus `dice_loss`: smooth gradients, and classes of equal weight.

    Args:
        logits: float (N, C, H, W).
        target: labels, int64 (N, H, W), in [0, C) or ``ignore_index``.
        ignore_index: pixels with this target are left out.

    Returns:
        0-dimensional, at least 0, float32 at least.

    Raises:
        TypeError: ``logits`` is no floating-point tensor, or ``target`` no int64 tensor.
        ValueError: the shapes do not belong together, or a label is outside [0, C).

    Source:
        Isensee et al., "Automated Design of Deep Learning Methods for Biomedical Image
        Segmentation", arXiv:1904.08128, where the sum is the default loss.
    """
    cross_entropy = pixel_cross_entropy(logits, target, ignore_index)
    return cross_entropy + dice_loss(logits, target, ignore_index)


def _counted_labels(
    logits: Tensor, target: Tensor, ignore_index: int | None
) -> tuple[Tensor, Tensor]:
    """Return which pixels count, bool (N, H, W), and the labels with 0 in place of ignored ones."""
    require(logits=(logits, "N C H W", "float"), target=(target, "N H W", "int64"))
    if ignore_index is None:
        counted = torch.ones_like(target, dtype=torch.bool)
    else:
        counted = target != ignore_index
    labels = target * counted
    require_range("target", labels, 0, logits.shape[1], "does the call need an ignore_index?")
    return counted, labels
