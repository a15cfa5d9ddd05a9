"""Exercise: the soft Dice loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import dice_loss

VOID = 255
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: logits and targets, ignored pixels, large logits, gradients."""

    def logits(*shape: int, scale: float = 2.0, dtype: torch.dtype = torch.float32) -> Tensor:
        return (scale * torch.randn(shape, generator=rng, dtype=torch.float64)).to(dtype)

    def labels(num_classes: int, *shape: int) -> Tensor:
        return torch.randint(num_classes, shape, generator=rng)

    def with_void(target: Tensor, value: int) -> Tensor:
        void = torch.rand(target.shape, generator=rng) < 0.4
        void.flatten()[0] = True
        return target.masked_fill(void, value)

    def loss(title: str, hint: str, weight: float, **inputs: Any) -> Case:
        return Case(title, {"gradient": False, **inputs}, weight, hint)

    def gradient(title: str, hint: str, weight: float, **inputs: Any) -> Case:
        return Case(title, {"gradient": True, **inputs}, weight, hint)

    easy = labels(2, 1, 4, 4)  # the second image of this batch is much harder than the first
    hard = torch.cat([easy, 1 - easy])
    around_a_thousand = logits(1, 1, 4, 4, scale=1000.0) + logits(1, 3, 4, 4)
    return [
        loss(
            "a batch of two images, three classes",
            "Softmax over dimension 1, one-hot target; for each class, "
            "(2·Σpt + smooth) / (Σp + Σt + smooth); then 1 − their mean.",
            2,
            logits=logits(2, 3, 4, 5),
            target=labels(3, 2, 4, 5),
        ),
        loss(
            "an easy and a hard image in one batch",
            "Each class's sums run over the whole batch, not over one image at a time.",
            1,
            logits=6 * F.one_hot(easy.expand(2, 4, 4), 2).permute(0, 3, 1, 2).float(),
            target=hard.clone(),
        ),
        loss(
            "one image, float64, not square",
            "New here: float64 and four classes; the result is as precise as the logits.",
            1,
            logits=logits(1, 4, 3, 7, dtype=torch.float64),
            target=labels(4, 1, 3, 7),
        ),
        loss(
            "two images of a single row",
            "Heights and widths may be 1: no squeeze, name the dimensions of the sums.",
            1,
            logits=logits(2, 3, 1, 6),
            target=labels(3, 2, 1, 6),
        ),
        loss(
            "a class that never occurs",
            "The mean runs over all C classes, those that do not occur included.",
            1,
            logits=logits(2, 5, 4, 4),
            target=labels(3, 2, 4, 4),
        ),
        gradient(
            "another smooth: loss and gradient",
            "`smooth`, not 1, is added to the numerator and to the denominator.",
            13,
            logits=logits(1, 3, 3, 3),
            target=labels(3, 1, 3, 3),
            smooth=2.5,
        ),
        loss(
            "ignored pixels are marked 255",
            "An ignored pixel enters no sum: neither p·t nor p nor t.",
            1,
            logits=logits(2, 3, 5, 4),
            target=with_void(labels(3, 2, 5, 4), VOID),
            ignore_index=VOID,
        ),
        loss(
            "ignored pixels are marked -1",
            "ignore_index may be any integer; put a class in its place before one_hot.",
            1,
            logits=logits(1, 3, 5, 5),
            target=with_void(labels(3, 1, 5, 5), -1),
            ignore_index=-1,
        ),
        gradient(
            "class 0 is ignored: loss and gradient",
            "ignore_index may be a class, and 0 is a value like any other: compare with None.",
            13,
            logits=logits(2, 3, 4, 4),
            target=with_void(labels(3, 2, 4, 4), 0),
            ignore_index=0,
        ),
        loss(
            "a class in the middle is ignored",
            "Pixels of an ignored class enter no sum; the mean still runs over all C classes.",
            1,
            logits=logits(2, 4, 4, 4),
            target=with_void(labels(4, 2, 4, 4), 2),
            ignore_index=2,
        ),
        gradient(
            "every pixel is ignored: loss and gradient",
            "With empty sums, each class's Dice is smooth / smooth = 1. The loss still depends on "
            "the logits, if only with a gradient of 0: no bare `return 0`.",
            1,
            logits=logits(1, 3, 2, 3),
            target=torch.full((1, 2, 3), VOID),
            ignore_index=VOID,
        ),
        gradient(
            "logits of a thousand: loss and gradient",
            "exp(1000) overflows: `softmax` is safe, your own exp / sum is not.",
            13,
            logits=torch.cat([logits(1, 3, 4, 4, scale=1000.0), around_a_thousand]),
            target=labels(3, 2, 4, 4),
        ),
        gradient(
            "the gradient",
            "The loss must be differentiable: probabilities, no argmax, no detach, no item.",
            1,
            logits=logits(2, 3, 3, 4, dtype=torch.float64),
            target=labels(3, 2, 3, 4),
        ),
        gradient(
            "the gradient, with ignored pixels",
            "Ignored pixels have no influence, so their gradient is 0.",
            2,
            logits=logits(2, 3, 3, 3, dtype=torch.float64),
            target=with_void(labels(3, 2, 3, 3), VOID),
            ignore_index=VOID,
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the loss and, where a case asks for it, its gradient with respect to the logits."""
    options = {name: inputs[name] for name in ("ignore_index", "smooth") if name in inputs}
    logits = inputs["logits"].requires_grad_()
    handed = logits.clone()  # no leaf, as a network's output is none
    loss = as_tensor(implementation(handed, inputs["target"], **options), "the loss")
    require_unchanged({"logits": logits}, {"logits": handed})
    answer = {"the loss": loss.detach()}
    if inputs["gradient"]:
        answer |= gradients("the loss", loss, torch.ones((), dtype=logits.dtype), logits=logits)
    return answer


def _parts(probs: Tensor, target: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    keep = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        keep = target != ignore_index
    one_hot = F.one_hot(target.where(keep, 0), probs.shape[1]).movedim(-1, 1)
    keep = keep.unsqueeze(1)
    return probs * keep, one_hot * keep


def _sums(values: Tensor) -> Tensor:
    return values.sum(dim=(0, 2, 3))


def _whole(probs: Tensor, one_hot: Tensor, smooth: float) -> Tensor:
    return (2 * _sums(probs * one_hot) + smooth) / (_sums(probs) + _sums(one_hot) + smooth)


def _loss(probs: Tensor, target: Tensor, ignore_index: int | None, smooth: float) -> Tensor:
    return 1 - _whole(*_parts(probs, target, ignore_index), smooth).mean()


@mistakes.when("the Dice coefficient itself is returned: the loss is 1 minus it.")
def _coefficient(logits, target, ignore_index=None, smooth=1.0):
    return _whole(*_parts(logits.softmax(1), target, ignore_index), smooth).mean()


@mistakes.when(
    "sigmoid is used: the classes exclude each other, so it is softmax over dimension 1."
)
def _sigmoid(logits, target, ignore_index=None, smooth=1.0):
    return _loss(logits.sigmoid(), target, ignore_index, smooth)


@mistakes.when("argmax is used instead of probabilities: nothing can be learned through an argmax.")
def _hard(logits, target, ignore_index=None, smooth=1.0):
    probs = F.one_hot(logits.argmax(1), logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    return _loss(probs, target, ignore_index, smooth)


@mistakes.when("each image gets a Dice of its own: the sums run over the whole batch.")
def _per_image(logits, target, ignore_index=None, smooth=1.0):
    probs, one_hot = _parts(logits.softmax(1), target, ignore_index)
    overlap = 2 * (probs * one_hot).sum((2, 3)) + smooth
    return 1 - (overlap / (probs.sum((2, 3)) + one_hot.sum((2, 3)) + smooth)).mean()


@mistakes.when("all classes share one fraction: each class has its own, and then comes the mean.")
def _one_fraction(logits, target, ignore_index=None, smooth=1.0):
    probs, one_hot = _parts(logits.softmax(1), target, ignore_index)
    overlap = 2 * (probs * one_hot).sum() + smooth
    return 1 - overlap / (probs.sum() + one_hot.sum() + smooth)


@mistakes.when("ignored pixels still enter the sum of the probabilities in the denominator.")
def _half_ignored(logits, target, ignore_index=None, smooth=1.0):
    probs = logits.softmax(1)
    _, one_hot = _parts(probs, target, ignore_index)
    return 1 - _whole(probs, one_hot, smooth).mean()


@mistakes.when("`smooth` stands in the denominator only: the numerator gets it, too.")
def _smooth_below_only(logits, target, ignore_index=None, smooth=1.0):
    probs, one_hot = _parts(logits.softmax(1), target, ignore_index)
    overlap = 2 * _sums(probs * one_hot)
    return 1 - (overlap / (_sums(probs) + _sums(one_hot) + smooth)).mean()


@mistakes.when("the factor 2 in the numerator is missing.")
def _factor_missing(logits, target, ignore_index=None, smooth=1.0):
    probs, one_hot = _parts(logits.softmax(1), target, ignore_index)
    overlap = _sums(probs * one_hot) + smooth
    return 1 - (overlap / (_sums(probs) + _sums(one_hot) + smooth)).mean()


@mistakes.when(
    "the summands of the denominator are squared, as in V-Net: in this loss they are not."
)
def _squares(logits, target, ignore_index=None, smooth=1.0):
    probs, one_hot = _parts(logits.softmax(1), target, ignore_index)
    overlap = 2 * _sums(probs * one_hot) + smooth
    return 1 - (overlap / (_sums(probs**2) + _sums(one_hot**2) + smooth)).mean()


@mistakes.when("the softmax runs over the last dimension, the width: the classes are dimension 1.")
def _softmax_over_width(logits, target, ignore_index=None, smooth=1.0):
    return _loss(logits.softmax(-1), target, ignore_index, smooth)


@mistakes.when(
    "the softmax is written as exp(s) / Σ exp(s), which overflows for large logits: "
    "`logits.softmax(dim=1)` does not."
)
def _overflows(logits, target, ignore_index=None, smooth=1.0):
    return _loss(logits.exp() / logits.exp().sum(1, keepdim=True), target, ignore_index, smooth)


@mistakes.when(
    "the code asks `if ignore_index:`, which is false for class 0; "
    "ask `if ignore_index is not None:`."
)
def _zero_is_false(logits, target, ignore_index=None, smooth=1.0):
    return _loss(logits.softmax(1), target, ignore_index or None, smooth)


@mistakes.when("1 is added above and below whatever `smooth` says.")
def _smooth_is_one(logits, target, ignore_index=None, smooth=1.0):
    return _loss(logits.softmax(1), target, ignore_index, 1.0)


@mistakes.when("classes that do not occur are left out of the mean: it runs over all C classes.")
def _only_classes_present(logits, target, ignore_index=None, smooth=1.0):
    probs, one_hot = _parts(logits.softmax(1), target, ignore_index)
    present = _sums(one_hot) > 0
    return 1 - _whole(probs, one_hot, smooth)[present].mean() if present.any() else 0 * logits.sum()


@mistakes.when("class 0, the background, is left out of the mean: it is a class like the others.")
def _without_background(logits, target, ignore_index=None, smooth=1.0):
    return 1 - _whole(*_parts(logits.softmax(1), target, ignore_index), smooth)[1:].mean()


@mistakes.when("the loss is cut off from the logits (`.item()`, `.detach()`): nothing is learned.")
def _detached(logits, target, ignore_index=None, smooth=1.0):
    return _loss(logits.softmax(1), target, ignore_index, smooth).detach()


EXERCISE = Exercise(
    name="dice_loss",
    title="The soft Dice loss",
    points=3,
    reference=dice_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Losses: what may a network be punished for?",
)
