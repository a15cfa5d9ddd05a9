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
from torchvision.ops import sigmoid_focal_loss

from cvgen_course.detection.exercises.focal_loss import EXERCISE
from cvgen_course.detection.focal_loss import focal_loss_per_item


def loop_over_anchors(logits, labels, alpha=0.25, gamma=2.0):
    total, num_objects = 0.0 * logits.sum(), 0
    for n in range(labels.shape[0]):
        for a in range(labels.shape[1]):
            label = labels[n, a].item()
            num_objects += label > 0
            for c in range(1, logits.shape[2] + 1):
                x = logits[n, a, c - 1]
                if label == c:
                    total = total - alpha * torch.sigmoid(-x) ** gamma * F.logsigmoid(x)
                elif label >= 0:
                    total = total - (1 - alpha) * torch.sigmoid(x) ** gamma * F.logsigmoid(-x)
    return total / max(num_objects, 1)


def cross_entropy_and_one_hot(logits, labels, alpha=0.25, gamma=2.0):
    t = F.one_hot(labels.clamp(min=0), logits.shape[2] + 1)[..., 1:].to(logits.dtype)
    p = torch.sigmoid(logits)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    alpha_t = alpha * t + (1 - alpha) * (1 - t)
    loss = alpha_t * (1 - p_t) ** gamma * cross_entropy
    return (loss * (labels >= 0)[..., None]).sum() / max((labels > 0).sum().item(), 1)


def softplus_with_signs(logits, labels, alpha=0.25, gamma=2.0):
    logits, labels = logits.flatten(0, 1), labels.flatten()
    logits, labels = logits[labels != -1], labels[labels != -1]
    target = torch.zeros_like(logits)
    rows = labels.nonzero().flatten()
    target[rows, labels[rows] - 1] = 1
    sign = 1 - 2 * target
    cross_entropy = F.softplus(sign * logits)
    focus = torch.exp(-gamma * F.softplus(-sign * logits))
    weight = torch.where(target == 1, alpha, 1 - alpha)
    return torch.sum(weight * focus * cross_entropy) / max(rows.numel(), 1)


def objects_and_the_rest(logits, labels, alpha=0.25, gamma=2.0):
    def as_yes(x):
        return -((1 - x.sigmoid()) ** gamma) * F.logsigmoid(x)

    n, a = (labels > 0).nonzero(as_tuple=True)
    of_objects = logits[n, a, labels[n, a] - 1]
    all_as_no = as_yes(-logits)[labels >= 0].sum() - as_yes(-of_objects).sum()
    return (alpha * as_yes(of_objects).sum() + (1 - alpha) * all_as_no) / max(len(n), 1)


def stays_in_float64(logits, labels, alpha=0.25, gamma=2.0):
    return cross_entropy_and_one_hot(logits.double(), labels, alpha, gamma)


class BackwardByHand(torch.autograd.Function):
    """Value and gradient in NumPy."""

    @staticmethod
    def forward(ctx, logits, labels, alpha, gamma):
        x, y = logits.numpy().astype(np.float64), labels.numpy()
        t = y[..., None] == np.arange(1, x.shape[2] + 1)
        s = np.where(t, x, -x)
        log_p, log_q = -np.logaddexp(0, -s), -np.logaddexp(0, s)
        weight = np.where(t, alpha, 1 - alpha) * (y >= 0)[..., None] / max((y > 0).sum(), 1)
        focus, p, q = np.exp(gamma * log_q), np.exp(log_p), np.exp(log_q)
        slope = np.where(t, 1, -1) * weight * focus * (gamma * p * log_p - q)
        ctx.save_for_backward(torch.from_numpy(slope).to(logits.dtype))
        return torch.tensor(-(weight * focus * log_p).sum(), dtype=logits.dtype)

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0], None, None, None


def backward_by_hand(logits, labels, alpha=0.25, gamma=2.0):
    return BackwardByHand.apply(logits, labels, alpha, gamma)


def varied(**changes):
    """Return the right loss, with parts of it replaced."""

    def answer(logits, labels, alpha=0.25, gamma=2.0):
        t = F.one_hot(labels.clamp(min=0), logits.shape[2] + 1)[..., 1:].to(logits.dtype)
        x = logits * (2 * t - 1)
        alpha_t = changes.get("alpha", lambda t, a: a * t + (1 - a) * (1 - t))(t, alpha)
        focus = changes.get("focus", lambda x, g: x.neg().sigmoid() ** g)(x, gamma)
        keep = changes.get("keep", lambda y: y >= 0)(labels)
        count = changes.get("count", lambda y: (y > 0).sum().clamp(min=1))(labels)
        loss = -alpha_t * focus * changes.get("log", F.logsigmoid)(x)
        loss = changes.get("sum", torch.sum)(loss[keep])
        return changes.get("end", lambda x: x)(loss / count)

    return answer


WRONG_PARTS = {
    "alpha for targets 0": {"alpha": lambda t, a: (1 - a) * t + a * (1 - t)},
    "no alpha": {"alpha": lambda t, a: torch.ones_like(t)},
    "alpha of objects only": {"alpha": lambda t, a: a * t + (1 - t)},
    "alpha is a quarter": {"alpha": lambda t, a: 0.25 * t + 0.75 * (1 - t)},
    "gamma is 2": {"focus": lambda x, g: x.neg().sigmoid() ** 2},
    "whole gamma": {"focus": lambda x, g: x.neg().sigmoid() ** int(g)},
    "no focus": {"focus": lambda x, g: 1},
    "focus without gradient": {"focus": lambda x, g: x.detach().neg().sigmoid() ** g},
    "focus times gamma": {"focus": lambda x, g: x.neg().sigmoid() * g},
    "clamped": {"log": lambda x: x.sigmoid().clamp(min=1e-6).log()},
    "epsilon": {"log": lambda x: (x.sigmoid() + 1e-8).log()},
    "no clamp": {"count": lambda y: (y > 0).sum()},
    "counts background": {"count": lambda y: (y >= 0).sum().clamp(min=1)},
    "counts anchors": {"count": lambda y: y.numel()},
    "counts labels": {"count": lambda y: y.clamp(min=0).sum().clamp(min=1)},
    "counts left out": {"count": lambda y: (y != 0).sum().clamp(min=1)},
    "divides by images": {"count": lambda y: len(y)},
    "one too many": {"count": lambda y: (y > 0).sum() + 1},
    "not divided": {"count": lambda y: 1},
    "binary logarithm": {"log": lambda x: F.logsigmoid(x) / np.log(2)},
    "sign": {"log": lambda x: -F.logsigmoid(x)},
    "mean": {"sum": torch.mean},
    "detached": {"end": torch.Tensor.detach},
    "a number": {"end": torch.Tensor.item},
    "float32 on the way": {"log": lambda x: F.logsigmoid(x.float()).to(x.dtype)},
    "one dimension": {"end": lambda x: x[None]},
}


def softmax(logits, labels, alpha=0.25, gamma=2.0):
    keep = labels > 0
    log_p = logits.log_softmax(-1)[keep].gather(1, labels[keep][:, None] - 1)
    return -(alpha * (1 - log_p.exp()) ** gamma * log_p).sum() / keep.sum().clamp(min=1)


def mean_of_images(logits, labels, alpha=0.25, gamma=2.0):
    each = [varied()(x[None], y[None], alpha, gamma) for x, y in zip(logits, labels, strict=True)]
    return torch.stack(each).mean()


def nothing_without_objects(logits, labels, alpha=0.25, gamma=2.0):
    loss = varied()(logits, labels, alpha, gamma)
    return loss if (labels > 0).any() else 0 * logits.sum()


def zero_where_all_is_left_out(logits, labels, alpha=0.25, gamma=2.0):
    return varied()(logits, labels, alpha, gamma) if (labels >= 0).any() else 0.0


def changes_the_networks_output_in_place(logits, labels, alpha=0.25, gamma=2.0):
    logits *= (labels >= 0)[..., None]
    return varied()(logits, labels, alpha, gamma)


def changes_labels_in_place(logits, labels, alpha=0.25, gamma=2.0):
    loss = varied()(logits, labels, alpha, gamma)
    labels.clamp_(min=0)
    return loss


RIGHT = [
    *(loop_over_anchors, cross_entropy_and_one_hot, softplus_with_signs, objects_and_the_rest),
    *(stays_in_float64, backward_by_hand, varied()),
]
WRONG = [
    *(softmax, mean_of_images, nothing_without_objects, zero_where_all_is_left_out),
    *(changes_the_networks_output_in_place, changes_labels_in_place),
    *(pytest.param(varied(**parts), id=name) for name, parts in WRONG_PARTS.items()),
]
EQUIVALENT = {
    "focal_loss: torch.arange(1, logits.shape[2] + 1, device=labels.device)"
    " -> torch.arange(1, logits.shape[2] + 1)": "all tensors are on the CPU",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_focal_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_focal_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("finished", [focal_loss_per_item, sigmoid_focal_loss])
def test_focal_loss_must_not_come_from_finished_parts(finished):
    def answer(logits, labels, alpha=0.25, gamma=2.0):
        t = F.one_hot(labels.clamp(min=0), logits.shape[2] + 1)[..., 1:].to(logits.dtype)
        loss = finished(logits, t, alpha, gamma)
        return loss[labels >= 0].sum() / (labels > 0).sum().clamp(min=1)

    assert graded(EXERCISE, answer).points == 0.0


def test_focal_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_per_item",))


def test_an_answer_without_any_alpha_is_recognised():
    def without(logits, labels, alpha=0.25, gamma=2.0):
        t = F.one_hot(labels.clamp(min=0), logits.shape[2] + 1)[..., 1:].bool()
        toward = torch.where(t, logits, -logits)
        loss = -(torch.sigmoid(-toward) ** gamma) * F.logsigmoid(toward)
        return loss[labels >= 0].sum() / max((labels > 0).sum().item(), 1)

    report = graded(EXERCISE, without)
    assert report.mistakes == (
        "alpha_t is left out: targets 1 weigh alpha, targets 0 weigh 1 - alpha",
    )
    assert report.points <= 0.75 * EXERCISE.points
