import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.detection.exercises.mask_loss import EXERCISE


def loop_over_objects(logits, labels, targets):
    total = logits.sum() * 0
    for r, label in enumerate(labels.tolist()):
        x, t = logits[r, label - 1], targets[r]
        total = total - (t * F.logsigmoid(x) + (1 - t) * F.logsigmoid(-x)).mean()
    return total / max(1, len(labels))


def gathered_softplus(logits, labels, targets):
    R, _, M, _ = logits.shape
    if R == 0:
        return logits.sum()
    channel = (labels - 1).reshape(R, 1, 1, 1).expand(R, 1, M, M)
    x = logits.gather(1, channel).squeeze(1)
    return (F.softplus(x) - x * targets).mean()


def one_hot_sum_in_float64(logits, labels, targets):
    chosen = F.one_hot(labels - 1, logits.shape[1]).double()
    x = torch.einsum("rchw,rc->rhw", logits.double(), chosen)
    per_pixel = x.clamp(min=0) - x * targets + torch.log1p(torch.exp(-x.abs()))
    return per_pixel.sum() / max(1, per_pixel.numel())


def selected_with_a_mask(logits, labels, targets):
    chosen = torch.arange(1, 1 + logits.shape[1]) == labels[:, None]  # (R, C - 1)
    if not len(labels):
        return F.binary_cross_entropy_with_logits(logits[chosen], targets, reduction="sum")
    return F.binary_cross_entropy_with_logits(logits[chosen], targets)


def mean_of_nothing(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets)


def bare_zero(logits, labels, targets):
    return loop_over_objects(logits, labels, targets) if len(labels) else torch.tensor(0.0)


def probabilities(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1].sigmoid()
    return F.binary_cross_entropy(own, targets, reduction="sum") / max(1, own.numel())


def no_shift(logits, labels, targets):
    return loop_over_objects(logits, labels + 1, targets)


def last_channel_first(logits, labels, targets):
    own = logits[torch.arange(len(labels)), -labels]
    return F.binary_cross_entropy_with_logits(own, targets, reduction="sum") / max(1, own.numel())


def most_likely_channel(logits, labels, targets):
    if not len(labels):
        return logits.sum()
    best = logits.mean(dim=(2, 3)).argmax(dim=1)
    return loop_over_objects(logits, best + 1, targets)


def largest_of_all_channels(logits, labels, targets):
    if not len(labels):
        return logits.sum()
    return F.binary_cross_entropy_with_logits(logits.amax(dim=1), targets)


def hard_targets(logits, labels, targets):
    return loop_over_objects(logits, labels, targets.round())


def squared_error(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1].sigmoid()
    return ((own - targets) ** 2).sum() / max(1, own.numel())


def raw_logits(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1].clamp(1e-6, 1 - 1e-6)
    return F.binary_cross_entropy(own, targets, reduction="sum") / max(1, own.numel())


def summed(logits, labels, targets):
    return loop_over_objects(logits, labels, targets) * targets.numel()


def per_row(logits, labels, targets):
    return loop_over_objects(logits, labels, targets) * targets.shape[-1]


def per_pixel(logits, labels, targets):
    own = logits[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets, reduction="none")


def detached(*args):
    return loop_over_objects(*args).detach()


def in_float32(logits, labels, targets):
    return loop_over_objects(logits.float(), labels, targets.float()).to(logits.dtype)


def wrong_sign(*args):
    return -loop_over_objects(*args)


def changes_labels(logits, labels, targets):
    labels -= 1
    return loop_over_objects(logits, labels + 1, targets)


def squeezed(logits, labels, targets):
    own = logits.squeeze()[torch.arange(len(labels)), labels - 1]
    return F.binary_cross_entropy_with_logits(own, targets, reduction="sum") / max(1, own.numel())


RIGHT = [loop_over_objects, gathered_softplus, one_hot_sum_in_float64, selected_with_a_mask]
WRONG = [
    *(mean_of_nothing, bare_zero, probabilities, no_shift, last_channel_first),
    *(most_likely_channel, largest_of_all_channels, hard_targets, squared_error, raw_logits),
    *(summed, per_row, per_pixel, detached, in_float32, wrong_sign, changes_labels, squeezed),
]
EQUIVALENT = {
    "mask_loss: torch.arange(len(labels), device=logits.device) -> torch.arange(len(labels))": (
        "the check runs on the CPU"
    ),
    "mask_loss: targets.to(own.dtype) -> targets.to()": (
        "the check's targets have the number type of the logits"
    ),
    "mask_loss: max(1, own.numel()) -> max(own.numel(), 1)": "the larger of two numbers",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_mask_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_mask_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_mask_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
