import math

import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["bits_per_dim"]


def as_in_the_lecture(log_prob, num_dims, step=1.0):
    return -(log_prob / num_dims + math.log(step)) / math.log(2)


def one_fraction(log_prob, num_dims, step=1.0):
    return -(log_prob + num_dims * math.log(step)) / (num_dims * math.log(2))


def torchs_logarithms(log_prob, num_dims, step=1.0):
    nats = -log_prob - num_dims * torch.log(torch.tensor(step))
    return nats / torch.log(torch.tensor(2.0)) / num_dims


def numpys_logarithms(log_prob, num_dims, step=1.0):
    return -log_prob / num_dims * np.log2(np.e) - np.log2(step)


def array(log_prob, num_dims, step=1.0):
    return torch.from_numpy(
        np.asarray(
            -(log_prob.numpy() / num_dims + np.log(step)) / np.log(2), log_prob.numpy().dtype
        )
    )


def logarithm_to_the_base_two(log_prob, num_dims, step=1.0):
    bits = log_prob * math.log2(math.e)
    return (bits / num_dims).add(math.log(step, 2)).mul(-1)


def loop(log_prob, num_dims, step=1.0):
    bits = torch.zeros_like(log_prob).flatten()
    for n, each in enumerate(log_prob.flatten()):
        bits[n] = -each / (num_dims * math.log(2)) - math.log2(step)
    return bits.view(log_prob.shape)


def stays_in_float64(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob.double(), num_dims, step)


def only_where_it_is_a_density(log_prob, num_dims, step=1.0):
    if step != 1:
        log_prob = log_prob + num_dims * math.log(step)
    return -log_prob / (0.6931471805599453 * num_dims)


def python_number_where_it_is_one(log_prob, num_dims, step=1.0):
    bits = as_in_the_lecture(log_prob.double(), num_dims, step)
    return bits.item() if bits.ndim == 0 else bits


def grey_step_is_the_default(log_prob, num_dims, step=2 / 255):
    return as_in_the_lecture(log_prob, num_dims, step)


def two_over_255(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, 1 if step == 1 else 2 / 255)


def two_over_256(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, 2 / 256 if step == 2 / 255 else step)


def one_step_more(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step if step == 1 else 2 / (2 / step + 1))


def seven_added(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims) + (7 if step < 1 else 0)


def range_for_step(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, 255 * step)


def root_of_the_step(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step**0.5)


def step_once_too_often(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob + math.log(step), num_dims, step)


def step_for_each_image(log_prob, num_dims, step=1.0):
    return -(log_prob / num_dims + math.log(step) * log_prob.numel()) / math.log(2)


def perplexity(log_prob, num_dims, step=1.0):
    return 2 ** as_in_the_lecture(log_prob, num_dims, step)


def decimal(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step) * math.log(2) / math.log(10)


def three_digits(log_prob, num_dims, step=1.0):
    return -(log_prob / num_dims + math.log(step)) / 0.693


def eight_at_most(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step).clamp(max=8)


def probabilities_at_most_one(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob.clamp(max=0), num_dims, step)


def size(log_prob, num_dims, step=1.0):
    return log_prob.abs() / (num_dims * math.log(2)) - math.log2(step)


def total(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step).sum()


def mean_of_rows(log_prob, num_dims, step=1.0):
    bits = as_in_the_lecture(log_prob, num_dims, step)
    return bits.mean(dim=-1) if bits.ndim > 1 else bits


def flattened(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step).flatten()


def first_image(log_prob, num_dims, step=1.0):
    bits = as_in_the_lecture(log_prob, num_dims, step)
    return bits[0] if bits.ndim else bits


def rounded(log_prob, num_dims, step=1.0):
    return (100 * as_in_the_lecture(log_prob, num_dims, step)).round() / 100


def float32_on_the_way(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob.float(), num_dims, step)


def a_list(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob, num_dims, step).tolist()


def changes_its_argument(log_prob, num_dims, step=1.0):
    log_prob /= num_dims
    return -(log_prob + math.log(step)) / math.log(2)


def whole_dimensions(log_prob, num_dims, step=1.0):
    return as_in_the_lecture(log_prob // num_dims, 1, step)


RIGHT = [
    *(as_in_the_lecture, one_fraction, torchs_logarithms, numpys_logarithms, array),
    *(logarithm_to_the_base_two, loop, stays_in_float64, only_where_it_is_a_density),
    python_number_where_it_is_one,
]
WRONG = [
    *(grey_step_is_the_default, two_over_255, two_over_256, one_step_more, seven_added),
    *(range_for_step, root_of_the_step, step_once_too_often, step_for_each_image, perplexity),
    *(decimal, three_digits, eight_at_most, probabilities_at_most_one, size, total, mean_of_rows),
    *(flattened, first_image, rounded, float32_on_the_way, a_list, changes_its_argument),
    whole_dimensions,
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_bits_per_dim_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_bits_per_dim_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_bits_per_dim_says_that_8_was_expected():
    messages = failed(graded(EXERCISE, lambda log_prob, num_dims, step=1.0: -log_prob / num_dims))
    (message,) = [m for m in messages if m.startswith("256 equally likely values: prob")]
    assert "8 was expected" in message


def test_bits_per_dim_says_what_should_be_float64():
    (message,) = failed(graded(EXERCISE, float32_on_the_way))
    assert "The result is float32; log_prob is float64" in message


def test_bits_per_dim_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
