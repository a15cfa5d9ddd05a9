import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.detection.exercises.hard_negative_mining import EXERCISE


def loop_over_images(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        negatives = [a for a in range(losses.shape[1]) if not positive[n, a]]
        negatives.sort(key=lambda a: -losses[n, a].item())  # Python's sort is stable
        chosen[n, negatives[: ratio * positive[n].sum().item()]] = True
    return chosen


def ranks_by_sorting_twice(losses, positive, ratio=3):
    of_negatives = losses.masked_fill(positive, -torch.inf)
    order = torch.argsort(of_negatives, dim=1, descending=True, stable=True)
    rank = torch.argsort(order, dim=1)
    hard = rank < ratio * positive.sum(dim=1, keepdim=True)
    return torch.logical_or(positive, hard)


def lexsort_in_numpy(losses, positive, ratio=3):
    chosen = positive.numpy().copy()
    for row, is_positive, answer in zip(
        losses.detach().numpy(), positive.numpy(), chosen, strict=True
    ):
        order = np.lexsort((np.arange(len(row)), -row, is_positive))  # the last key counts most
        wanted = min(ratio * is_positive.sum(), (~is_positive).sum())
        answer[order[:wanted]] = True
    return torch.from_numpy(chosen)


def counts_how_many_are_harder(losses, positive, ratio=3):
    place = torch.arange(losses.shape[1])
    mine, other = losses[:, :, None], losses[:, None, :]  # (N, A, 1), (N, 1, A)
    harder = (other > mine) | ((other == mine) & (place < place[:, None]))
    rank = (harder & ~positive[:, None, :]).sum(2)
    return positive | (rank < ratio * positive.sum(1, keepdim=True))


def one_after_another(losses, positive, ratio=3):
    chosen = positive.clone()
    rest = losses.detach().masked_fill(positive, -torch.inf)
    for _ in range(ratio * positive.sum(1).max().item()):
        best = rest.argmax(1)
        rows = torch.arange(len(rest))
        wanted = (chosen & ~positive).sum(1) < ratio * positive.sum(1)
        chosen[rows[wanted], best[wanted]] = True
        rest[rows, best] = -torch.inf
    return chosen


def takes_places(value):
    """Return an answer that gives positives this loss, and lets them take part."""

    def answer(losses, positive, ratio=3):
        order = losses.masked_fill(positive, value).argsort(1, descending=True, stable=True)
        return positive | (order.argsort(1) < ratio * positive.sum(1, keepdim=True))

    return answer


def last_of_equals(losses, positive, ratio=3):
    return loop_over_images(losses.flip(1), positive.flip(1), ratio).flip(1)


def threshold(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        k = min(ratio * positive[n].sum().item(), (~positive[n]).sum().item())
        if k:
            least = losses[n][~positive[n]].topk(k).values[-1]
            chosen[n] |= losses[n] >= least
    return chosen


def threshold_of_negatives(losses, positive, ratio=3):
    return threshold(losses.masked_fill(positive, -torch.inf), positive, ratio)


def ratio_of_three(losses, positive, ratio=3):
    return loop_over_images(losses, positive)


def ratio_of_one_by_default(losses, positive, ratio=1):
    return loop_over_images(losses, positive, ratio)


def whole_batch_then_threshold(losses, positive, ratio=3):
    chosen = loop_over_images(losses.reshape(1, -1), positive.reshape(1, -1), ratio)
    return chosen.reshape(positive.shape)


def everything_without_objects(losses, positive, ratio=3):
    return loop_over_images(losses, positive, ratio) | ~positive.any(1, keepdim=True)


def too_few_raise(losses, positive, ratio=3):
    for n in range(len(losses)):
        losses[n][~positive[n]].topk(ratio * positive[n].sum().item())
    return loop_over_images(losses, positive, ratio)


def one_too_many(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        negatives = [a for a in range(losses.shape[1]) if not positive[n, a]]
        negatives.sort(key=lambda a: -losses[n, a].item())
        chosen[n, negatives[: ratio * positive[n].sum().item() + 1]] = True
    return chosen


def indices(losses, positive, ratio=3):
    return loop_over_images(losses, positive, ratio).nonzero()


def floats(losses, positive, ratio=3):
    return loop_over_images(losses, positive, ratio).to(losses.dtype)


def weighted_losses(losses, positive, ratio=3):
    return losses * loop_over_images(losses, positive, ratio)


def positives_only(losses, positive, ratio=3):
    return positive.clone()


def everything(losses, positive, ratio=3):
    return torch.ones_like(positive)


def random_negatives(losses, positive, ratio=3):
    rng = torch.Generator().manual_seed(0)
    return loop_over_images(torch.rand(losses.shape, generator=rng), positive, ratio)


def changes_positive_in_place(losses, positive, ratio=3):
    positive |= loop_over_images(losses, positive, ratio)
    return positive


def changes_losses_in_place(losses, positive, ratio=3):
    chosen = loop_over_images(losses, positive, ratio)
    losses[positive] = -1.0
    return chosen


RIGHT = [
    *(loop_over_images, ranks_by_sorting_twice, lexsort_in_numpy, counts_how_many_are_harder),
    one_after_another,
]
WRONG = [
    *(pytest.param(takes_places(value), id=f"positives cost {value}") for value in (0, 1, 1e9)),
    *(last_of_equals, threshold, threshold_of_negatives, ratio_of_three, ratio_of_one_by_default),
    *(whole_batch_then_threshold, everything_without_objects, too_few_raise, one_too_many, indices),
    *(floats, weighted_losses, positives_only, everything, random_negatives),
    *(changes_positive_in_place, changes_losses_in_place),
]
EQUIVALENT: dict[str, str] = {}  # the sort is left alone: on some CPUs every sort is stable


@pytest.mark.parametrize("answer", RIGHT)
def test_hard_negative_mining_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_hard_negative_mining_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_hard_negative_mining_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
