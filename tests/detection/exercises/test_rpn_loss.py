import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchvision.models.detection.rpn import RegionProposalNetwork

from cvgen_course.detection.exercises.rpn_loss import EXERCISE


def loop_over_anchors(logits, deltas, labels, target_deltas, beta=1 / 9):
    objectness, regression, num_sampled = 0 * logits.sum(), 0 * deltas.sum(), 0
    for n, a in (labels >= 0).nonzero().tolist():
        num_sampled += 1
        sign = 1 if labels[n, a] == 1 else -1
        objectness = objectness - F.logsigmoid(sign * logits[n, a])
        if labels[n, a] == 1:
            for k in range(4):
                x = (deltas[n, a, k] - target_deltas[n, a, k]).abs()
                regression = regression + (x**2 / (2 * beta) if x < beta else x - beta / 2)
    return objectness / max(num_sampled, 1), regression / max(num_sampled, 1)


def torchs_losses_with_masks(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled, positive = labels != -1, labels == 1
    number = max(int(sampled.sum()), 1)
    objectness = F.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0).to(logits.dtype), reduction="none"
    )
    regression = F.smooth_l1_loss(
        deltas, target_deltas.where(positive[..., None], 0.0), reduction="none", beta=beta
    )
    objectness = objectness.where(sampled, 0.0).sum() / number
    return objectness, (regression * positive[..., None]).sum() / number


def means_of_what_is_there(logits, deltas, labels, target_deltas, beta=1 / 9):
    sampled = labels >= 0
    if not sampled.any():
        return [logits.sum() * 0, deltas.sum() * 0]
    objectness = F.binary_cross_entropy_with_logits(logits[sampled], labels[sampled].to(logits))
    of_boxes = F.huber_loss(
        deltas[labels > 0], target_deltas[labels > 0], delta=beta, reduction="sum"
    )
    return [objectness, of_boxes / beta / sampled.sum()]


def softplus_and_where(logits, deltas, labels, target_deltas, beta=1 / 9):
    number = (labels >= 0).sum().clamp(min=1)
    logits = logits.double()
    objectness = F.softplus(logits) - labels * logits  # log(1 + e^x) - y x
    x = (deltas - target_deltas)[labels == 1].double()
    x = torch.where(x.abs() < beta, x**2 / (2 * beta), x.abs() - beta / 2)
    return objectness[labels >= 0].sum() / number, x.sum() / number


class ByHand(torch.autograd.Function):
    """Values and gradients in NumPy."""

    @staticmethod
    def forward(ctx, logits, deltas, labels, target_deltas, beta):
        x, y, d = logits.numpy(), labels.numpy(), (deltas - target_deltas).numpy()
        weight = (y >= 0) / max((y >= 0).sum(), 1)
        objectness = (weight * (np.logaddexp(0, x) - (y == 1) * x)).sum()
        d = np.where((y == 1)[..., None], d, 0)
        smooth = np.where(np.abs(d) < beta, d**2 / (2 * beta), np.abs(d) - beta / 2)
        regression = (weight[..., None] * smooth).sum()
        slopes = (
            weight * (np.exp(-np.logaddexp(0, -x)) - (y == 1)),
            weight[..., None] * np.clip(d / beta, -1, 1),
        )
        ctx.save_for_backward(*(torch.from_numpy(s).to(logits.dtype) for s in slopes))
        return tuple(torch.tensor(v, dtype=logits.dtype) for v in (objectness, regression))

    @staticmethod
    def backward(ctx, of_objectness, of_regression):
        of_logits, of_deltas = ctx.saved_tensors
        return of_objectness * of_logits, of_regression * of_deltas, None, None, None


def by_hand(logits, deltas, labels, target_deltas, beta=1 / 9):
    return ByHand.apply(logits, deltas, labels, target_deltas, beta)


def varied(**changes):
    """Return the right losses, with parts of them replaced."""

    def answer(logits, deltas, labels, target_deltas, beta=1 / 9):
        sampled = changes.get("sampled", lambda y: y >= 0)(labels)
        positive = changes.get("positive", lambda y: y == 1)(labels)
        number = changes.get("number", lambda s, p: s.sum().clamp(min=1))(sampled, positive)
        x = changes.get("logits", lambda x: x)(logits[sampled])
        cross_entropy = changes.get("cross_entropy", F.binary_cross_entropy_with_logits)
        objectness = cross_entropy(x, positive[sampled].to(x.dtype), reduction="sum") / number
        smooth = changes.get("smooth", F.smooth_l1_loss)
        d, t = deltas[positive], target_deltas[positive]
        regression = smooth(d, t, beta=beta, reduction="sum") / number
        return changes.get("end", lambda *both: both)(objectness, regression)

    return answer


def own_log(x, y, reduction):
    return -(y * x.sigmoid().log() + (1 - y) * (1 - x.sigmoid()).log()).sum()


def epsilon(x, y, reduction):
    return -(y * (x.sigmoid() + 1e-8).log() + (1 - y) * (1 - x.sigmoid() + 1e-8).log()).sum()


def without_offset(d, t, beta, reduction):
    x = (d - t).abs()
    return torch.where(x < beta, x**2 / (2 * beta), x).sum()


def without_half(d, t, beta, reduction):
    x = (d - t).abs()
    return torch.where(x < beta, x**2 / beta, x - beta / 2).sum()


def beta_inverted(d, t, beta, reduction):
    return F.smooth_l1_loss(d, t, beta=1 / beta, reduction="sum")


WRONG_PARTS = {
    "own logarithm": {"cross_entropy": own_log},
    "epsilon": {"cross_entropy": epsilon},
    "L1": {"smooth": lambda d, t, beta, reduction: (d - t).abs().sum()},
    "L2": {"smooth": lambda d, t, beta, reduction: ((d - t) ** 2).sum()},
    "without offset": {"smooth": without_offset},
    "without half": {"smooth": without_half},
    "beta inverted": {"smooth": beta_inverted},
    "a ninth": {"smooth": lambda d, t, beta, **sums: F.smooth_l1_loss(d, t, beta=1 / 9, **sums)},
    "sum for difference": {"smooth": lambda d, t, **rest: F.smooth_l1_loss(d, -t, **rest)},
    "mean": {"smooth": lambda d, t, beta, reduction: F.smooth_l1_loss(d, t, beta=beta)},
    "no clamp": {"number": lambda s, p: s.sum()},
    "not divided": {"number": lambda s, p: 1},
    "by objects": {"number": lambda s, p: p.sum().clamp(min=1)},
    "by images": {"number": lambda s, p: len(s)},
    "two at least": {"number": lambda s, p: s.sum().clamp(min=2)},
    "unsampled too": {"sampled": lambda y: y < 2},
    "objects only": {"sampled": lambda y: y > 0},
    "all boxes": {"positive": lambda y: y >= 0},
    "boxes of background": {"positive": lambda y: y == 0},
    "unsampled boxes too": {"positive": lambda y: y != 0},
    "float32 on the way": {"logits": torch.Tensor.float},
    "logits negated": {"logits": torch.neg},
    "sigmoid twice": {"logits": torch.sigmoid},
    "the sum of both": {"end": lambda o, r: o + r},
    "exchanged": {"end": lambda o, r: (r, o)},
    "objectness detached": {"end": lambda o, r: (o.detach(), r)},
    "regression detached": {"end": lambda o, r: (o, r.detach())},
    "numbers": {"end": lambda o, r: (o.item(), r.item())},
    "a weight of ten": {"end": lambda o, r: (o, 10 * r)},
    "three results": {"end": lambda o, r: (o, r, o + r)},
    "a dictionary": {"end": lambda o, r: {"objectness": o, "regression": r}},
}


def multiplied_with_masks(logits, deltas, labels, target_deltas, beta=1 / 9):
    smooth = F.smooth_l1_loss(deltas, target_deltas, reduction="none", beta=beta)
    number = (labels >= 0).sum().clamp(min=1)
    objectness, _ = varied()(logits, deltas, labels, target_deltas, beta)
    return objectness, (smooth * (labels == 1)[..., None]).sum() / number


def mean_of_images(*batch, beta=1 / 9):
    losses = [varied()(*(x[None] for x in each), beta) for each in zip(*batch, strict=True)]
    return [torch.stack(each).mean() for each in zip(*losses, strict=True)]


def nothing_sampled_is_nothing_lost(logits, deltas, labels, target_deltas, beta=1 / 9):
    if (labels < 0).all():
        return 0.0, 0.0
    return varied()(logits, deltas, labels, target_deltas, beta)


def no_object_is_nothing_lost(logits, deltas, labels, target_deltas, beta=1 / 9):
    if (labels < 1).all():
        return logits.sum() * 0, deltas.sum() * 0
    return varied()(logits, deltas, labels, target_deltas, beta)


def changes_logits_in_place(logits, deltas, labels, target_deltas, beta=1 / 9):
    logits *= labels >= 0
    return varied()(logits, deltas, labels, target_deltas, beta)


def changes_labels_in_place(logits, deltas, labels, target_deltas, beta=1 / 9):
    losses = varied()(logits, deltas, labels, target_deltas, beta)
    labels.clamp_(min=0)
    return losses


RIGHT = [
    *(loop_over_anchors, torchs_losses_with_masks, means_of_what_is_there, softplus_and_where),
    *(by_hand, varied()),
]
WRONG = [
    *(multiplied_with_masks, mean_of_images, nothing_sampled_is_nothing_lost),
    *(no_object_is_nothing_lost, changes_logits_in_place, changes_labels_in_place),
    *(pytest.param(varied(**parts), id=name) for name, parts in WRONG_PARTS.items()),
]
EQUIVALENT = {
    "rpn_loss: F.smooth_l1_loss(deltas[positive], target_deltas[positive], beta=beta,"
    " reduction='sum') -> F.smooth_l1_loss(target_deltas[positive], deltas[positive], beta=beta,"
    " reduction='sum')": "the loss is symmetric",
    "rpn_loss: logits, deltas = (at_least_float32(logits), at_least_float32(deltas)) -> pass": (
        "the check asks for no half precision"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_rpn_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_rpn_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_rpn_loss_must_not_come_from_torchvision():
    class Sampled:
        def fg_bg_sampler(self, labels):
            return [[(y == value).int() for y in labels] for value in (1, 0)]

    def answer(logits, deltas, labels, target_deltas, beta=1 / 9):
        return RegionProposalNetwork.compute_loss(
            Sampled(), logits, deltas.flatten(0, 1), [*labels.to(logits.dtype)], [*target_deltas]
        )

    assert graded(EXERCISE, answer).points == 0.0


def test_rpn_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
