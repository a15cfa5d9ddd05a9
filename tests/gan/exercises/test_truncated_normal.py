import math

import numpy as np
import pytest
import scipy.stats
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["truncated_normal"]


def checked(draw):
    """Return an answer that raises for a threshold of 0 or less, and draws like this else."""

    def answer(shape, threshold, rng=None):
        if threshold <= 0:
            raise ValueError("threshold should be above 0")
        return draw(shape, threshold, rng)

    answer.__name__ = draw.__name__
    return answer


def right(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    while True:
        beyond = (z < -psi) | (z > psi)
        if not beyond.any():
            return z
        z = torch.where(beyond, torch.randn(shape, generator=rng), z)


def number_by_number(shape, psi, rng):
    numbers = []
    for _ in range(math.prod(shape)):
        z = torch.randn((), generator=rng).item()
        while not -psi <= z <= psi:
            z = torch.randn((), generator=rng).item()
        numbers.append(z)
    return torch.tensor(numbers).reshape(shape)


def inverse_of_the_distribution_function(shape, psi, rng):
    kept = math.erf(psi / math.sqrt(2))
    return math.sqrt(2) * torch.erfinv((2 * torch.rand(*shape, generator=rng) - 1) * kept)


def inverse_by_ndtri(shape, psi, rng):
    low, high = torch.special.ndtr(torch.tensor([-psi, psi]))
    return torch.special.ndtri(low + (high - low) * torch.rand(shape, generator=rng))


def icdf_in_float64(shape, psi, rng):
    normal = torch.distributions.Normal(0.0, 1.0)
    low, high = normal.cdf(torch.tensor([-psi, psi], dtype=torch.float64))
    uniform = torch.rand(shape, generator=rng, dtype=torch.float64)
    return normal.icdf(torch.lerp(low, high, uniform)).clamp(-psi, psi)


def init_trunc_normal(shape, psi, rng):
    return torch.nn.init.trunc_normal_(torch.empty(shape), a=-psi, b=psi, generator=rng)


def scipy_with_a_seed_from_rng(shape, psi, rng):
    seed = torch.randint(2**31, (), generator=rng).item()
    z = scipy.stats.truncnorm.rvs(-psi, psi, size=shape, random_state=seed)
    return torch.from_numpy(np.asarray(z)).float()


def numpy_with_a_seed_from_rng(shape, psi, rng):
    draws = np.random.default_rng(torch.randint(2**62, (), generator=rng).item())
    z = draws.standard_normal(shape)
    while (abs(z) > psi).any():
        z = np.where(abs(z) > psi, draws.standard_normal(shape), z)
    return torch.from_numpy(z)


def forked(shape, psi, rng):
    """Torch's own generator is used, and put back."""
    if rng is None:
        return right(shape, psi, None)
    seed = torch.randint(2**62, (), generator=rng).item()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return right(shape, psi, None)


def one_after_the_other_from_a_pool(shape, psi, rng):
    count, pool = math.prod(shape), torch.empty(0)
    while len(pool) < count:
        z = torch.randn(4 * count, generator=rng)
        pool = torch.cat([pool, z[z.abs() <= psi]])
    return pool[:count].view(shape)


def thinned_uniform(shape, psi, rng):
    """Another rejection: uniform numbers, of which those far from 0 are kept more seldom."""
    if psi > 10:
        return torch.randn(shape, generator=rng)
    z = psi * (2 * torch.rand(shape, generator=rng) - 1)
    keep = torch.rand(shape, generator=rng) < (-z.square() / 2).exp()
    while not keep.all():
        new = psi * (2 * torch.rand(shape, generator=rng) - 1)
        z = torch.where(keep, z, new)
        keep |= torch.rand(shape, generator=rng) < (-new.square() / 2).exp()
    return z


def folded_with_a_sign(shape, psi, rng):
    size = inverse_of_the_distribution_function(shape, psi, rng).abs()
    return torch.where(torch.rand(shape, generator=rng) < 0.5, -size, size)


def clamped_after_two_rounds(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    z = torch.where(z.abs() > psi, torch.randn(shape, generator=rng), z)
    return z.clamp(-psi, psi)


def ten_rounds(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    for _ in range(10):
        z = torch.where(z.abs() > psi, torch.randn(shape, generator=rng), z)
    return z


def twenty_rounds_and_then_clamped(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    for _ in range(20):
        z = torch.where(z.abs() > psi, torch.randn(shape, generator=rng), z)
    return z.clamp(-psi, psi)


def wrapped(shape, psi, rng):
    return torch.fmod(torch.randn(shape, generator=rng), psi)


def one_number_for_all_beyond(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > psi).any():
        z[beyond] = torch.randn((), generator=rng)
    return z


def zeros_for_those_beyond(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    return z * (z.abs() <= psi)


def tanh(shape, psi, rng):
    return psi * torch.tanh(torch.randn(shape, generator=rng))


def psi_times_those_within_one(shape, psi, rng):
    return psi * right(shape, 1.0, rng)


def lower_tail_only(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    while (beyond := z < -psi).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def the_tails_alone(shape, psi, rng):
    """What is kept and what is drawn again are exchanged."""
    z = torch.randn(shape, generator=rng)
    for _ in range(20):
        z = torch.where(z.abs() <= psi, torch.randn(shape, generator=rng), z)
    return z


def first_draws_without_rng(shape, psi, rng):
    z = torch.randn(shape)
    while (beyond := z.abs() > psi).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


def redraws_without_rng(shape, psi, rng):
    z = torch.randn(shape, generator=rng)
    while (beyond := z.abs() > psi).any():
        z[beyond] = torch.randn(int(beyond.sum()))
    return z


def torch_seeded_from_rng(shape, psi, rng):
    if rng is not None:
        torch.manual_seed(torch.randint(2**62, (), generator=rng).item())
    return right(shape, psi, None)


def generator_that_starts_anew(shape, psi, rng):
    return right(shape, psi, rng and torch.Generator().manual_seed(rng.initial_seed()))


def own_generator_for_none(shape, psi, rng):
    return right(shape, psi, rng or torch.Generator().manual_seed(1))


def flat(shape, psi, rng):
    return right(shape, psi, rng).flatten()


def half_precision(shape, psi, rng):
    return right(shape, psi, rng).half()


def one_row_for_all(shape, psi, rng):
    return right(shape, psi, rng)[:1].expand(shape)


def a_list(shape, psi, rng):
    return right(shape, psi, rng).tolist()


def no_check(shape, threshold, rng=None):
    return right(shape, threshold, rng)


def no_check_by_inverse(shape, threshold, rng=None):
    return inverse_of_the_distribution_function(shape, threshold, rng)


def negative_refused_alone(shape, threshold, rng=None):
    if threshold < 0:
        raise ValueError("negative")
    return right(shape, threshold, rng)


def runtime_error(shape, threshold, rng=None):
    if threshold <= 0:
        raise RuntimeError("threshold should be above 0")
    return right(shape, threshold, rng)


def returned_error(shape, threshold, rng=None):
    return right(shape, threshold, rng) if threshold > 0 else ValueError("threshold")


def below_one_refused(shape, threshold, rng=None):
    if threshold < 1:
        raise ValueError("threshold")
    return right(shape, threshold, rng)


RIGHT = [
    checked(draw)
    for draw in (
        *(right, number_by_number, inverse_of_the_distribution_function, inverse_by_ndtri),
        *(icdf_in_float64, scipy_with_a_seed_from_rng),
        *(numpy_with_a_seed_from_rng, forked, one_after_the_other_from_a_pool),
        *(thinned_uniform, folded_with_a_sign),
    )
]
WRONG = [
    *(
        checked(draw)
        for draw in (
            *(clamped_after_two_rounds, ten_rounds, twenty_rounds_and_then_clamped, wrapped),
            *(one_number_for_all_beyond, zeros_for_those_beyond, tanh),
            *(psi_times_those_within_one, lower_tail_only, the_tails_alone),
            *(first_draws_without_rng, redraws_without_rng, torch_seeded_from_rng),
            *(generator_that_starts_anew, own_generator_for_none, flat, half_precision),
            *(one_row_for_all, a_list, init_trunc_normal),
        )
    ),
    *(no_check, no_check_by_inverse, negative_refused_alone, runtime_error, returned_error),
    below_one_refused,
]
EQUIVALENT = {
    "truncated_normal: z.abs() > threshold -> z.abs() >= threshold": (
        "a number is next to never equal to psi"
    ),
}


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.__name__)
def test_truncated_normal_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


def test_truncated_normal_right_answer_gets_full_points_whatever_the_seed():
    for draw in (right, inverse_of_the_distribution_function):
        assert_full_points(EXERCISE, checked(draw), (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.__name__)
def test_truncated_normal_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_truncated_normal_without_the_check_ends_soon():
    (message,) = failed(graded(EXERCISE, no_check))
    assert "came to no end" not in message
    assert "`no exception` came, but `ValueError` was expected" in message


def test_truncated_normal_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
