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

EXERCISE = EXERCISES["saturating_loss"]


def right(fake_logits):
    return -F.softplus(fake_logits).mean()


def logaddexp(fake_logits):
    return -torch.logaddexp(fake_logits, torch.zeros_like(fake_logits)).mean()


def from_log_d(fake_logits):
    """log(1 - D) = log D - logit."""
    return (F.logsigmoid(fake_logits) - fake_logits).mean()


def one_loop(fake_logits):
    total = 0
    for logit in fake_logits:
        total = total - F.softplus(logit)
    return total / len(fake_logits)


def two_classes(fake_logits):
    pairs = torch.stack([torch.zeros_like(fake_logits), fake_logits], dim=-1)
    return pairs.log_softmax(dim=-1)[:, 0].mean()


def in_float64(fake_logits):
    return right(fake_logits.double())


def finite_values_alone(fake_logits):
    """Gradients of NaN where 1 - D is rounded to 0."""
    plain = (1 - fake_logits.sigmoid()).log()
    return torch.where(plain.isfinite(), plain, -fake_logits).mean()


def overflowing(fake_logits):
    return -(1 + fake_logits.exp()).log().mean()


def in_place(fake_logits):
    return F.logsigmoid(fake_logits.neg_()).mean()


def gradient_of_the_other(fake_logits):
    """The right value; but it teaches what the non-saturating loss does."""
    other = F.softplus(-fake_logits).mean()
    return other + (right(fake_logits) - other).detach()


def labels_of_float32(fake_logits):
    return -F.binary_cross_entropy_with_logits(fake_logits, torch.zeros(len(fake_logits)))


def half_of_it(fake_logits):
    return right(fake_logits) / 2


def nan_ignored(fake_logits):
    return (1 - fake_logits.sigmoid()).log().nan_to_num(neginf=-100).mean()


def median(fake_logits):
    return -F.softplus(fake_logits).median()


def one_too_few(fake_logits):
    return -F.softplus(fake_logits).sum() / max(len(fake_logits) - 1, 1)


RIGHT = [logaddexp, from_log_d, one_loop, two_classes, in_float64]
WRONG = [
    *(finite_values_alone, overflowing, in_place, gradient_of_the_other, labels_of_float32),
    *(half_of_it, nan_ignored, median, one_too_few),
    *(ref.critic_generator_loss, ref.least_squares_generator_loss),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_saturating_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_saturating_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_saturating_loss_must_not_come_from_the_librarys_losses():
    def of_minus(fake_logits):
        return -ref.non_saturating_loss(-fake_logits)

    def without_real_images(fake_logits):
        return ref.game_value(torch.full_like(fake_logits, 1e4), fake_logits)

    for answer in (of_minus, without_real_images):
        assert graded(EXERCISE, answer).points == 0.0


def test_saturating_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
