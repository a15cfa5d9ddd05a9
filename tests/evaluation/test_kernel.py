import pytest
import torch
from torch_fidelity import metric_kid
from torchmetrics.image.kid import KernelInceptionDistance

from cvgen_course.evaluation import kernel, kernel_distance, polynomial_kernel


def random_features(N, D=6, seed=0, shift=0.0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(N, D, generator=rng, dtype=torch.float64) + shift


def naive_distance(real, fake):
    """Return the distance pair by pair."""

    def k(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def mean(values):
        return sum(values) / len(values)

    real, fake = real.tolist(), fake.tolist()
    within = [
        mean([k(x, y) for i, x in enumerate(each) for j, y in enumerate(each) if i != j])
        for each in (real, fake)
    ]
    return sum(within) - 2 * mean([k(x, y) for x in real for y in fake])


def test_polynomial_kernel_worked_out_by_hand():
    first, second = torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.tensor([[2.0, 0.0], [-1.0, -1.0]])
    assert polynomial_kernel(first, second).tolist() == [[8, -1], [1, 1]]


def test_kernel_distance_of_single_numbers_worked_out_by_hand():
    real, fake = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0], [-1.0]])
    # k within the real: (0 + 1)³ = 1; within the fakes: 3³, 0³ and (-1)³, on average 26 / 3;
    # across: three times 1, 2³, 3³, 0³
    expected = 1 + 26 / 3 - 2 * (3 + 8 + 27 + 0) / 6
    assert kernel_distance(real, fake).item() == pytest.approx(expected)


@pytest.mark.parametrize(("N", "M"), [(2, 2), (2, 7), (9, 5), (30, 30)])
def test_kernel_distance_equals_a_loop(N, M):
    real, fake = random_features(N), random_features(M, seed=1, shift=0.5)
    assert kernel_distance(real, fake).item() == pytest.approx(naive_distance(real, fake))


def test_kernel_distance_equals_those_of_torch_fidelity_and_torchmetrics():
    real, fake = random_features(80), random_features(80, seed=1, shift=0.3)
    distance = kernel_distance(real, fake).item()
    theirs = metric_kid.kid_features_to_metric(real, fake, kid_subsets=2, kid_subset_size=80)
    assert distance == pytest.approx(theirs[metric_kid.KEY_METRIC_KID_MEAN], rel=1e-4)
    with pytest.warns(UserWarning, match="will save all extracted features"):
        metric = KernelInceptionDistance(torch.nn.Flatten(), subsets=1, subset_size=80)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    assert distance == pytest.approx(metric.compute()[0].item(), rel=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.4])
@pytest.mark.parametrize(("N", "M"), [(3, 3), (4, 12)])
def test_kernel_distance_is_right_on_average_for_any_number_of_items(N, M, shift):
    rng = torch.Generator().manual_seed(0)
    draws = torch.stack(
        [
            kernel_distance(
                torch.randn(N, 2, generator=rng), torch.randn(M, 2, generator=rng) + shift
            )
            for _ in range(1500)
        ]
    )
    many = [torch.randn(4000, 2, generator=rng) + step for step in (0.0, shift)]
    error = draws.std() / len(draws) ** 0.5
    assert (draws.mean() - kernel_distance(*many)).abs() < 4 * error
    if shift == 0:
        assert draws.mean().abs() < 4 * error


def test_kernel_distance_between_samples_of_one_distribution_is_often_below_zero():
    parts = random_features(4000, D=3).split(20)
    distances = [kernel_distance(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    below = sum(int(distance < 0) for distance in distances)
    assert 0.3 * len(distances) < below < 0.9 * len(distances)


def test_kernel_distance_of_a_set_to_itself_is_below_zero():
    """Across, items meet themselves; within, they don't."""
    features = random_features(10)
    assert kernel_distance(features, features) < 0


def test_kernel_distance_is_symmetric_and_knows_no_order():
    real, fake = random_features(20), random_features(30, seed=1, shift=1)
    distance = kernel_distance(real, fake)
    torch.testing.assert_close(kernel_distance(fake, real), distance)
    torch.testing.assert_close(kernel_distance(real.flip(0), fake.roll(7, 0)), distance)


@pytest.mark.parametrize("at_once", [1, 50, 100, 1000])
def test_kernel_distance_does_not_depend_on_how_many_pairs_are_held(at_once, monkeypatch):
    real, fake = random_features(23), random_features(31, seed=1, shift=1)
    distance = kernel_distance(real, fake)
    monkeypatch.setattr(kernel, "AT_ONCE", at_once)
    torch.testing.assert_close(kernel_distance(real, fake), distance)


def test_kernel_distance_computes_in_float64():
    """A distance of large features is the small difference of large numbers."""
    real, fake = (random_features(50, seed=seed).float() + 30 for seed in (0, 1))
    distance = kernel_distance(real, fake)
    assert distance.dtype == torch.float64
    torch.testing.assert_close(distance, kernel_distance(real.double(), fake.double()))
    assert distance.item() == pytest.approx(naive_distance(real, fake), rel=1e-6)


def test_kernel_distance_says_what_is_wrong():
    for name, pair in (("real", (1, 5)), ("fake", (5, 1))):
        with pytest.raises(ValueError, match=f"{name}: expected two rows or more, got 1"):
            kernel_distance(*map(random_features, pair))
    with pytest.raises(ValueError, match=r"fake: expected .*\(M, 6\).* got shape \(5, 4\)"):
        kernel_distance(random_features(5), random_features(5, D=4))
    with pytest.raises(ValueError, match=r"second: expected .*\(M, 6\).* got shape \(5, 4\)"):
        polynomial_kernel(random_features(5), random_features(5, D=4))
    with pytest.raises(TypeError, match="real: expected a floating-point tensor"):
        kernel_distance(random_features(5).long(), random_features(5))
