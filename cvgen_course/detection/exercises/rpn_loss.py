"""Exercise: the two losses of a region proposal network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.rpn import RegionProposalNetwork

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.detection.rpn_loss import rpn_loss

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: sampled anchors and others, one kind missing, sure answers."""

    def ask(
        num_anchors: int,
        objects: tuple[int, ...],
        background: tuple[int, ...],
        dtype: torch.dtype = torch.float32,
        **options: Any,
    ) -> dict[str, Any]:
        """Return a batch with so many objects and so much background in each image; the rest -1."""
        shape = (len(objects), num_anchors)
        rank = torch.rand(shape, generator=rng).argsort(dim=1)
        num_objects, num_background = torch.tensor(objects)[:, None], torch.tensor(background)
        labels = (rank < num_objects).long() - (
            rank >= num_objects + num_background[:, None]
        ).long()
        deltas = torch.randn(*shape, 4, generator=rng, dtype=torch.float64)
        # one small difference in each box, and three of all sizes
        scale = torch.rand(*shape, 4, generator=rng, dtype=torch.float64)
        scale[..., 0] = 0.05
        error = scale * torch.randn(*shape, 4, generator=rng, dtype=torch.float64)
        far = 3 * torch.randn(*shape, 4, generator=rng, dtype=torch.float64)  # where nothing is
        target_deltas = torch.where(labels[..., None] == 1, deltas + error, far)
        return {
            "logits": (2 * torch.randn(shape, generator=rng, dtype=torch.float64)).to(dtype),
            "deltas": deltas.to(dtype),
            "labels": labels,
            "target_deltas": target_deltas.to(dtype),
            "gradient": False,
            **options,
        }

    unknown = ask(10, (2, 3), (4, 2), gradient=True)
    no_object = ask(8, (0, 0), (3, 4), gradient=True)
    nothing = ask(5, (0,), (0,), gradient=True)
    for inputs in (unknown, no_object, nothing):
        inputs["target_deltas"][inputs["labels"] != 1] = torch.nan
    large = ask(6, (3,), (3,), gradient=True)
    signs = torch.tensor([[1.0, -1, 1, -1, 1, -1]])
    large["labels"] = torch.tensor([[1, 1, 0, 0, 1, 0]])
    sure = {**ask(6, (3,), (2,), gradient=True), "labels": torch.tensor([[0, 1, 0, 1, 1, -1]])}
    for inputs, size in ((large, 1000), (sure, 120)):
        inputs["logits"] = size * signs + inputs["logits"]
    return [
        Case(
            "one image, every anchor was sampled",
            ask(8, (3,), (5,)),
            weight=2,
            hint="Divide both sums by the number of sampled anchors, and sum over a box's 4 "
            "numbers.",
        ),
        Case(
            "one image, some anchors were not sampled",
            ask(12, (3,), (4,)),
            weight=2,
            hint="Anchors labelled -1 enter no sum and no number of anchors.",
        ),
        Case(
            "two images, sampled unequally",
            ask(12, (5, 1), (5, 2)),
            weight=2,
            hint="One sum and one number of sampled anchors for the whole batch, not for an image.",
        ),
        Case(
            "another beta",
            ask(9, (4, 2), (3, 3), beta=0.4),
            weight=2,
            hint="beta is 0.4 here: a difference x costs x² / (2 beta) where |x| < beta, and "
            "|x| - beta / 2 elsewhere.",
        ),
        Case(
            "float64",
            ask(7, (2, 2), (4, 1), dtype=torch.float64),
            weight=1,
            hint="The results are as precise as the logits and deltas.",
        ),
        Case(
            "the gradients",
            ask(9, (3, 1), (2, 4), dtype=torch.float64, gradient=True),
            weight=3,
            hint="Both losses must be differentiable: no detach, no item, no numpy on the way.",
        ),
        Case(
            "target_deltas are NaN where there is no object",
            unknown,
            weight=4.5,
            hint="0 · NaN is NaN, and torch.where after the loss leaves NaN in the gradient: take "
            "deltas[labels == 1] first.",
        ),
        Case(
            "logits of a thousand: losses and gradients",
            large,
            weight=3.75,
            hint="log(sigmoid(x)) breaks down for such x; F.binary_cross_entropy_with_logits "
            "doesn't.",
        ),
        Case(
            "logits of about 120: losses and gradients",
            sure,
            weight=3.75,
            hint="sigmoid(120) is rounded to 1, and 1 - 1 has no logarithm: compute with logits.",
        ),
        Case(
            "no object: losses and gradients",
            no_object,
            weight=1.5,
            hint="Without objects the regression is 0, with a gradient of 0: a sum over nothing, "
            "no mean. (Targets are NaN here.)",
        ),
        Case(
            "no background: losses and gradients",
            ask(6, (4,), (0,), gradient=True),
            weight=1,
            hint="Objects alone can be sampled, too.",
        ),
        Case(
            "a single anchor was sampled",
            ask(4, (1,), (0,)),
            weight=1,
            hint="One anchor is divided by 1.",
        ),
        Case(
            "nothing was sampled: losses and gradients",
            nothing,
            weight=1.5,
            hint="Then both are 0, with gradients of 0: divide by 1 at least, and no bare "
            "`return 0`.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return both losses and, where a case asks for it, the gradient of each."""
    options = {"beta": inputs["beta"]} if "beta" in inputs else {}
    leaves = {name: inputs[name].requires_grad_() for name in ("logits", "deltas")}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as a network's outputs
    pair = implementation(
        handed["logits"], handed["deltas"], inputs["labels"], inputs["target_deltas"], **options
    )
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two losses: return objectness, regression")
    require_unchanged(leaves, handed)
    answer = {}
    for name, part, loss in zip(("objectness", "regression"), leaves, pair, strict=True):
        loss = as_tensor(loss, name)
        answer[name] = loss.detach()
        if inputs["gradient"]:
            one = torch.ones((), dtype=leaves[part].dtype)
            found = gradients(name, loss, one, **{part: leaves[part]})
            answer |= {f"{key} through {name}": value for key, value in found.items()}
    return answer


def _both(objectness: Tensor, regression: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    return objectness / count.clamp(min=1), regression / count.clamp(min=1)


def _objectness(logits: Tensor, labels: Tensor) -> Tensor:
    sampled = labels >= 0
    targets = labels[sampled].to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits[sampled], targets, reduction="sum")


def _regression(deltas: Tensor, target_deltas: Tensor, chosen: Tensor, beta: float) -> Tensor:
    return F.smooth_l1_loss(deltas[chosen], target_deltas[chosen], beta=beta, reduction="sum")


@mistakes.when(
    "the regression is divided by the number of objects: "
    "it is the number of sampled anchors, as for the objectness."
)
def _boxes_by_objects(logits, deltas, labels, target_deltas, beta=1 / 9):
    objectness = _objectness(logits, labels) / (labels >= 0).sum().clamp(min=1)
    regression = _regression(deltas, target_deltas, labels == 1, beta)
    return objectness, regression / (labels == 1).sum().clamp(min=1)


@mistakes.when("the mean is taken over a box's four numbers: they are summed.")
def _mean_of_four(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = _regression(deltas, target_deltas, labels == 1, beta) / 4
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when("background has a regression loss, too: where there is no object, no box is wanted.")
def _boxes_of_background(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = _regression(deltas, target_deltas, labels >= 0, beta)
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when("anchors labelled -1 are taken for background.")
def _unsampled_is_background(logits, deltas, labels, target_deltas, beta=1 / 9):
    labels = labels.clamp(min=0)
    regression = _regression(deltas, target_deltas, labels == 1, beta)
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when(
    "the sums are divided by the number of all anchors: it is the number of sampled ones."
)
def _divided_by_all(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = _regression(deltas, target_deltas, labels == 1, beta)
    count = torch.tensor(labels.numel())
    return _both(_objectness(logits, labels), regression, count)


@mistakes.when("the Huber loss is used: it is beta times the smooth L1 loss.")
def _huber(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = beta * _regression(deltas, target_deltas, labels == 1, beta)
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when("the parabola ends at 1, PyTorch's default: it ends at `beta`.")
def _beta_of_one(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = _regression(deltas, target_deltas, labels == 1, 1.0)
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when(
    "the cross-entropy is computed from probabilities that were rounded to 0 or 1: "
    "use F.binary_cross_entropy_with_logits."
)
def _from_probabilities(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled = labels >= 0
    targets = labels[sampled].to(logits.dtype)
    objectness = F.binary_cross_entropy(logits[sampled].sigmoid(), targets, reduction="sum")
    regression = _regression(deltas, target_deltas, labels == 1, beta)
    return _both(objectness, regression, sampled.sum())


@mistakes.when(
    "the logarithm is taken of a probability that was rounded to 0: "
    "F.binary_cross_entropy_with_logits computes with the logits."
)
def _log_of_zero(logits, deltas, labels, target_deltas, beta=1 / 9):
    p, t = logits[labels >= 0].sigmoid(), labels[labels >= 0]
    objectness = -(t * p.log() + (1 - t) * (1 - p).log()).sum()
    regression = _regression(deltas, target_deltas, labels == 1, beta)
    return _both(objectness, regression, (labels >= 0).sum())


@mistakes.when(
    "PyTorch's default, the mean, is taken of both losses: sum them, and divide both by the number "
    "of sampled anchors."
)
def _default_means(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, positive = labels >= 0, labels == 1
    targets = labels[sampled].to(logits.dtype)
    objectness = F.binary_cross_entropy_with_logits(logits[sampled], targets)
    return objectness, F.smooth_l1_loss(deltas[positive], target_deltas[positive], beta=beta)


@mistakes.when("the results come in the wrong order: return objectness, regression.")
def _exchanged(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = _regression(deltas, target_deltas, labels == 1, beta)
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())[::-1]


@mistakes.when(
    "each image has a mean of its own: there is one sum and one number of anchors for the batch."
)
def _mean_of_images(*batch, beta=1 / 9):
    losses = []
    for logits, deltas, labels, targets in zip(*batch, strict=True):
        regression = _regression(deltas, targets, labels == 1, beta)
        losses.append(_both(_objectness(logits, labels), regression, (labels >= 0).sum()))
    return tuple(torch.stack(each).mean() for each in zip(*losses, strict=True))


@mistakes.when("a difference costs its absolute value: the smooth L1 loss is a parabola near 0.")
def _plain_l1(logits, deltas, labels, target_deltas, beta=1 / 9):
    regression = (deltas - target_deltas)[labels == 1].abs().sum()
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when(
    "the losses of anchors without an object are multiplied by 0: 0 · NaN is NaN, so leave these "
    "anchors out before the loss."
)
def _times_zero(logits, deltas, labels, target_deltas, beta=1 / 9):
    each = F.smooth_l1_loss(deltas, target_deltas, beta=beta, reduction="none")
    regression = (each * (labels == 1)[..., None]).sum()
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


@mistakes.when(
    "torch.where comes after the loss: the gradient is NaN where a target is; leave anchors "
    "without an object out before the loss."
)
def _where_after_the_loss(logits, deltas, labels, target_deltas, beta=1 / 9):
    each = F.smooth_l1_loss(deltas, target_deltas, beta=beta, reduction="none")
    regression = torch.where((labels == 1)[..., None], each, 0).sum()
    return _both(_objectness(logits, labels), regression, (labels >= 0).sum())


EXERCISE = Exercise(
    name="rpn_loss",
    title="The losses of a region proposal network",
    points=2,
    reference=rpn_loss,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(RegionProposalNetwork.compute_loss,),
    read="The region proposal network",
)
