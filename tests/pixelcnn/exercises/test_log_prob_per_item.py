import math

import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)
from torch.distributions import Categorical, Independent

from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["log_prob_per_item"]


def as_in_the_lecture(logits, levels):
    log_probs = logits.log_softmax(dim=1).gather(1, levels[:, None])
    return log_probs.flatten(1).sum(dim=1)


def cross_entropy(logits, levels):
    return -F.cross_entropy(logits, levels, reduction="none").sum(dim=(1, 2, 3))


def cross_entropy_of_each_image(logits, levels):
    return torch.stack(
        [
            -F.cross_entropy(each[None], image[None], reduction="sum")
            for each, image in zip(logits, levels, strict=True)
        ]
    )


def rows_of_all_places(logits, levels):
    rows = logits.permute(0, 2, 3, 4, 1).reshape(-1, logits.shape[1])
    return -F.cross_entropy(rows, levels.flatten(), reduction="none").view(len(levels), -1).sum(1)


def negative_log_likelihood(logits, levels):
    return F.nll_loss(F.log_softmax(logits, 1), levels, reduction="none").flatten(1).sum(-1).neg()


def distribution(logits, levels):
    return Independent(Categorical(logits=logits.movedim(1, -1)), 3).log_prob(levels)


def one_hot(logits, levels):
    own = F.one_hot(levels, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    return torch.einsum("nkchw,nkchw->n", logits.log_softmax(1), own)


def log_sum_of_exponentials(logits, levels):
    own = torch.take_along_dim(logits, levels.unsqueeze(1), dim=1).squeeze(1)
    return (own - torch.logsumexp(logits, dim=1)).sum(-1).sum(-1).sum(-1)


def largest_subtracted(logits, levels):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    log_probs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    N, C, H, W = levels.shape
    n, c, i, j = torch.meshgrid(*map(torch.arange, (N, C, H, W)), indexing="ij")
    return log_probs[n, levels, c, i, j].reshape(N, -1).sum(dim=1)


def loops(logits, levels):
    N, C, H, W = levels.shape
    log_probs = []
    for n in range(N):
        total = 0
        for c in range(C):
            for i in range(H):
                log_prob = F.log_softmax(logits[n, :, c, i], dim=0)
                for j in range(W):
                    total = total + log_prob[levels[n, c, i, j], j]
        log_probs.append(total)
    return torch.stack(log_probs)


def stays_in_float64(logits, levels):
    return as_in_the_lecture(logits.double(), levels)


def masked_sum(logits, levels):
    own = torch.arange(logits.shape[1]).view(1, -1, 1, 1, 1) == levels.unsqueeze(1)
    return torch.where(own, logits.log_softmax(dim=1), 0).sum(dim=[1, 2, 3, 4])


def summed(total=None, own=None):
    """Return a right answer in which the sum or a place's logarithm is another."""

    def answer(logits, levels):
        log_probs = (
            own(logits, levels) if own else -F.cross_entropy(logits, levels, reduction="none")
        )
        return total(log_probs) if total else log_probs.flatten(1).sum(dim=1)

    return answer


def of_softmax(change):
    def own(logits, levels):
        return change(logits.softmax(dim=1)).gather(1, levels[:, None])[:, 0]

    return summed(own=own)


def of_logits(change):
    def own(logits, levels):
        return -F.cross_entropy(change(logits), levels, reduction="none")

    return summed(own=own)


def of_levels(change):
    def own(logits, levels):
        return -F.cross_entropy(logits, change(levels, logits.shape[1]), reduction="none")

    return summed(own=own)


def binary(logits, levels):
    """Each level is a yes or no of its own."""
    own = F.one_hot(levels, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    terms = F.binary_cross_entropy_with_logits(logits, own, reduction="none")
    return -terms.flatten(1).sum(1)


def all_levels(logits, levels):
    return logits.log_softmax(dim=1).flatten(1).sum(dim=1) + 0 * levels.sum()


def squares_of_expectations(logits, levels):
    numbers = torch.arange(logits.shape[1]).view(1, -1, 1, 1, 1)
    mean = (numbers * logits.softmax(dim=1)).sum(dim=1)
    return -((mean - levels) ** 2).flatten(1).sum(1)


def one_distribution_for_all_channels(logits, levels):
    mean = logits.mean(dim=2, keepdim=True).expand_as(logits)
    return as_in_the_lecture(mean, levels)


def changes_its_argument(logits, levels):
    logits.data -= logits.data.amax(dim=1, keepdim=True)
    return as_in_the_lecture(logits, levels)


def under_no_grad(logits, levels):
    with torch.no_grad():
        return as_in_the_lecture(logits, levels)


def list_of_numbers(logits, levels):
    return as_in_the_lecture(logits, levels).tolist()


def made_anew(logits, levels):
    values = as_in_the_lecture(logits, levels).tolist()
    return torch.tensor(values, dtype=logits.dtype, requires_grad=True)


def float32_on_the_way(logits, levels):
    return as_in_the_lecture(logits.float(), levels).to(logits.dtype)


RIGHT = [
    *(as_in_the_lecture, cross_entropy, cross_entropy_of_each_image, rows_of_all_places),
    *(negative_log_likelihood, distribution, one_hot, log_sum_of_exponentials, loops),
    *(largest_subtracted, stays_in_float64, masked_sum, summed()),
]
WRONG = {
    "the mean of channels": summed(lambda each: each.sum(dim=(2, 3)).mean(dim=1)),
    "the mean of pixels": summed(lambda each: each.mean(dim=(2, 3)).sum(dim=1)),
    "the mean of rows": summed(lambda each: each.mean(dim=2).sum(dim=(1, 2))),
    "the first channel": summed(lambda each: each[:, 0].sum(dim=(1, 2))),
    "the last pixel": summed(lambda each: each[..., -1, -1].sum(dim=1)),
    "all but the first pixel": summed(lambda each: each.flatten(1)[:, 1:].sum(dim=1)),
    "over the batch": summed(lambda each: each.sum(dim=0).flatten()),
    "the mean times the number": summed(lambda each: each.mean() * each[0].numel()),
    "squeezed": summed(
        lambda each: each.squeeze().flatten(1).sum(1) if len(each) > 1 else each.sum()
    ),
    "the largest": summed(lambda each: each.flatten(1).amax(dim=1)),
    "a probability": summed(lambda each: each.flatten(1).sum(dim=1).exp()),
    "bits per dimension": summed(lambda each: -each.flatten(1).mean(dim=1) / math.log(2)),
    "clamped": summed(lambda each: each.clamp(min=-100).flatten(1).sum(dim=1)),
    "clamped by entropies": of_softmax(lambda probs: probs.clamp(min=1e-7).log()),
    "logarithm of 10": of_softmax(lambda probs: probs.log10()),
    "a little in the logarithm": of_softmax(lambda probs: (probs + 1e-10).log()),
    "of the others": of_softmax(lambda probs: (1 - probs).log()),
    "twice": of_logits(lambda logits: logits.log_softmax(dim=1) * 2),
    "a sigmoid": of_logits(torch.sigmoid),
    "clamped logits": of_logits(lambda logits: logits.clamp(-50, 50)),
    "the softmax as logits": of_logits(lambda logits: logits.softmax(dim=1)),
    "the logits' sizes": of_logits(torch.abs),
    "the next level": of_levels(lambda levels, K: (levels + 1) % K),
    "from the other end": of_levels(lambda levels, K: K - 1 - levels),
    "the neighbour's level": of_levels(lambda levels, K: levels.roll(1, dims=3)),
    "the next image's levels": of_levels(lambda levels, K: levels.roll(1, dims=0)),
    **{
        answer.__name__: answer
        for answer in (
            *(binary, all_levels, squares_of_expectations, one_distribution_for_all_channels),
            *(changes_its_argument, under_no_grad, list_of_numbers, made_anew),
            float32_on_the_way,
        )
    },
}
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_log_prob_per_item_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_log_prob_per_item_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_log_prob_per_item_finds_out_the_logarithm_of_a_softmax():
    (message,) = failed(graded(EXERCISE, of_softmax(torch.log)))
    assert message.startswith("logits in the thousands")


def test_log_prob_per_item_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
