import numpy as np
import pytest
import torch
from scipy import linalg

from cvgen_course.evaluation import feature_statistics, frechet_distance


def random_features(N, D, seed=0):
    rng = torch.Generator().manual_seed(seed)
    mix = torch.randn(D, D, generator=rng, dtype=torch.float64)
    return torch.randn(N, D, generator=rng, dtype=torch.float64) @ mix + seed


def diagonal(mean, variances):
    return (
        torch.tensor(mean, dtype=torch.float64),
        torch.tensor(variances, dtype=torch.float64).diag(),
    )


def by_scipy(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = ([x.numpy() for x in each] for each in (first, second))
    root = linalg.sqrtm(cov_1 @ cov_2).real
    return ((mean_1 - mean_2) ** 2).sum() + np.trace(cov_1 + cov_2 - 2 * root)


def test_feature_statistics_equal_numbers_worked_out_by_hand():
    mean, covariance = feature_statistics(torch.tensor([[1.0, 2.0], [3.0, 2.0], [5.0, 8.0]]))
    assert mean.tolist() == [3, 4]
    assert covariance.tolist() == [[4, 6], [6, 12]]


@pytest.mark.parametrize(("N", "D"), [(2, 1), (10, 1), (2, 3), (50, 4)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_feature_statistics_equal_numpys(N, D, dtype):
    features = random_features(N, D).to(dtype)
    mean, covariance = feature_statistics(features)
    rows = features.double().numpy()
    expected = np.cov(rows, rowvar=False).reshape(D, D)
    torch.testing.assert_close(mean, torch.from_numpy(rows.mean(axis=0)))
    torch.testing.assert_close(covariance, torch.from_numpy(expected))


def test_feature_statistics_of_large_offsets_are_precise():
    features = random_features(1000, 3)
    _, covariance = feature_statistics(features + 1e4)
    torch.testing.assert_close(covariance, feature_statistics(features)[1], rtol=1e-6, atol=1e-8)


def test_frechet_distance_with_equal_covariances_is_the_squared_distance_of_means():
    mean, covariance = feature_statistics(random_features(100, 3))
    step = torch.tensor([1.0, -2.0, 2.0], dtype=torch.float64)
    distance = frechet_distance((mean, covariance), (mean + step, covariance))
    assert distance.item() == pytest.approx(9)
    assert distance.shape == ()
    assert distance.dtype == torch.float64


def test_frechet_distance_of_diagonal_covariances_is_that_of_deviations():
    first, second = diagonal([0, 0, 0], [1, 4, 9]), diagonal([1, 0, -2], [4, 4, 0])
    assert frechet_distance(first, second).item() == pytest.approx(1 + 4 + (1 - 2) ** 2 + 0 + 9)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (2.0, 3.0), (-1.0, 0.0)])
def test_frechet_distance_of_one_dimension_has_a_closed_form(mean, deviation):
    distance = frechet_distance(diagonal([0.5], [4]), diagonal([mean], [deviation**2]))
    assert distance.item() == pytest.approx((mean - 0.5) ** 2 + (deviation - 2) ** 2)


def test_frechet_distance_of_single_features_from_end_to_end():
    one, other = (torch.tensor([[0.0], [2.0], [4.0]]) * scale for scale in (1, 3))
    # means 2 and 6, deviations 2 and 6
    distance = frechet_distance(feature_statistics(one), feature_statistics(other))
    assert distance.item() == pytest.approx(16 + 16)


def test_frechet_distance_equals_scipys_matrix_root():
    for D in (1, 2, 5, 20):
        first, second = (feature_statistics(random_features(200, D, seed)) for seed in (0, 1))
        distance = frechet_distance(first, second).item()
        assert distance == pytest.approx(by_scipy(first, second), rel=1e-8)


def test_frechet_distance_of_a_scaled_set_has_a_closed_form():
    """C₂ = s² C₁: the roots commute, and tr (C₁ + C₂ - 2 (C₁C₂)^½) = (s - 1)² tr C₁."""
    mean, covariance = feature_statistics(random_features(100, 4))
    distance = frechet_distance((mean, covariance), (mean, 9 * covariance))
    torch.testing.assert_close(distance, 4 * covariance.trace())


@pytest.mark.parametrize("N", [2, 3, 6])
def test_frechet_distance_of_fewer_rows_than_features_is_right(N):
    """Covariances without full rank: no NaN, and 0 from a set to itself."""
    first, second = (feature_statistics(random_features(N, 8, seed)) for seed in (0, 1))
    scale = first[1].trace().item()
    assert frechet_distance(first, first).item() == pytest.approx(0, abs=1e-6 * scale)
    # the roots of singular values, of factors with N rows: tr (C₁C₂)^½ = ‖A₁ A₂ᵀ‖_*
    factors = [
        (x - x.mean(dim=0)) / (N - 1) ** 0.5 for x in (random_features(N, 8, s) for s in (0, 1))
    ]
    mixed = torch.linalg.matrix_norm(factors[0] @ factors[1].T, "nuc")
    apart = (first[0] - second[0]).square().sum()
    expected = apart + first[1].trace() + second[1].trace() - 2 * mixed
    torch.testing.assert_close(frechet_distance(first, second), expected, rtol=1e-6, atol=1e-6)


def test_frechet_distance_is_symmetric_and_does_not_depend_on_axes():
    first, second = (feature_statistics(random_features(100, 4, seed)) for seed in (0, 1))
    distance = frechet_distance(first, second)
    torch.testing.assert_close(frechet_distance(second, first), distance)
    rotation, _ = torch.linalg.qr(random_features(4, 4, 2))
    turned = ((mean @ rotation, rotation.T @ cov @ rotation) for mean, cov in (first, second))
    torch.testing.assert_close(frechet_distance(*turned), distance)


def test_frechet_distance_of_two_halves_of_one_set_is_small_and_shrinks():
    distances = []
    for N in (100, 1000, 10_000):
        halves = random_features(2 * N, 5).split(N)
        distances.append(frechet_distance(*map(feature_statistics, halves)).item())
    assert distances == sorted(distances, reverse=True)
    assert 0 < distances[-1] < 0.1


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_frechet_distance_computes_in_float64(dtype):
    statistics = [torch.tensor([2.0]).to(dtype), torch.tensor([[4.0]]).to(dtype)]
    distance = frechet_distance(statistics, diagonal([0], [0]))
    assert distance.dtype == torch.float64
    assert distance.item() == pytest.approx(8)


def test_feature_statistics_say_what_is_wrong():
    with pytest.raises(ValueError, match="features: expected two rows or more, got 1"):
        feature_statistics(torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"features: expected .*\(N, D\), got shape \(3, 1, 1\)"):
        feature_statistics(torch.zeros(3, 1, 1))
    with pytest.raises(TypeError, match=r"features: .*floating-point.* got torch.uint8"):
        feature_statistics(torch.zeros(3, 2).byte())


def test_frechet_distance_says_what_is_wrong():
    two, three = diagonal([0, 0], [1, 1]), diagonal([0, 0, 0], [1, 1, 1])
    with pytest.raises(ValueError, match=r"mean_2: expected .*\(D,\) = \(2,\), got shape \(3,\)"):
        frechet_distance(two, three)
    with pytest.raises(ValueError, match=r"cov_1: expected .* = \(2, 2\) to go with mean_1"):
        frechet_distance((two[0], three[1]), two)
    with pytest.raises(ValueError, match=r"cov_2: expected .*\(D, D\).* got shape \(2,\)"):
        frechet_distance(two, (two[0], two[0]))
    with pytest.raises(TypeError, match=r"mean_1: .* got torch.int64"):
        frechet_distance((two[0].long(), two[1]), two)
