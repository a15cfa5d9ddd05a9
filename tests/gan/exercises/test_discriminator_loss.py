import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import gan as ref
from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["discriminator_loss"]


def right(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def logaddexp(real_logits, fake_logits):
    zero = torch.zeros((), dtype=real_logits.dtype)
    of_fake = torch.logaddexp(fake_logits, zero).sum() / len(fake_logits)
    return of_fake + torch.logaddexp(zero, -real_logits).sum() / len(real_logits)


def one_loop(real_logits, fake_logits):
    total = 0
    for logits, label in ((real_logits, 1.0), (fake_logits, 0.0)):
        for logit in logits:
            total = total + (F.softplus(logit) - label * logit) / len(logits)
    return total


def weighted_cross_entropy(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    labels = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    weight = labels / len(real_logits) + (1 - labels) / len(fake_logits)
    return F.binary_cross_entropy_with_logits(logits, labels, weight=weight, reduction="sum")


def two_classes(real_logits, fake_logits):
    """A softmax over 0 and the logit."""

    def cross_entropy(logits, label):
        pairs = torch.stack([torch.zeros_like(logits), logits], dim=1)
        return F.cross_entropy(pairs, torch.full((len(logits),), label))

    return cross_entropy(real_logits, 1) + cross_entropy(fake_logits, 0)


def in_float64(real_logits, fake_logits):
    return right(real_logits.double(), fake_logits.double())


def only_thousands_are_safe(real_logits, fake_logits):
    """Right values everywhere, but gradients of NaN at large logits."""
    plain = -real_logits.sigmoid().log().mean() - (1 - fake_logits.sigmoid()).log().mean()
    return torch.where(plain.isfinite(), plain, right(real_logits, fake_logits))


def overflowing(real_logits, fake_logits):
    return (1 + (-real_logits).exp()).log().mean() + (1 + fake_logits.exp()).log().mean()


def in_place(real_logits, fake_logits):
    return F.softplus(real_logits.neg_()).mean() + F.softplus(fake_logits).mean()


def half_precision(real_logits, fake_logits):
    return right(real_logits.half(), fake_logits.half()).to(real_logits.dtype)


def labels_of_float32(real_logits, fake_logits):
    """In float64, the loss is float32 then."""
    bce = F.binary_cross_entropy_with_logits
    real, fake = torch.ones(len(real_logits)), torch.zeros(len(fake_logits))
    return bce(real_logits, real) + bce(fake_logits, fake)


def first_ones(real_logits, fake_logits):
    num = min(len(real_logits), len(fake_logits))
    return right(real_logits[:num], fake_logits[:num])


def of_shape_one(real_logits, fake_logits):
    return right(real_logits, fake_logits)[None]


def base_2(real_logits, fake_logits):
    return right(real_logits, fake_logits) / torch.log(torch.tensor(2.0))


def larger_of_both(real_logits, fake_logits):
    return torch.maximum(F.softplus(-real_logits).mean(), F.softplus(fake_logits).mean())


def divided_by_n(real_logits, fake_logits):
    total = F.softplus(-real_logits).sum() + F.softplus(fake_logits).sum()
    return total / len(real_logits)


def pair(real_logits, fake_logits):
    return F.softplus(-real_logits).mean(), F.softplus(fake_logits).mean()


RIGHT = [logaddexp, one_loop, weighted_cross_entropy, two_classes, in_float64]
WRONG = [
    *(only_thousands_are_safe, overflowing, in_place, half_precision, labels_of_float32),
    *(first_ones, of_shape_one, base_2, larger_of_both, divided_by_n, pair),
    *(ref.hinge_discriminator_loss, ref.least_squares_discriminator_loss),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_discriminator_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_discriminator_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_discriminator_loss_must_not_come_from_the_librarys_losses():
    def by_value(real_logits, fake_logits):
        return -ref.game_value(real_logits, fake_logits)

    def by_the_generators(real_logits, fake_logits):
        return ref.non_saturating_loss(real_logits) - ref.saturating_loss(fake_logits)

    for answer in (by_value, by_the_generators):
        assert graded(EXERCISE, answer).points == 0.0


def test_discriminator_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
