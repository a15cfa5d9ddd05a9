"""Exercise: Mask R-CNN's loss of the masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.detection.masks import mask_loss

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: objects of some classes, soft targets, large logits, no objects."""

    def logits(*shape: int, scale: float = 2.0, dtype: torch.dtype = torch.float32) -> Tensor:
        return (scale * torch.randn(shape, generator=rng, dtype=torch.float64)).to(dtype)

    def mask(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return (torch.rand(shape, generator=rng) < 0.4).to(dtype)

    def soft(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.rand(shape, generator=rng, dtype=torch.float64).to(dtype)

    def labels(num_classes: int, num_objects: int) -> Tensor:
        """Return labels from 1, of as many classes as there can be."""
        classes = torch.arange(num_objects) % (num_classes - 1) + 1
        return classes[torch.randperm(num_objects, generator=rng)]

    def loss(title: str, hint: str, weight: float, **inputs: Any) -> Case:
        return Case(title, {"gradient": False, **inputs}, weight, hint)

    def gradient(title: str, hint: str, weight: float, **inputs: Any) -> Case:
        return Case(title, {"gradient": True, **inputs}, weight, hint)

    signs = 2 * mask(2, 2, 3, 3) - 1
    signs[..., 0, 0] = 1  # so that each mask has a probability that rounds to 1
    return [
        loss(
            "one object",
            "Take channel label - 1 of the object; then the pixels' mean binary cross-entropy.",
            1,
            logits=logits(1, 3, 4, 4),
            labels=torch.tensor([2]),
            targets=mask(1, 4, 4),
        ),
        loss(
            "five objects of three classes",
            "Each object has a channel of its own: logits[torch.arange(R), labels - 1].",
            2,
            logits=logits(5, 3, 4, 4),
            labels=labels(4, 5),
            targets=mask(5, 4, 4),
        ),
        gradient(
            "soft targets: loss and gradient",
            "Targets may lie between 0 and 1. No detach, no item; only the own class's channel has "
            "a gradient, all others have 0.",
            2.5,
            logits=logits(4, 3, 3, 3, dtype=torch.float64),
            labels=labels(4, 4),
            targets=soft(4, 3, 3, dtype=torch.float64),
        ),
        loss(
            "as many objects as classes",
            "logits[:, labels - 1] gives every object the channels of all objects.",
            2,
            logits=logits(3, 3, 5, 5),
            labels=torch.tensor([3, 1, 1]),
            targets=mask(3, 5, 5),
        ),
        loss(
            "a single class",
            "With one channel, every object has it: no squeeze of other dimensions.",
            1,
            logits=logits(4, 1, 3, 3),
            labels=torch.ones(4, dtype=torch.int64),
            targets=mask(4, 3, 3),
        ),
        loss(
            "one object, a mask of a single pixel",
            "R and M may be 1: no squeeze, name the dimensions.",
            0.5,
            logits=logits(1, 3, 1, 1),
            labels=torch.tensor([2]),
            targets=mask(1, 1, 1),
        ),
        loss(
            "soft targets, float64",
            "Targets between 0 and 1, and float64: the result is as precise as the logits.",
            2,
            logits=logits(3, 2, 4, 4, dtype=torch.float64),
            labels=labels(3, 3),
            targets=soft(3, 4, 4, dtype=torch.float64),
        ),
        gradient(
            "logits of a thousand: loss and gradient",
            "log(sigmoid(x)) is log(0) far from 0: F.binary_cross_entropy_with_logits is safe.",
            2.5,
            logits=1000 * signs + logits(2, 2, 3, 3),
            labels=torch.tensor([2, 1]),
            targets=mask(2, 3, 3),
        ),
        gradient(
            "logits of about thirty: loss and gradient",
            "log(1 - p) is log(0) as soon as p rounds to 1: log(1 - sigmoid(x)) = logsigmoid(-x).",
            2.5,
            logits=30 * signs + logits(2, 2, 3, 3),
            labels=torch.tensor([1, 2]),
            targets=mask(2, 3, 3),
        ),
        gradient(
            "no objects: loss and gradient",
            "The mean of nothing is NaN; the loss is 0. It still depends on the logits: no bare "
            "`return 0`.",
            1.5,
            logits=torch.zeros(0, 3, 4, 4),
            labels=torch.zeros(0, dtype=torch.int64),
            targets=torch.zeros(0, 4, 4),
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the loss and, where a case asks for it, its gradient with respect to the logits."""
    logits = inputs["logits"].requires_grad_()
    given = {"logits": logits, "labels": inputs["labels"], "targets": inputs["targets"]}
    handed = {name: each.clone() for name, each in given.items()}  # no leaves
    loss = as_tensor(implementation(*handed.values()), "the loss")
    require_unchanged(given, handed)
    answer = {"the loss": loss.detach()}
    if inputs["gradient"]:
        answer |= gradients("the loss", loss, torch.ones((), dtype=logits.dtype), logits=logits)
    return answer


def _own(logits: Tensor, labels: Tensor) -> Tensor:
    return logits[torch.arange(len(labels)), labels - 1]


def _divided(summed: Tensor, number: int) -> Tensor:
    return summed / max(number, 1)


@mistakes.when("every class's mask is punished: only that of the object's own class is looked at.")
def _every_channel(logits, labels, targets):
    own = F.one_hot(labels - 1, logits.shape[1])[:, :, None, None]
    loss = F.binary_cross_entropy_with_logits(logits, own * targets[:, None], reduction="sum")
    return _divided(loss, logits.numel())


@mistakes.when("softmax makes the classes compete for pixels: each mask is a sigmoid of its own.")
def _softmax(logits, labels, targets):
    log_p = _own(logits.log_softmax(1), labels)
    log_rest = (1 - log_p.exp()).clamp(min=1e-12).log()
    return _divided(-(targets * log_p + (1 - targets) * log_rest).sum(), targets.numel())


@mistakes.when("the pixels are summed up: the mean runs over objects and pixels.")
def _per_object(logits, labels, targets):
    own = _own(logits, labels)
    loss = F.binary_cross_entropy_with_logits(own, targets, reduction="sum")
    return _divided(loss, len(labels))


@mistakes.when(
    "only the object's own pixels count: pixels that are not object must be learned, too."
)
def _object_pixels_only(logits, labels, targets):
    loss = -(targets * F.logsigmoid(_own(logits, labels))).sum()
    return _divided(loss, targets.numel())


@mistakes.when("each object gets the channels of all objects: logits[:, labels - 1] does that.")
def _every_object(logits, labels, targets):
    own = logits[:, labels - 1]  # (R, R, M, M)
    truth = targets.expand(own.shape)
    loss = F.binary_cross_entropy_with_logits(own, truth, reduction="sum")
    return _divided(loss, own.numel())


@mistakes.when(
    "class c is looked for in channel c: there is no background channel, so it is c - 1."
)
def _background_first(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels % logits.shape[1]]
    loss = F.binary_cross_entropy_with_logits(own, targets, reduction="sum")
    return _divided(loss, own.numel())


@mistakes.when(
    "the logarithm is taken of a probability that has rounded to 0: "
    "use F.logsigmoid, or F.binary_cross_entropy_with_logits."
)
def _log_of_zero(logits, labels, targets):
    p = _own(logits, labels).sigmoid()
    loss = targets * p.log() + (1 - targets) * (1 - p).log()
    return _divided(-loss.sum(), targets.numel())


@mistakes.when("the losses of all channels are summed up: only the own class's counts.")
def _channels_summed(logits, labels, targets):
    return logits.shape[1] * _every_channel(logits, labels, targets)


@mistakes.when("every channel gets the object's mask: only that of its own class does.")
def _mask_in_every_channel(logits, labels, targets):
    truth = targets[:, None].expand(logits.shape)
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return _divided(loss, logits.numel())


@mistakes.when("everything is summed up: it is the mean over objects and pixels.")
def _summed(logits, labels, targets):
    return F.binary_cross_entropy_with_logits(_own(logits, labels), targets, reduction="sum")


@mistakes.when("a sigmoid is taken twice: F.binary_cross_entropy_with_logits takes one itself.")
def _sigmoid_twice(logits, labels, targets):
    p = _own(logits, labels).sigmoid()
    loss = F.binary_cross_entropy_with_logits(p, targets, reduction="sum")
    return _divided(loss, targets.numel())


@mistakes.when("the targets are made 0 or 1: they may lie between, and count as they are.")
def _hard_targets(logits, labels, targets):
    own, truth = _own(logits, labels), (targets > 0.5).to(logits.dtype)
    loss = F.binary_cross_entropy_with_logits(own, truth, reduction="sum")
    return _divided(loss, targets.numel())


@mistakes.when(
    "the cross-entropy is computed from probabilities that were rounded to 0 or 1: "
    "use F.binary_cross_entropy_with_logits."
)
def _from_probabilities(logits, labels, targets):
    loss = F.binary_cross_entropy(_own(logits, labels).sigmoid(), targets, reduction="sum")
    return _divided(loss, targets.numel())


@mistakes.when(
    "the probability is clamped before the logarithm: the loss is cut off there, and its gradient "
    "is 0; use F.binary_cross_entropy_with_logits."
)
def _clamped(logits, labels, targets):
    p = _own(logits, labels).sigmoid().clamp(1e-7, 1 - 1e-7)
    loss = targets * p.log() + (1 - targets) * (1 - p).log()
    return _divided(-loss.sum(), targets.numel())


EXERCISE = Exercise(
    name="mask_loss",
    title="The loss of a mask",
    points=1,
    reference=mask_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Mask R-CNN: a mask for each box",
)
