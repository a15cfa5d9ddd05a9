"""The focal loss: a cross-entropy that stops listening to what is already right."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def focal_loss_per_item(
    logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Return -α_t (1 - p_t)^γ log p_t for each logit on its own.

    p_t is the probability that was given to the right answer: p = sigmoid(logit) where the target
    is 1, and 1 - p where it is 0. α_t is α or 1 - α likewise. With γ = 0 and α = 1/2 it is half of
    the binary cross-entropy; the larger γ, the less a well classified item counts.

    Args:
        logits: float, any shape.
        targets: float of the same shape, each 0 or 1.
        alpha: weight of targets 1, in [0, 1]; targets 0 weigh 1 - alpha.
        gamma: how strongly easy items are turned down, at least 0.

    Returns:
        The same shape as ``logits``, float32 at least, at least 0; differentiable, and finite with
        finite gradients for logits of ±1000.

    Raises:
        TypeError: ``logits`` or ``targets`` is no floating-point tensor.
        ValueError: the shapes differ, a target is neither 0 nor 1, or ``alpha`` or ``gamma`` is
            out of range.

    Source:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv:1708.02002,
        equation 5.
    """
    require(logits=(logits, "*S", "float"), targets=(targets, "*S", "float"))
    _require_weights(alpha, gamma)
    if not ((targets == 0) | (targets == 1)).all():
        raise ValueError("targets: expected 0 or 1 everywhere, got other values; is it one-hot?")
    return _per_item(logits, targets == 1, alpha, gamma)


def focal_loss(logits: Tensor, labels: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Return the focal loss of a dense detector's classes, per object.

    Each class is a yes-or-no question of its own (sigmoid, no softmax), so background needs no
    column: it is the answer "no" to all of them.

    Args:
        logits: float (N, A, C - 1), for each of A anchors one number a class; column c - 1 belongs
            to class c.
        labels: int64 (N, A): c in [1, C) for an object of class c, 0 for background, -1 for an
            anchor that is left out.
        alpha: weight of the right class of an object, in [0, 1]; all else weighs 1 - alpha.
        gamma: how strongly easy answers are turned down, at least 0.

    Returns:
        0-dimensional, float32 at least, at least 0: the sum of `focal_loss_per_item` over all
        classes of all anchors that are not left out, divided by the number of anchors with an
        object (by 1 where there is none).

    Raises:
        TypeError: ``logits`` is no floating-point tensor, or ``labels`` no int64 tensor.
        ValueError: the shapes do not belong together, a label is outside [-1, C), or ``alpha`` or
            ``gamma`` is out of range.

    Source:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv:1708.02002,
        equation 5 and section 4.1 ("normalized by the number of anchors assigned to a
        ground-truth box").
    """
    require(logits=(logits, "N A C-1", "float"), labels=(labels, "N A", "int64"))
    require_range("labels", labels, -1, logits.shape[2] + 1, "logits have no background column")
    _require_weights(alpha, gamma)
    classes = torch.arange(1, logits.shape[2] + 1, device=labels.device)  # (C - 1,)
    is_class = labels[:, :, None] == classes  # (N, A, C - 1)
    counted = labels >= 0  # (N, A)
    per_item = _per_item(logits[counted], is_class[counted], alpha, gamma)  # (counted, C - 1)
    return per_item.sum() / (labels >= 1).sum().clamp(min=1)


def _per_item(logits: Tensor, is_class: Tensor, alpha: float, gamma: float) -> Tensor:
    """Return the focal loss of each logit; ``is_class`` is a bool tensor of the same shape."""
    # How far a logit points toward the right answer: p_t is its sigmoid.
    toward_right = at_least_float32(torch.where(is_class, logits, -logits))
    log_right = F.logsigmoid(toward_right)  # log p_t
    # (1 - p_t)^γ by way of its logarithm: a power of 0 would have a gradient of NaN where γ < 1
    doubt = (gamma * F.logsigmoid(-toward_right)).exp()
    t = is_class.to(toward_right.dtype)
    alpha_t = alpha * t + (1 - alpha) * (1 - t)
    return -alpha_t * doubt * log_right


def _require_weights(alpha: float, gamma: float) -> None:
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected a number in [0, 1], got {alpha}")
    if not gamma >= 0:
        raise ValueError(f"gamma: expected a number of at least 0, got {gamma}")
