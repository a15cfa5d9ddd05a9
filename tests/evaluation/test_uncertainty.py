import math

import pytest
import torch
from scipy import stats

from cvgen_course.evaluation import Estimate, bootstrap_error, mean_with_error


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.3456, 0.4321, "12.35 ± 0.43"),
        (12.3456, 4.321, "12.3 ± 4.3"),
        (1234.56, 43.21, "1235 ± 43"),
        (0.0123456, 0.00098765, "0.01235 ± 0.00099"),
        (-0.5, 0.0996, "-0.500 ± 0.100"),
        (0.5, 1.0, "0.5 ± 1.0"),
        (2.0, 10.0, "2 ± 10"),
        (0.1, 1e-12, "0.100000 ± 0.000000"),
        (1.0, 0.0, "1 ± 0"),
        (0.8125, 0.0, "0.8125 ± 0"),
        (9.8765, math.inf, "9.877 ± inf"),
        (math.nan, math.nan, "nan ± nan"),
    ],
)
def test_estimate_is_printed_with_two_digits_of_its_error(value, error, text):
    assert str(Estimate(value, error)) == text


def test_mean_with_error_worked_out_by_hand():
    found = mean_with_error(torch.tensor([1.0, 3.0, 3.0, 5.0]))
    assert found.value == 3
    assert found.error == pytest.approx((8 / 3) ** 0.5 / 2)


@pytest.mark.parametrize("N", [2, 3, 100])
def test_mean_with_error_equals_scipys(N):
    values = torch.randn(N, generator=seeded()) + 1000
    found = mean_with_error(values)
    assert found.value == pytest.approx(values.double().mean().item(), rel=1e-12)
    assert found.error == pytest.approx(stats.sem(values.double().numpy()), rel=1e-9)


def test_mean_with_error_of_a_single_number_is_not_known():
    assert mean_with_error(torch.tensor([2.5])) == Estimate(2.5, math.inf)


def test_mean_with_error_of_equal_numbers_is_known():
    assert mean_with_error(torch.full((5,), 2.5)) == Estimate(2.5, 0)


def test_bootstrap_error_of_a_mean_is_its_standard_error():
    values = torch.randn(400, generator=seeded())
    error = bootstrap_error(torch.mean, values, num=400, rng=seeded(1))
    assert error == pytest.approx(mean_with_error(values).error, rel=0.15)


def test_bootstrap_error_draws_from_each_set_by_itself():
    """The variance of a difference is the sum of both."""
    sets = [torch.randn(N, generator=seeded(N)) for N in (100, 300)]
    error = bootstrap_error(lambda a, b: a.mean() - b.mean(), *sets, num=400, rng=seeded())
    assert error == pytest.approx(math.hypot(*(mean_with_error(x).error for x in sets)), rel=0.15)


def test_bootstrap_error_draws_whole_rows_as_many_as_there_are():
    rows = torch.arange(7)[:, None] * torch.tensor([1, 10])
    drawn = []

    def statistic(x):
        drawn.append(x)
        return x.float().mean()

    bootstrap_error(statistic, rows, num=30, rng=seeded())
    assert len(drawn) == 30
    for x in drawn:
        assert x.shape == (7, 2)
        assert torch.equal(x[:, 1], 10 * x[:, 0])
    assert any(len(x[:, 0].unique()) < 7 for x in drawn)  # with replacement
    assert torch.cat(drawn)[:, 0].unique().tolist() == list(range(7))


def test_bootstrap_error_is_the_deviation_of_the_draws():
    values = iter(torch.tensor([1.0, 2.0, 6.0]))
    error = bootstrap_error(lambda _: next(values), torch.zeros(4), num=3)
    assert error == pytest.approx(7**0.5)


def test_bootstrap_error_draws_from_the_given_generator_alone():
    values = torch.randn(20, generator=seeded())
    before = torch.get_rng_state()
    first = bootstrap_error(torch.mean, values, rng=seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert bootstrap_error(torch.mean, values, rng=seeded(1)) == first
    assert bootstrap_error(torch.mean, values, rng=seeded(2)) != first


@pytest.mark.parametrize("num", [1, 0, -3])
def test_bootstrap_error_refuses_fewer_than_two_draws(num):
    with pytest.raises(ValueError, match=f"num: expected 2 or more, got {num}"):
        bootstrap_error(torch.mean, torch.zeros(4), num=num)
