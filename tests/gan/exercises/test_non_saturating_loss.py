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

EXERCISE = EXERCISES["non_saturating_loss"]


def right(fake_logits):
    return F.softplus(-fake_logits).mean()


def logaddexp(fake_logits):
    return torch.logaddexp(-fake_logits, torch.zeros_like(fake_logits)).mean()


def from_the_other(fake_logits):
    """-log D = -log(1 - D) - logit."""
    return (F.softplus(fake_logits) - fake_logits).mean()


def one_loop(fake_logits):
    losses = []
    for logit in fake_logits.unbind():
        losses.append(-F.logsigmoid(logit))
    return torch.stack(losses).mean()


def two_classes(fake_logits):
    pairs = torch.stack([torch.zeros_like(fake_logits), fake_logits], dim=1)
    return F.cross_entropy(pairs, torch.ones(len(fake_logits), dtype=torch.int64))


def in_float64(fake_logits):
    return right(fake_logits.double())


def finite_values_alone(fake_logits):
    """Gradients of NaN where D is rounded to 0."""
    plain = -fake_logits.sigmoid().log()
    return torch.where(plain.isfinite(), plain, -fake_logits).mean()


def overflowing(fake_logits):
    return (1 + (-fake_logits).exp()).log().mean()


def in_place(fake_logits):
    return F.softplus(fake_logits.neg_()).mean()


def gradient_of_the_other(fake_logits):
    """The right value; but it teaches what the saturating loss does."""
    other = -F.softplus(fake_logits).mean()
    return other + (right(fake_logits) - other).detach()


def labels_of_float32(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones(len(fake_logits)))


def labels_of_nearly_1(fake_logits):
    labels = torch.full_like(fake_logits, 0.9)
    return F.binary_cross_entropy_with_logits(fake_logits, labels)


def clamped_logits(fake_logits):
    return F.softplus(-fake_logits.clamp(-50, 50)).mean()


def largest(fake_logits):
    return F.softplus(-fake_logits).max()


RIGHT = [logaddexp, from_the_other, one_loop, two_classes, in_float64]
WRONG = [
    *(finite_values_alone, overflowing, in_place, gradient_of_the_other, labels_of_float32),
    *(labels_of_nearly_1, clamped_logits, largest),
    *(ref.critic_generator_loss, ref.least_squares_generator_loss),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_non_saturating_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_non_saturating_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_non_saturating_loss_must_not_come_from_the_librarys_losses():
    def of_minus(fake_logits):
        return -ref.saturating_loss(-fake_logits)

    def real_images(fake_logits):
        return ref.discriminator_loss(fake_logits, torch.full_like(fake_logits, -1e4))

    for answer in (of_minus, real_images):
        assert graded(EXERCISE, answer).points == 0.0


def test_non_saturating_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
