"""Exercise: the focal loss of a dense detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.detection.focal_loss import focal_loss, focal_loss_per_item

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: objects, background, anchors left out, sure answers, gradients."""

    def logits(*shape: int, scale: float = 2.0, dtype: torch.dtype = torch.float32) -> Tensor:
        return (scale * torch.randn(shape, generator=rng, dtype=torch.float64)).to(dtype)

    def labels(num_classes: int, *shape: int, left_out: int = 0) -> Tensor:
        """Return labels, with one object of each class at least, and so many -1 in each image."""
        found = torch.randint(num_classes, shape, generator=rng)
        found = found * (torch.rand(shape, generator=rng) < 0.7)
        found[:, : num_classes - 1] = torch.arange(1, num_classes)
        if left_out:
            found[:, -left_out:] = -1
        order = torch.rand(shape, generator=rng).argsort(dim=1)
        return found.gather(1, order)

    def loss(title: str, hint: str, weight: float, **inputs: Any) -> Case:
        return Case(title, {"gradient": False, **inputs}, weight, hint)

    def gradient(title: str, hint: str, weight: float, **inputs: Any) -> Case:
        return Case(title, {"gradient": True, **inputs}, weight, hint)

    unlike = labels(3, 2, 8)  # the second image has no object
    unlike[1] = 0
    signs = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, 1, -1], [-1, -1, 1]])[None]
    large = 1000 * signs + logits(1, 4, 3)
    return [
        loss(
            "one image, objects of three classes",
            "Object of class c: target 1, weight alpha in column c - 1; target 0, weight 1 - alpha "
            "in the others. Sum, then divide by the number of objects.",
            2,
            logits=logits(1, 6, 3),
            labels=labels(4, 1, 6),
        ),
        loss(
            "two images, one of them without any object",
            "One sum and one number of objects for the whole batch; background is summed, too.",
            2,
            logits=logits(2, 8, 2),
            labels=unlike,
        ),
        gradient(
            "the gradient",
            "New here: float64; no epsilon in a logarithm. The loss must be differentiable, the "
            "factor (1 - p_t)^gamma included: no detach.",
            3,
            logits=logits(2, 5, 2, dtype=torch.float64),
            labels=labels(3, 2, 5),
        ),
        loss(
            "some anchors are left out",
            "An anchor labelled -1 enters neither the sum nor the number of objects.",
            3,
            logits=logits(2, 9, 3),
            labels=labels(4, 2, 9, left_out=3),
        ),
        loss(
            "no object at all",
            "Without an object, the sum is divided by 1: clamp the number from below.",
            2,
            logits=logits(2, 5, 3),
            labels=torch.zeros(2, 5, dtype=torch.int64),
        ),
        gradient(
            "other alpha and gamma: loss and gradient",
            "Targets 1 weigh alpha, targets 0 weigh 1 - alpha; (1 - p_t) is raised to gamma.",
            3,
            logits=logits(1, 7, 2),
            labels=labels(3, 1, 7, left_out=1),
            alpha=0.6,
            gamma=1.3,
        ),
        loss(
            "gamma = 0",
            "With gamma = 0 what is left is the cross-entropy, weighted by alpha_t.",
            1,
            logits=logits(2, 5, 2),
            labels=labels(3, 2, 5),
            alpha=0.5,
            gamma=0.0,
        ),
        loss(
            "a single class, float64",
            "New here: a single column; the result is as precise as the logits.",
            1.5,
            logits=logits(2, 6, 1, dtype=torch.float64),
            labels=labels(2, 2, 6, left_out=1),
            alpha=0.375,  # exact in float32, too: torch.where(yes, alpha, 1 - alpha) is float32
        ),
        gradient(
            "every anchor is left out: loss and gradient",
            "An empty sum is 0. It still depends on the logits, if only with a gradient of 0: no "
            "bare `return 0`.",
            2,
            logits=logits(1, 4, 2),
            labels=torch.full((1, 4), -1),
        ),
        gradient(
            "logits of a thousand: loss and gradient",
            "log(sigmoid(x)) breaks down where sigmoid(x) rounds to 0 or 1; F.logsigmoid doesn't.",
            4,
            logits=large,
            labels=torch.tensor([[1, 0, 3, 2]]),
        ),
        gradient(
            "logits of about 120: loss and gradient",
            "log(1 - p) is log(0) as soon as p rounds to 1: log(1 - sigmoid(x)) = logsigmoid(-x).",
            4,
            logits=120 * signs + logits(1, 4, 3),
            labels=torch.tensor([[2, 1, 0, -1]]),
        ),
        gradient(
            "the gradient, with anchors left out",
            "Anchors that are left out have no influence, so their gradient is 0.",
            2,
            logits=logits(1, 7, 3, dtype=torch.float64),
            labels=labels(4, 1, 7, left_out=2),
            alpha=0.625,
            gamma=1.7,
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the loss and, where a case asks for it, its gradient with respect to the logits."""
    options = {name: inputs[name] for name in ("alpha", "gamma") if name in inputs}
    logits = inputs["logits"].requires_grad_()
    handed = logits.clone()  # no leaf, as a network's output is none
    loss = as_tensor(implementation(handed, inputs["labels"], **options), "the loss")
    require_unchanged({"logits": logits}, {"logits": handed})
    answer = {"the loss": loss.detach()}
    if inputs["gradient"]:
        answer |= gradients("the loss", loss, torch.ones((), dtype=logits.dtype), logits=logits)
    return answer


def _targets(labels: Tensor, num_columns: int) -> Tensor:
    return labels[..., None] == torch.arange(1, num_columns + 1)


def _weighted(logits: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    toward = _toward(logits, targets)
    return -_alpha(targets, alpha, logits) * toward.neg().sigmoid() ** gamma * F.logsigmoid(toward)


def _toward(logits: Tensor, targets: Tensor) -> Tensor:
    return torch.where(targets, logits, -logits)


def _alpha(targets: Tensor, alpha: float, logits: Tensor) -> Tensor:
    t = targets.to(logits.dtype)
    return alpha * t + (1 - alpha) * (1 - t)


def _objects(labels: Tensor) -> Tensor:
    return (labels > 0).sum().clamp(min=1)


@mistakes.when("alpha weighs every item: targets 0 weigh 1 - alpha.")
def _alpha_everywhere(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    per_item = _weighted(logits[keep], targets[keep], 0.5, gamma)
    return 2 * alpha * per_item.sum() / _objects(labels)


@mistakes.when("alpha_t is left out: targets 1 weigh alpha, targets 0 weigh 1 - alpha.")
def _no_alpha(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    return 2 * _weighted(logits[keep], targets[keep], 0.5, gamma).sum() / _objects(labels)


@mistakes.when("p_t is raised to gamma instead of 1 - p_t: the easy items are listened to most.")
def _power_of_p(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    logits, targets = logits[keep], _targets(labels, logits.shape[-1])[keep]
    toward = _toward(logits, targets)
    factor = _alpha(targets, alpha, logits) * toward.sigmoid() ** gamma
    return -(factor * F.logsigmoid(toward)).sum() / _objects(labels)


@mistakes.when(
    "the sum is divided by the number of items: it is the number of anchors with an object, or "
    "else thousands of easy backgrounds make the loss vanish."
)
def _mean(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    per_item = _weighted(logits[keep], targets[keep], alpha, gamma)
    return per_item.sum() / max(per_item.numel(), 1)


@mistakes.when("anchors labelled -1 enter the sum as background.")
def _left_out_is_background(logits, labels, alpha=0.25, gamma=2.0):
    per_item = _weighted(logits, _targets(labels, logits.shape[-1]), alpha, gamma)
    return per_item.sum() / _objects(labels)


@mistakes.when(
    "only anchors with an object enter the sum: background is what must be learned, too."
)
def _objects_only(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels > 0
    return _weighted(logits[keep], targets[keep], alpha, gamma).sum() / _objects(labels)


@mistakes.when(
    "an object's other classes are left out: "
    'each class is a question, and "no" is the answer to most.'
)
def _own_class_only(logits, labels, alpha=0.25, gamma=2.0):
    targets, objects = _targets(labels, logits.shape[-1]), labels > 0
    per_item = _weighted(logits, targets, alpha, gamma)
    counted = targets | (labels == 0)[..., None]
    return (per_item * counted).sum() / objects.sum().clamp(min=1)


@mistakes.when("class c is looked for in column c: there is no background column, so it is c - 1.")
def _one_column_off(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = labels[..., None] == torch.arange(logits.shape[-1]), labels >= 0
    return _weighted(logits[keep], targets[keep], alpha, gamma).sum() / _objects(labels)


@mistakes.when("the logarithm is taken of a probability that has rounded to 0: use F.logsigmoid.")
def _log_of_zero(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels >= 0
    targets = _targets(labels, logits.shape[-1])[keep]
    p, t = logits[keep].sigmoid(), targets.to(logits.dtype)
    p_t = p * t + (1 - p) * (1 - t)
    factor = (alpha * t + (1 - alpha) * (1 - t)) * (1 - p_t) ** gamma
    return -(factor * p_t.log()).sum() / _objects(labels)


@mistakes.when("alpha weighs targets 0, and 1 - alpha targets 1: it is the other way round.")
def _alpha_exchanged(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    return _weighted(logits[keep], targets[keep], 1 - alpha, gamma).sum() / _objects(labels)


@mistakes.when(
    "the sum is divided by the number of all anchors that count: it is the number of those with an "
    "object."
)
def _by_anchors(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    return _weighted(logits[keep], targets[keep], alpha, gamma).sum() / keep.sum().clamp(min=1)


@mistakes.when("the sum is not divided: it is divided by the number of anchors with an object.")
def _not_divided(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    return _weighted(logits[keep], targets[keep], alpha, gamma).sum()


@mistakes.when('only targets 1 enter the sum: "no" to a class is an answer that is learned, too.')
def _targets_of_one_only(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    per_item = _weighted(logits[keep], targets[keep], alpha, gamma)
    return (per_item * targets[keep]).sum() / _objects(labels)


@mistakes.when("the classes share a softmax: each has a sigmoid of its own.")
def _softmax(logits, labels, alpha=0.25, gamma=2.0):
    targets, p = _targets(labels, logits.shape[-1]), logits.softmax(-1)
    log_p = torch.where(targets, logits.log_softmax(-1), torch.log1p(1e-7 - p))
    weight = torch.where(targets, alpha * (1 - p) ** gamma, (1 - alpha) * p**gamma)
    return -(weight * log_p)[labels >= 0].sum() / _objects(labels)


@mistakes.when("(1 - p_t)^gamma is cut off from the gradient: the loss is learned through it, too.")
def _factor_detached(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    logits, targets = logits[keep], targets[keep]
    toward = _toward(logits, targets)
    factor = _alpha(targets, alpha, logits) * toward.neg().sigmoid().detach() ** gamma
    return -(factor * F.logsigmoid(toward)).sum() / _objects(labels)


@mistakes.when(
    "the probability is clamped before the logarithm: the loss is cut off there, and its gradient "
    "is 0; use F.logsigmoid."
)
def _clamped(logits, labels, alpha=0.25, gamma=2.0):
    targets, keep = _targets(labels, logits.shape[-1]), labels >= 0
    logits, targets = logits[keep], targets[keep]
    toward = _toward(logits, targets)
    factor = _alpha(targets, alpha, logits) * toward.neg().sigmoid() ** gamma
    return -(factor * toward.sigmoid().clamp(min=1e-7).log()).sum() / _objects(labels)


EXERCISE = Exercise(
    name="focal_loss",
    title="The focal loss",
    points=2,
    reference=focal_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(focal_loss_per_item, sigmoid_focal_loss),
    read="RetinaNet: not listening to the easy ones",
)
