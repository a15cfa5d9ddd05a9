import pytest
import torch

from cvgen_course.evaluation import (
    Manifold,
    estimate_frechet_distance,
    estimate_inception_score,
    estimate_kernel_distance,
    estimate_manifold,
    feature_statistics,
    frechet_distance,
    inception_score,
    kernel_distance,
    manifold,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, rng=None):
    return torch.randn(shape, generator=rng or seeded())


def error_ratio(draw, num):
    """Return the standard errors of many estimates, divided by how much these really vary."""
    values, errors = (
        torch.tensor(each) for each in zip(*(draw() for _ in range(num)), strict=True)
    )
    return (errors.square().mean().sqrt() / values.std()).item()


SETS = normal(60, 3), normal(50, 3, rng=seeded(1)) + 0.5


@pytest.mark.parametrize(
    ("estimate", "distance"),
    [
        (
            estimate_frechet_distance,
            lambda *sets: frechet_distance(*map(feature_statistics, sets)),
        ),
        (estimate_kernel_distance, kernel_distance),
    ],
)
def test_estimated_distance_is_that_of_all_features(estimate, distance):
    assert estimate(*SETS).value == pytest.approx(distance(*SETS).item())
    assert isinstance(estimate(*SETS).value, float)


def test_estimate_manifold_gives_each_number_by_name():
    found, expected = estimate_manifold(*SETS, k=3), manifold(*SETS, k=3)
    assert tuple(found) == Manifold._fields
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(getattr(expected, name).item())
    share, N = expected.recall.item(), len(SETS[0])
    assert found["recall"].error == pytest.approx((share * (1 - share) / (N - 1)) ** 0.5)


def test_estimate_inception_score_of_one_split_is_the_score_without_a_known_error():
    probs = normal(40, 5).softmax(dim=1)
    found = estimate_inception_score(probs, num_splits=1)
    assert found.value == pytest.approx(inception_score(probs).item())
    assert found.error == float("inf")


def test_estimate_inception_score_shuffles():
    """Classes in order: each split by itself would hold a single class, and score 1."""
    probs = torch.eye(10).repeat_interleave(100, dim=0)
    found = estimate_inception_score(probs, num_splits=10, rng=seeded())
    assert 9 < found.value < 10
    assert 0 < found.error < 0.2


def test_estimate_inception_score_is_the_mean_of_splits_which_score_lower():
    probs = normal(200, 5).softmax(dim=1)
    found = estimate_inception_score(probs, num_splits=4, rng=seeded(1))
    parts = probs[torch.randperm(200, generator=seeded(1))].split(50)
    scores = torch.stack([inception_score(part) for part in parts])
    assert found.value == pytest.approx(scores.mean().item())
    assert found.error == pytest.approx(scores.std().item() / 2)
    assert estimate_inception_score(probs, num_splits=40).value < found.value


def test_estimate_inception_score_has_an_error_of_the_right_size():
    rng = seeded()

    def draw():
        return estimate_inception_score((2 * normal(200, 6, rng=rng)).softmax(dim=1), 5, rng)

    assert 0.8 < error_ratio(draw, 150) < 1.25


def test_estimate_frechet_distance_has_an_error_of_the_right_size():
    rng = seeded()

    def draw():
        return estimate_frechet_distance(
            normal(150, 3, rng=rng), normal(100, 3, rng=rng) + 1, num=15, rng=rng
        )

    assert 0.7 < error_ratio(draw, 60) < 1.4


@pytest.mark.parametrize(
    ("shift", "low", "high"),
    [
        (1.0, 0.75, 1.35),
        (0.0, 1.0, 5.0),  # blocks miss most pairs: where only chance is left, that is too careful
    ],
)
def test_estimate_kernel_distance_has_an_error_of_the_right_size(shift, low, high):
    rng = seeded()

    def draw():
        return estimate_kernel_distance(
            normal(150, 3, rng=rng), normal(100, 3, rng=rng) + shift, num_blocks=10, rng=rng
        )

    assert low < error_ratio(draw, 100) < high


@pytest.mark.parametrize("name", Manifold._fields)
def test_estimate_manifold_has_an_error_of_the_right_size_for_given_balls(name):
    rng = seeded()
    given = normal(150, 3, rng=rng)

    def draw():
        other = 0.8 * normal(120, 3, rng=rng) + 0.3
        sets = (given, other) if name in ("precision", "density") else (other, given)
        return estimate_manifold(*sets, k=3)[name]

    assert 0.6 < error_ratio(draw, 100) < 1.5


@pytest.mark.parametrize("estimate", [estimate_frechet_distance, estimate_kernel_distance])
def test_estimates_draw_from_the_given_generator_alone(estimate):
    before = torch.get_rng_state()
    first = estimate(*SETS, rng=seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert estimate(*SETS, rng=seeded(1)) == first
    assert estimate(*SETS, rng=seeded(2)).error != first.error


@pytest.mark.parametrize("num_splits", [0, -1, 41])
def test_estimate_inception_score_refuses_a_number_of_splits_that_there_is_not(num_splits):
    with pytest.raises(ValueError, match=f"num_splits: expected 1 to N = 40, got {num_splits}"):
        estimate_inception_score(normal(40, 5).softmax(dim=1), num_splits)


@pytest.mark.parametrize("num_blocks", [1, 26])
def test_estimate_kernel_distance_refuses_a_number_of_blocks_that_there_is_not(num_blocks):
    with pytest.raises(ValueError, match=f"num_blocks: expected 2 to 25, got {num_blocks}"):
        estimate_kernel_distance(*SETS, num_blocks)
