import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import segmentation as ref
from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["dice_loss"]


def loop_over_classes(logits, target, ignore_index=None, smooth=1.0):
    probs = torch.softmax(logits, dim=1)
    counted = torch.ones(target.shape, dtype=torch.bool)
    if ignore_index is not None:
        counted = target != ignore_index
    coefficients = []
    for c in range(logits.shape[1]):
        p = probs[:, c][counted]
        t = (target[counted] == c).to(p.dtype)
        overlap, total = (p * t).sum(), p.sum() + t.sum()
        coefficients.append((2 * overlap + smooth) / (total + smooth))
    return 1 - torch.stack(coefficients).mean()


def counted_pixels_in_rows(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    logits, target = logits.permute(0, 2, 3, 1).reshape(-1, C), target.reshape(-1)
    if ignore_index is not None:
        logits, target = logits[target != ignore_index], target[target != ignore_index]
    p, t = logits.softmax(-1), F.one_hot(target, C)
    return (1 - (2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)).mean()


def einsum(logits, target, ignore_index=None, smooth=1.0):
    keep = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    p = F.log_softmax(logits, 1).exp()
    t = F.one_hot(target * keep, logits.shape[1]).to(p.dtype)
    m = keep.to(p.dtype)
    overlap = torch.einsum("nchw,nhwc,nhw->c", p, t, m)
    total = torch.einsum("nchw,nhw->c", p, m) + torch.einsum("nhwc,nhw->c", t, m)
    return 1 - ((2 * overlap + smooth) / (total + smooth)).sum() / len(total)


def own_stable_softmax_in_float64(logits, target, ignore_index=None, smooth=1.0):
    z = logits.double()
    z = (z - z.amax(dim=1, keepdim=True)).exp()
    p = z / z.sum(dim=1, keepdim=True)
    classes = torch.arange(logits.shape[1]).view(1, -1, 1, 1)
    t = (target.unsqueeze(1) == classes).double()
    if ignore_index is not None:
        keep = (target != ignore_index).unsqueeze(1)
        p, t = torch.where(keep, p, 0.0), torch.where(keep, t, 0.0)
    axes = (0, 2, 3)
    dice = (2 * (p * t).sum(axes) + smooth) / (p.sum(axes) + t.sum(axes) + smooth)
    return (1 - dice.mean()).to(logits.dtype)


def stays_in_float64(*args, **kwargs):
    return loop_over_classes(args[0].double(), *args[1:], **kwargs)


def gather_and_bincount(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    keep = torch.full(target.shape, True) if ignore_index is None else target != ignore_index
    safe = torch.where(keep, target, torch.zeros_like(target))
    p = logits.softmax(1) * keep[:, None]
    p_right = p.gather(1, safe[:, None])[:, 0]
    overlap = p.new_zeros(C).index_add(0, safe.flatten(), p_right.flatten())
    count = torch.bincount(safe[keep], minlength=C)
    size = p.transpose(0, 1).flatten(1).sum(1)
    return torch.mean(1 - (2 * overlap + smooth) / (size + count + smooth))


def changes_a_networks_output_in_place(logits, target, ignore_index=None, smooth=1.0):
    logits -= logits.detach().amax(1, keepdim=True)
    return loop_over_classes(logits, target, ignore_index, smooth)


def overflows(logits, target, ignore_index=None, smooth=1.0):
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    return loop_over_classes(p.log(), target, ignore_index, smooth)


def smooth_of_one(logits, target, ignore_index=None, smooth=1.0):
    return loop_over_classes(logits, target, ignore_index)


def smooth_by_default_one_millionth(logits, target, ignore_index=None, smooth=1e-6):
    return loop_over_classes(logits, target, ignore_index, smooth)


def smooth_below_only(logits, target, ignore_index=None, smooth=1.0):
    p, t = logits.softmax(1), F.one_hot(target.clamp(max=logits.shape[1] - 1)).movedim(-1, 1)
    axes = (0, 2, 3)
    return 1 - (2 * (p * t).sum(axes) / (p.sum(axes) + t.sum(axes) + smooth)).mean()


def classes_that_occur(logits, target, ignore_index=None, smooth=1.0):
    keep = target != (ignore_index if ignore_index is not None else -1)
    p = logits.softmax(1).movedim(1, -1)[keep]
    t = F.one_hot(target[keep], logits.shape[1])
    dice = (2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)
    return 1 - dice[t.sum(0) > 0].mean()


def squares(logits, target, ignore_index=None, smooth=1.0):
    keep = target != (ignore_index if ignore_index is not None else -1)
    p = logits.softmax(1).movedim(1, -1)[keep]
    t = F.one_hot(target[keep], logits.shape[1])
    return 1 - ((2 * (p * t).sum(0) + smooth) / ((p * p).sum(0) + t.sum(0) + smooth)).mean()


def per_class(logits, target, ignore_index=None, smooth=1.0):
    return loop_over_classes(logits, target, ignore_index, smooth).expand(logits.shape[1])


def detached(*args, **kwargs):
    return loop_over_classes(*args, **kwargs).detach()


def a_number(*args, **kwargs):
    return loop_over_classes(*args, **kwargs).item()


def zero_is_false(logits, target, ignore_index=None, smooth=1.0):
    return loop_over_classes(logits, target, ignore_index or None, smooth)


def without_background(logits, target, ignore_index=None, smooth=1.0):
    keep = target != (ignore_index if ignore_index is not None else -1)
    p = logits.softmax(1).movedim(1, -1)[keep]
    t = F.one_hot(target[keep], logits.shape[1])
    return 1 - ((2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth))[1:].mean()


def no_void_below_zero(logits, target, ignore_index=None, smooth=1.0):
    if ignore_index is not None and ignore_index < 0:
        ignore_index, target = 255, target.clamp(min=0)
    return loop_over_classes(logits, target, ignore_index, smooth)


def nothing_to_learn_from_void(logits, target, ignore_index=None, smooth=1.0):
    if ignore_index is not None and (target == ignore_index).all():
        return 0.0
    return loop_over_classes(logits, target, ignore_index, smooth)


def a_new_zero_for_void(logits, target, ignore_index=None, smooth=1.0):
    if ignore_index is not None and (target == ignore_index).all():
        return torch.zeros((), requires_grad=True)
    return loop_over_classes(logits, target, ignore_index, smooth)


def whole_smooth(logits, target, ignore_index=None, smooth=1.0):
    return loop_over_classes(logits, target, ignore_index, int(smooth))


def float32_on_the_way(logits, target, ignore_index=None, smooth=1.0):
    loss = loop_over_classes(logits.float(), target, ignore_index, smooth)
    return loss.to(logits.dtype)


def overflows_in_the_gradient(logits, target, ignore_index=None, smooth=1.0):
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    p = torch.where(p.isnan(), logits.softmax(1), p)
    return loop_over_classes(p.log(), target, ignore_index, smooth)


def ignored_class_leaves_the_mean(logits, target, ignore_index=None, smooth=1.0):
    C = logits.shape[1]
    losses = []
    for c in range(C):
        if c == ignore_index and c > 0:
            continue
        keep = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
        p, t = logits.softmax(1)[:, c] * keep, (target == c) * keep
        losses.append(1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth))
    return torch.stack(losses).mean()


RIGHT = [
    *(loop_over_classes, counted_pixels_in_rows, einsum, own_stable_softmax_in_float64),
    *(stays_in_float64, gather_and_bincount),
]
WRONG = [
    ignored_class_leaves_the_mean,
    *(overflows, smooth_of_one, smooth_by_default_one_millionth, smooth_below_only),
    *(classes_that_occur, squares, per_class, detached, a_number, zero_is_false),
    without_background,
    *(
        no_void_below_zero,
        nothing_to_learn_from_void,
        a_new_zero_for_void,
        whole_smooth,
        float32_on_the_way,
        overflows_in_the_gradient,
        changes_a_networks_output_in_place,
    ),
]
EQUIVALENT = {
    "dice_loss: (0, 2, 3) -> (2, 0, 3)": "the order in which dimensions are summed",
    "_counted_labels: torch.ones_like(target, dtype=torch.bool) -> torch.ones_like(target)": (
        "it is only multiplied with"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_dice_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_dice_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_dice_loss_must_not_come_from_the_sum_of_losses():
    def answer(logits, target, ignore_index=None, smooth=1.0):
        total = ref.cross_entropy_dice_loss(logits, target, ignore_index)
        return total - ref.pixel_cross_entropy(logits, target, ignore_index)

    assert graded(EXERCISE, answer).points == 0.0


def test_dice_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_counted_labels",))
