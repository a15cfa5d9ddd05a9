import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn import metrics
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["confusion_matrix"]


def loops(pred, target, num_classes, ignore_index=None):
    rows = [[0] * num_classes for _ in range(num_classes)]
    for p, t in zip(pred.flatten().tolist(), target.flatten().tolist(), strict=True):
        if t != ignore_index:
            rows[t][p] += 1
    return torch.tensor(rows)


def loops_over_pixels(pred, target, num_classes, ignore_index=None):
    confusion = torch.zeros((num_classes, num_classes), dtype=torch.long)
    N, H, W = target.shape
    for n in range(N):
        for y in range(H):
            for x in range(W):
                t = target[n, y, x].item()
                if ignore_index is not None and t == ignore_index:
                    continue
                confusion[t, pred[n, y, x]] += 1
    return confusion


def one_hot_product(pred, target, num_classes, ignore_index=None):
    keep = torch.ones(target.shape, dtype=torch.bool)
    if ignore_index is not None:
        keep = target.ne(ignore_index)
    t = F.one_hot(target[keep], num_classes).double()
    p = F.one_hot(pred[keep], num_classes).double()
    return torch.einsum("it,ip->tp", t, p).round().long()


def a_mask_for_each_pair(pred, target, num_classes, ignore_index=None):
    keep = (
        target != ignore_index if ignore_index is not None else torch.full_like(target, True).bool()
    )
    confusion = torch.empty(num_classes, num_classes, dtype=torch.int64)
    for t in range(num_classes):
        for p in range(num_classes):
            confusion[t, p] = ((target == t) & (pred == p) & keep).sum()
    return confusion


def scatter_add(pred, target, num_classes, ignore_index=None):
    pred, target = pred.reshape(-1), target.reshape(-1)
    if ignore_index is not None:
        pred, target = pred[target != ignore_index], target[target != ignore_index]
    flat = torch.zeros(num_classes**2, dtype=torch.int64)
    flat.scatter_add_(0, pred * num_classes + target, torch.ones_like(pred))
    return flat.view(num_classes, num_classes).T  # not contiguous


def extra_class_for_ignored(pred, target, num_classes, ignore_index=None):
    target = target.clone()
    if ignore_index is not None:
        target[target == ignore_index] = num_classes
    pairs = target * num_classes + pred
    counts = torch.bincount(pairs.flatten(), minlength=(num_classes + 1) * num_classes)
    return counts.reshape(num_classes + 1, num_classes)[:num_classes]


def numpy_add_at(pred, target, num_classes, ignore_index=None):
    pred, target = pred.numpy().ravel(), target.numpy().ravel()
    if ignore_index is not None:
        keep = target != ignore_index
        pred, target = pred[keep], target[keep]
    confusion = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(confusion, (target, pred), 1)
    return torch.from_numpy(confusion)


def scikit_learn(pred, target, num_classes, ignore_index=None):
    keep = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        keep &= target != ignore_index
    if not keep.any():
        return torch.zeros(num_classes, num_classes, dtype=torch.int64)
    confusion = metrics.confusion_matrix(target[keep], pred[keep], labels=range(num_classes))
    return torch.as_tensor(confusion)


def unique_pairs(pred, target, num_classes, ignore_index=None):
    pairs = torch.stack([target.flatten(), pred.flatten()])
    if ignore_index is not None:
        pairs = pairs[:, pairs[0] != ignore_index]
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    if pairs.shape[1]:
        (t, p), counts = torch.unique(pairs, dim=1, return_counts=True)
        confusion[t, p] = counts
    return confusion


def sparse(pred, target, num_classes, ignore_index=None):
    keep = torch.ones_like(target) if ignore_index is None else (target != ignore_index).long()
    where = torch.stack([(target * keep).flatten(), pred.flatten()])
    return torch.sparse_coo_tensor(where, keep.flatten(), (num_classes,) * 2).to_dense()


def floats(*args, **kwargs):
    return loops(*args, **kwargs).float()


def shares(*args, **kwargs):
    confusion = loops(*args, **kwargs)
    return confusion / confusion.sum().clamp(min=1)


def bytes_that_overflow(*args, **kwargs):
    return loops(*args, **kwargs).to(torch.uint8).long()


def only_255_is_ignored(pred, target, num_classes, ignore_index=None):
    return loops(pred, target, num_classes, None if ignore_index is None else 255)


def only_negative_is_ignored(pred, target, num_classes, ignore_index=None):
    return loops(pred[target >= 0], target[target >= 0], num_classes)


def ignored_pixels_become_background(pred, target, num_classes, ignore_index=None):
    return loops(pred, target.masked_fill(target == ignore_index, 0), num_classes)


def first_image_only(pred, target, num_classes, ignore_index=None):
    return loops(pred[:1], target[:1], num_classes, ignore_index)


def ignores_by_default(pred, target, num_classes, ignore_index=0):
    return loops(pred, target, num_classes, ignore_index)


def diagonal(*args, **kwargs):
    return torch.diag(loops(*args, **kwargs).diagonal())


def changes_its_input(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None:
        target[target == ignore_index] = num_classes
    return extra_class_for_ignored(pred, target, num_classes, num_classes)


def bytes_for_pairs(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None:
        pred, target = pred[target != ignore_index], target[target != ignore_index]
    pairs = target.byte() * num_classes + pred.byte()
    counts = torch.bincount(pairs.flatten(), minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def two_decimal_digits(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None:
        pred, target = pred[target != ignore_index], target[target != ignore_index]
    counts = torch.bincount((10 * target + pred).flatten(), minlength=100)
    return counts[:100].reshape(10, 10)[:num_classes, :num_classes]


def short_integers(*args, **options):
    return scatter_add(*args, **options).short().long()


def squeezed(*args, **options):
    return scatter_add(*args, **options).squeeze()


def middle_classes_are_never_ignored(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None and 0 < ignore_index < num_classes:
        ignore_index = None
    return scatter_add(pred, target, num_classes, ignore_index)


RIGHT = [
    *(loops, loops_over_pixels, one_hot_product, a_mask_for_each_pair, scatter_add),
    *(extra_class_for_ignored, numpy_add_at, scikit_learn, unique_pairs, sparse),
]
WRONG = [
    *(floats, shares, bytes_that_overflow, only_255_is_ignored, only_negative_is_ignored),
    *(ignored_pixels_become_background, first_image_only, ignores_by_default, diagonal),
    changes_its_input,
    *(
        bytes_for_pairs,
        two_decimal_digits,
        short_integers,
        squeezed,
        middle_classes_are_never_ignored,
    ),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_confusion_matrix_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_confusion_matrix_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_confusion_matrix_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
