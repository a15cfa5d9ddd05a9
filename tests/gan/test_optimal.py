import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from cvgen_course.gan import game_value, optimal_discriminator, optimal_value


def float64(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def normal_density(x, mean, deviation):
    return torch.from_numpy(norm.pdf(x.double().numpy(), mean, deviation)).to(x.dtype)


def jensen_shannon(p, q, low, high):
    """Return the divergence of two densities, given as functions, integrated adaptively."""

    def integrand(x):
        m = (p(x) + q(x)) / 2
        return sum(d(x) * math.log(d(x) / m) / 2 for d in (p, q) if d(x) > 0)

    return quad(integrand, low, high, limit=200)[0]


def test_optimal_discriminator_equals_numbers_worked_out_by_hand():
    D = optimal_discriminator(
        torch.tensor([[1.0, 3.0], [0.0, 2.0]]), torch.tensor([[1.0, 1], [2, 0]])
    )
    assert D.tolist() == [[0.5, 0.75], [0.0, 1.0]]


def test_optimal_discriminator_where_nobody_comes_is_undecided():
    assert optimal_discriminator(torch.zeros(2), torch.zeros(2)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1.0, 1e30, 1.1e38])
def test_optimal_discriminator_depends_on_ratios_only(scale):
    p_data, p_model = torch.tensor([1.0, 3.0, 0.0]) * scale, torch.tensor([1.0, 1.0, 2.0]) * scale
    D = optimal_discriminator(p_data, p_model)
    torch.testing.assert_close(D, torch.tensor([0.5, 0.75, 0.0]), rtol=1e-4, atol=0)


def test_optimal_discriminator_of_exchanged_densities_is_the_opposite():
    p, q = torch.rand(2, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(optimal_discriminator(p, q) + optimal_discriminator(q, p), p / p)


def test_optimal_discriminator_is_what_learning_arrives_at():
    """Of two places with known densities, free logits learn the logits of D*."""
    p_data, p_model = float64(0.8, 0.2), float64(0.3, 0.7)
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for _ in range(200):
        D = logits.sigmoid()
        value = (p_data * D.log() + p_model * (1 - D).log()).sum()
        (slopes,) = torch.autograd.grad(value, logits)
        with torch.no_grad():
            logits += 2 * slopes
    torch.testing.assert_close(logits.sigmoid().detach(), optimal_discriminator(p_data, p_model))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_optimal_value_of_equal_densities_is_minus_log_4(dtype):
    x = torch.linspace(-40, 40, 4001, dtype=dtype)
    p = normal_density(x, 1.0, 2.0)
    assert optimal_value(p, p, 0.02).item() == pytest.approx(-math.log(4), rel=1e-5)


def test_optimal_value_of_disjoint_densities_is_0():
    p_data, p_model = float64(0.5, 1.5, 0, 0), float64(0, 0, 1.0, 1.0)
    assert optimal_value(p_data, p_model, 0.5).item() == 0


def test_optimal_value_equals_a_number_worked_out_by_hand():
    # cells of 1/2: D* is 1/2 in one, 3/4 in the other
    value = optimal_value(float64(0.5, 1.5), float64(0.5, 0.5), 0.5).item()
    first = 0.5 * math.log(1 / 2) + 0.5 * math.log(1 / 2)
    second = 1.5 * math.log(3 / 4) + 0.5 * math.log(1 / 4)
    assert value == pytest.approx((first + second) / 2)


@pytest.mark.parametrize("parameters", [(0.0, 1.0), (0.5, 1.0), (3.0, 0.5), (0.0, 3.0)])
def test_optimal_value_is_minus_log_4_plus_twice_the_divergence(parameters):
    x = torch.linspace(-20, 20, 8001, dtype=torch.float64)
    value = optimal_value(normal_density(x, 0.0, 1.0), normal_density(x, *parameters), 0.005)

    def p_model(t):
        return norm.pdf(t, *parameters)

    divergence = jensen_shannon(norm.pdf, p_model, -20, 20)
    assert value.item() == pytest.approx(2 * divergence - math.log(4), abs=1e-6)


def test_optimal_value_on_a_grid_of_two_dimensions():
    x = torch.linspace(-8, 8, 161, dtype=torch.float64)
    p = normal_density(x, 0, 1)[:, None] * normal_density(x, 0, 1)
    q = normal_density(x, 1, 1)[:, None] * normal_density(x, 0, 1)  # the second axis is the same
    expected = optimal_value(normal_density(x, 0, 1), normal_density(x, 1, 1), 0.1)
    torch.testing.assert_close(optimal_value(p, q, 0.01), expected)


@pytest.mark.parametrize("far", [1.0, 5.0, 30.0])
def test_optimal_value_is_finite_in_the_tails(far):
    """In float32, 1 - D* is 0 long before a density is."""
    x = torch.linspace(-40, 40, 16001)
    one, other = normal_density(x, 0.0, 1.0), normal_density(x, far, 1.0)
    expected = optimal_value(one.double(), other.double(), 0.005)
    torch.testing.assert_close(
        optimal_value(one, other, 0.005).double(), expected, rtol=0, atol=1e-5
    )
    smallest = torch.tensor([1e-45, 30.0])
    assert optimal_value(smallest, smallest.flip(0), 1.0).isfinite()


def test_optimal_value_is_more_than_any_other_discriminator_gets():
    rng = np.random.default_rng(0)
    real, fake = (
        torch.from_numpy(rng.normal(0, 1, 100_000)),
        torch.from_numpy(rng.normal(2, 1, 100_000)),
    )
    x = torch.linspace(-12, 14, 2601, dtype=torch.float64)
    best = optimal_value(normal_density(x, 0, 1), normal_density(x, 2, 1), 0.01).item()
    # the logit of D* is log p_data(x) - log p_model(x) = 2 - 2 x
    assert game_value(2 - 2 * real, 2 - 2 * fake).item() == pytest.approx(best, abs=0.01)
    for slope, offset in ((-1, 1), (-3, 3), (-2, 1), (0, 0)):
        value = game_value(offset + slope * real, offset + slope * fake)
        assert value.item() < best - 0.02


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_optimal_results_are_in_float32_at_least(dtype):
    p = torch.full((2000,), 60.0, dtype=dtype)  # whose sum overflows in float16
    assert optimal_discriminator(p, p).dtype == torch.float32
    value = optimal_value(p, p, 1 / 60 / 2000)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(-math.log(4))


@pytest.mark.parametrize("function", [optimal_discriminator, lambda p, q: optimal_value(p, q, 0.1)])
def test_optimal_functions_say_what_is_wrong(function):
    p = torch.ones(3)
    with pytest.raises(
        ValueError, match=r"p_model: expected .* = \(3,\) to go with p_data.*\(2,\)"
    ):
        function(p, p[:2])
    with pytest.raises(ValueError, match=r"p_data: expected densities, 0 or more, got -0\.25"):
        function(p - 1.25, p)
    with pytest.raises(ValueError, match="p_model: expected densities, 0 or more, got -1"):
        function(p, -p)
    with pytest.raises(TypeError, match=r"p_data: .*floating-point.* got torch.int64"):
        function(p.long(), p)
