import math

import pytest
import torch
from scipy.stats import ks_1samp, truncnorm

from cvgen_course.gan import truncated_normal


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("threshold", [0.05, 0.5, 1.0, 2.0, math.inf])
def test_truncated_normal_has_scipys_distribution(threshold):
    z = truncated_normal((20_000,), threshold, seeded())
    assert z.abs().max() <= threshold
    right = truncnorm(-threshold, threshold)
    # a distance of 0.0175 comes by chance once in 100,000 seeds
    assert ks_1samp(z.double().numpy(), right.cdf).statistic < 0.0175
    assert z.var().item() == pytest.approx(right.var(), rel=0.05)
    assert z.mean().item() == pytest.approx(0, abs=0.04 * right.std())


def test_truncated_normal_is_not_scaled_noise():
    """Within ±0.5, the bell is nearly flat, and so the deviation is nearly 0.5 / √3."""
    z = truncated_normal((20_000,), 0.5, seeded())
    assert z.std().item() == pytest.approx(0.5 / 3**0.5, rel=0.03)


def test_truncated_normal_keeps_what_lies_within():
    """Only numbers beyond are drawn again."""
    plain = torch.randn(1000, generator=seeded())
    within = plain.abs() <= 1
    z = truncated_normal((1000,), 1.0, seeded())
    assert torch.equal(z[within], plain[within])
    assert (z[~within] != plain[~within]).all()


@pytest.mark.parametrize("threshold", [100, math.inf])
def test_truncated_normal_without_a_limit_is_normal(threshold):
    assert torch.equal(
        truncated_normal((5, 3), threshold, seeded()), torch.randn(5, 3, generator=seeded())
    )


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4), (0, 5)])
def test_truncated_normal_has_the_shape_asked_for(shape):
    z = truncated_normal(shape, 0.3)
    assert z.shape == shape
    assert z.dtype == torch.float32
    assert z.abs().le(0.3).all()


def test_truncated_normal_draws_from_the_given_generator_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = truncated_normal((50,), 0.5, seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(truncated_normal((50,), 0.5, seeded(1)), first)
    torch.manual_seed(1)
    assert torch.equal(truncated_normal((50,), 0.5), first)


@pytest.mark.parametrize("threshold", [0, 0.0, -1.5, math.nan, -math.inf])
def test_truncated_normal_refuses_what_is_no_threshold(threshold):
    with pytest.raises(ValueError, match=f"threshold: expected more than 0, got {threshold}"):
        truncated_normal((3,), threshold)
