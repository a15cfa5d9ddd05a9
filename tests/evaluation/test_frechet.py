import numpy as np
import pytest
import torch
from scipy import linalg
from torch_fidelity import metric_fid
from torchmetrics.image.fid import FrechetInceptionDistance

from cvgen_course.evaluation import feature_statistics, frechet_distance, root_trace


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


def random_covariance(D, rank=None, seed=0):
    factor = random_features(rank or D, D, seed)
    return factor.T @ factor / len(factor)


class Pixels(torch.nn.Module):
    """Features that are the numbers of an image."""

    def __init__(self, num_features):
        super().__init__()
        self.num_features = num_features

    def forward(self, images):
        return images.flatten(1)


def test_root_trace_equals_numbers_worked_out_by_hand():
    covariance = torch.tensor([[2.0, 1.0], [1.0, 2.0]])  # with eigenvalues 3 and 1
    assert root_trace(covariance, torch.eye(2)).item() == pytest.approx(3**0.5 + 1)
    assert root_trace(covariance, covariance).item() == pytest.approx(3 + 1)
    other = torch.diag(torch.tensor([1.0, 2.0]))
    # C₁C₂ = [[2, 2], [1, 4]] has eigenvalues a, b with a + b = 6 and ab = 6;
    # (√a + √b)² = a + b + 2 √(ab)
    assert root_trace(covariance, other).item() == pytest.approx((6 + 2 * 6**0.5) ** 0.5)


@pytest.mark.parametrize("D", [1, 2, 7, 30])
def test_root_trace_equals_that_of_scipys_root(D):
    first, second = random_covariance(D), random_covariance(D, seed=1)
    root = linalg.sqrtm(first.numpy() @ second.numpy())
    assert root_trace(first, second).item() == pytest.approx(np.trace(root).real, rel=1e-8)


def test_root_trace_of_commuting_covariances_is_that_of_the_deviations():
    axes, _ = torch.linalg.qr(random_features(4, 4))
    variances = torch.tensor([[1.0, 4.0, 9.0, 0.0], [16.0, 1.0, 4.0, 25.0]], dtype=torch.float64)
    first, second = (axes @ each.diag() @ axes.T for each in variances)
    assert root_trace(first, second).item() == pytest.approx(4 + 2 + 6 + 0, abs=1e-6)


@pytest.mark.parametrize("ranks", [(1, 1), (3, 8), (8, 3), (2, 3)])
def test_root_trace_of_singular_covariances_is_the_sum_of_singular_values(ranks):
    """tr (AᵀA BᵀB)^½ = ‖A Bᵀ‖_*, and both factors have few rows."""
    factors = [random_features(rank, 8, seed) for seed, rank in enumerate(ranks)]
    first, second = (factor.T @ factor for factor in factors)
    expected = torch.linalg.matrix_norm(factors[0] @ factors[1].T, "nuc")
    torch.testing.assert_close(root_trace(first, second), expected, rtol=1e-6, atol=1e-6)


def test_root_trace_is_symmetric_and_grows_with_the_root_of_a_scale():
    first, second = random_covariance(5), random_covariance(5, rank=3, seed=1)
    trace = root_trace(first, second)
    torch.testing.assert_close(root_trace(second, first), trace, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(root_trace(9 * first, second), 3 * trace, rtol=1e-6, atol=1e-6)


def test_root_trace_takes_what_rounding_leaves_below_zero_for_zero():
    first = torch.diag(torch.tensor([4.0, -1e-12], dtype=torch.float64))
    second = torch.diag(torch.tensor([9.0, 1.0], dtype=torch.float64))
    assert root_trace(first, second).item() == pytest.approx(6)
    assert root_trace(second, first).item() == pytest.approx(6)
    assert root_trace(0 * first, second).item() == 0


def test_root_trace_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"cov_2: expected .* = \(2, 2\) to go with cov_1"):
        root_trace(torch.eye(2), torch.eye(3))
    with pytest.raises(TypeError, match=r"cov_1: .* got torch.int64"):
        root_trace(torch.eye(2).long(), torch.eye(2))


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


def test_frechet_distance_equals_that_of_torch_fidelity():
    features = [random_features(300, 12, seed).float() for seed in (0, 1)]
    distance = frechet_distance(*map(feature_statistics, features)).item()
    statistics = map(metric_fid.fid_features_to_statistics, features)
    theirs = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    assert distance == pytest.approx(theirs[metric_fid.KEY_METRIC_FID], rel=1e-4)


@pytest.mark.parametrize("N", [100, 8])  # more and fewer than features
def test_frechet_distance_equals_that_of_torchmetrics(N):
    features = [random_features(N, 12, seed) for seed in (0, 1)]
    metric = FrechetInceptionDistance(Pixels(12), input_img_size=(3, 2, 2)).set_dtype(torch.float64)
    for real, each in zip((True, False), features, strict=True):
        for batch in each.view(N, 3, 2, 2).split(30):
            metric.update(batch, real=real)
    distance = frechet_distance(*map(feature_statistics, features)).item()
    assert distance == pytest.approx(metric.compute().item(), rel=1e-4)


def test_frechet_distance_between_known_distributions_is_found_from_many_samples():
    """N(0, I) and N(m, 4I) with |m| = 1 are 1 + D apart."""
    rng = torch.Generator().manual_seed(0)
    first, second = (torch.randn(20_000, 3, generator=rng) for _ in range(2))
    second = 2 * second + torch.tensor([1.0, 0.0, 0.0])
    distance = frechet_distance(*map(feature_statistics, (first, second))).item()
    assert distance == pytest.approx(1 + 3, rel=0.03)


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
