"""The two losses of a region proposal network: is there an object, and where exactly."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def rpn_loss(
    logits: Tensor, deltas: Tensor, labels: Tensor, target_deltas: Tensor, beta: float = 1 / 9
) -> tuple[Tensor, Tensor]:
    """Return how wrong a region proposal network is about objects, and about their boxes.

    The smooth L1 loss of a difference of absolute value x is x² / (2 beta) where x < beta, else
    x - beta / 2: a parabola around zero, and straight lines outside, so that outliers don't rule.

    Args:
        logits: whether an anchor has an object, float (N, A), before the sigmoid.
        deltas: how the network moves each anchor, float (N, A, 4), as from
            `encode_boxes`.
        labels: int64 (N, A): 1 for an object, 0 for background, -1 for anchors that were not
            sampled and play no part.
        target_deltas: what the deltas should be, float (N, A, 4). Only the positive anchors' are
            looked at.
        beta: where the parabola ends, greater than 0.

    Returns:
        Two tensors without dimensions, float32 at least, at least 0: the binary cross-entropy,
        averaged over all sampled anchors of the batch; and the smooth L1 loss of the positive
        anchors, summed over their four numbers and divided by the number of *sampled* anchors. Both
        are 0, with a gradient of 0, where nothing was sampled.

    Raises:
        TypeError: ``logits``, ``deltas`` or ``target_deltas`` is no floating-point tensor, or
            ``labels`` no int64 tensor.
        ValueError: the shapes do not belong together, a label is none of 1, 0, -1, or ``beta`` is
            not positive.

    Source:
        Ren et al., "Faster R-CNN", NeurIPS 2015, arXiv:1506.01497, equation 1 in section 3.1.2.

    Note:
        The paper divides the second part by the number of anchor positions and weighs it with
        λ = 10, which comes to nearly the same as dividing by the size of the mini-batch. It takes
        beta = 1; implementations have settled on 1/9.
    """
    require(
        logits=(logits, "N A", "float"),
        deltas=(deltas, "N A 4", "float"),
        labels=(labels, "N A", "int64"),
        target_deltas=(target_deltas, "N A 4", "float"),
    )
    require_range("labels", labels, -1, 2, "a region proposal network knows no classes")
    if not beta > 0:
        raise ValueError(f"beta: expected a number greater than 0, got {beta}")
    sampled, positive = labels >= 0, labels == 1  # (N, A)
    num_sampled = sampled.sum().clamp(min=1)
    logits, deltas = at_least_float32(logits), at_least_float32(deltas)
    objectness = F.binary_cross_entropy_with_logits(
        logits[sampled], positive[sampled].to(logits.dtype), reduction="sum"
    )
    regression = F.smooth_l1_loss(
        deltas[positive], target_deltas[positive], beta=beta, reduction="sum"
    )
    return objectness / num_sampled, regression / num_sampled
