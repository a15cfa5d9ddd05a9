import pytest
import torch

from cvgen_course.evaluation import (
    extrapolated_frechet_distance,
    feature_statistics,
    frechet_distance,
)

D = 8
SIZES = [200, 300, 500, 1000]
STANDARD = torch.zeros(D, dtype=torch.float64), torch.eye(D, dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def repeated(shift, num=60, rng=None):
    """Return the distances of many sets of 1000 samples from the standard normal distribution."""
    rng = rng or seeded()
    sets = [torch.randn(1000, D, generator=rng) + shift for _ in range(num)]
    plain = [frechet_distance(STANDARD, feature_statistics(fake)).item() for fake in sets]
    return plain, [extrapolated_frechet_distance(STANDARD, fake, SIZES, rng) for fake in sets]


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_extrapolated_frechet_distance_has_no_bias_where_the_distance_has_one(shift):
    plain, found = repeated(shift)
    truth = D * shift**2
    plain, values = torch.tensor(plain), torch.tensor([each.value for each in found])
    error = values.std().item() / len(values) ** 0.5
    assert values.mean().item() == pytest.approx(truth, abs=4 * error)
    if shift == 0:
        assert plain.mean() > 0.02  # about (D² + 3 D) / 4 / 1000
        assert values.mean().abs() < plain.mean() / 4


def test_extrapolated_frechet_distance_has_an_error_of_the_right_size():
    _, found = repeated(0.0)
    values, errors = (torch.tensor(each) for each in zip(*found, strict=True))
    assert 0.6 < errors.square().mean().sqrt() / values.std() < 1.7


def test_extrapolated_frechet_distance_is_the_value_at_zero_of_the_fitted_line():
    fake = torch.randn(50, D, generator=seeded())
    sizes = [10, 20, 25, 50]
    found = extrapolated_frechet_distance(STANDARD, fake, sizes, seeded(1))
    rng = seeded(1)
    distances = [
        frechet_distance(STANDARD, feature_statistics(fake[torch.randperm(50, generator=rng)[:n]]))
        for n in sizes
    ]
    x = 1 / torch.tensor(sizes, dtype=torch.float64)
    ones = torch.ones_like(x)
    fit = torch.linalg.lstsq(torch.stack([ones, x], dim=1), torch.stack(distances)).solution
    assert found.value == pytest.approx(fit[0].item())
    left = torch.stack(distances) - fit[0] - fit[1] * x
    spread = (x - x.mean()).square().sum()
    variance = left.square().sum() / 2 * (1 / 4 + x.mean() ** 2 / spread)
    assert found.error == pytest.approx(variance.sqrt().item())


def test_extrapolated_frechet_distance_draws_from_the_given_generator_alone():
    fake = torch.randn(50, D, generator=seeded())
    before = torch.get_rng_state()
    first = extrapolated_frechet_distance(STANDARD, fake, [10, 20, 50], seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert extrapolated_frechet_distance(STANDARD, fake, [10, 20, 50], seeded(1)) == first


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([10, 20], r"three different numbers or more, got \[10, 20\]"),
        ([10, 20, 20, 10], r"three different numbers or more, got \[10, 20, 20, 10\]"),
        ([1, 10, 20], r"numbers from 2 to M = 50, got \[1, 10, 20\]"),
        ([10, 20, 51], r"numbers from 2 to M = 50, got \[10, 20, 51\]"),
    ],
)
def test_extrapolated_frechet_distance_says_what_is_wrong(sizes, message):
    with pytest.raises(ValueError, match=f"sizes: expected {message}"):
        extrapolated_frechet_distance(STANDARD, torch.zeros(50, D), sizes)
