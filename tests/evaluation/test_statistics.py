import weakref
from itertools import permutations

import numpy as np
import pytest
import torch

from cvgen_course.evaluation import (
    Moments,
    feature_statistics,
    merge_moments,
    moments,
    statistics,
    streaming_statistics,
)


def random_features(N, D, seed=0):
    rng = torch.Generator().manual_seed(seed)
    mix = torch.randn(D, D, generator=rng, dtype=torch.float64)
    return torch.randn(N, D, generator=rng, dtype=torch.float64) @ mix + seed


def by_numpy(features):
    rows = features.double().numpy()
    covariance = np.cov(rows, rowvar=False).reshape(rows.shape[1], -1)
    return torch.from_numpy(rows.mean(axis=0)), torch.from_numpy(covariance)


def assert_moments_close(found, expected):
    assert found.num == expected.num
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.scatter, expected.scatter)


def test_feature_statistics_equal_numbers_worked_out_by_hand():
    mean, covariance = feature_statistics(torch.tensor([[1.0, 2.0], [3.0, 2.0], [5.0, 8.0]]))
    assert mean.tolist() == [3, 4]
    assert covariance.tolist() == [[4, 6], [6, 12]]


@pytest.mark.parametrize(("N", "D"), [(2, 1), (10, 1), (2, 3), (50, 4), (2500, 2)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_feature_statistics_equal_numpys(N, D, dtype):
    features = random_features(N, D).to(dtype)
    found = feature_statistics(features)
    torch.testing.assert_close(found, by_numpy(features))
    assert [each.dtype for each in found] == [torch.float64] * 2


def test_feature_statistics_of_large_offsets_are_precise():
    features = random_features(1000, 3)
    _, covariance = feature_statistics(features + 1e4)
    torch.testing.assert_close(covariance, feature_statistics(features)[1], rtol=1e-6, atol=1e-8)


def test_moments_equal_numbers_worked_out_by_hand():
    found = moments(torch.tensor([[1.0, 2.0], [3.0, 2.0], [5.0, 8.0]]))
    assert found.num == 3
    assert found.mean.tolist() == [3, 4]
    assert found.scatter.tolist() == [[8, 12], [12, 24]]


def test_moments_of_one_row_and_of_none():
    one, none = moments(torch.tensor([[2.0, -1.0]])), moments(torch.zeros(0, 2))
    assert [one.num, one.mean.tolist(), one.scatter.tolist()] == [1, [2, -1], [[0, 0], [0, 0]]]
    assert [none.num, none.mean.tolist(), none.scatter.tolist()] == [0, [0, 0], [[0, 0], [0, 0]]]


def test_moments_do_not_depend_on_the_order_and_leave_the_features_as_they_are():
    features = random_features(40, 3)
    before = features.clone()
    assert_moments_close(moments(features.flip(0)), moments(features))
    assert torch.equal(features, before)


def test_moments_have_two_tensors_that_share_no_memory():
    """Or a file of the mean would hold the scatter, too."""
    found = moments(random_features(10, 3))
    assert found.mean.untyped_storage().nbytes() == 3 * 8
    assert found.scatter.untyped_storage().nbytes() == 3 * 3 * 8


@pytest.mark.parametrize("sizes", [(5, 7), (1, 1), (30, 1), (1, 30), (2, 400)])
def test_merge_moments_equals_the_moments_of_all(sizes):
    parts = [random_features(N, 4, seed) for seed, N in enumerate(sizes)]
    assert_moments_close(merge_moments(*map(moments, parts)), moments(torch.cat(parts)))


def test_merge_moments_by_hand_adds_what_the_means_are_apart():
    first, second = moments(torch.tensor([[0.0], [2.0]])), moments(torch.tensor([[7.0]]))
    assert merge_moments(first, second) == Moments(3, torch.tensor([3.0]), torch.tensor([[26.0]]))


@pytest.mark.parametrize("N", [0, 1, 9])
def test_merge_moments_with_an_empty_set_changes_nothing(N):
    some, none = moments(random_features(N, 3, seed=5)), moments(torch.zeros(0, 3))
    assert_moments_close(merge_moments(some, none), some)
    assert_moments_close(merge_moments(none, some), some)


def test_merge_moments_in_any_order_gives_the_same():
    parts = [moments(random_features(N, 3, seed)) for seed, N in enumerate((4, 0, 1, 20))]
    expected = merge_moments(merge_moments(*parts[:2]), merge_moments(*parts[2:]))
    for a, b, c, d in permutations(parts):
        assert_moments_close(merge_moments(merge_moments(merge_moments(a, b), c), d), expected)
        assert_moments_close(merge_moments(a, merge_moments(b, merge_moments(c, d))), expected)


def test_merge_moments_leaves_its_arguments_as_they_are():
    parts = [moments(random_features(N, 3, seed)) for seed, N in enumerate((4, 6))]
    before = [each.clone() for part in parts for each in part[1:]]
    merge_moments(*parts)
    assert all(map(torch.equal, [each for part in parts for each in part[1:]], before))


@pytest.mark.parametrize("size", [1, 2, 7, 100, 101, 1000])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_streaming_statistics_equal_those_of_all_at_once(size, offset):
    features = (random_features(101, 4) + offset).float()
    found = streaming_statistics(features.split(size))
    torch.testing.assert_close(found, by_numpy(features), rtol=1e-9, atol=1e-9)


def test_streaming_statistics_take_batches_of_one_row_and_of_none():
    features = random_features(10, 3)
    sizes = (0, 1, 0, 0, 5, 1, 3, 0)
    batches = features.split(sizes)
    torch.testing.assert_close(streaming_statistics(batches), by_numpy(features))


def test_streaming_statistics_do_not_depend_on_the_order_of_sorted_features():
    """Where means drift from batch to batch, most of the scatter lies between them."""
    features = random_features(400, 3).sort(dim=0).values
    batches = features.split(20)
    torch.testing.assert_close(streaming_statistics(batches), by_numpy(features))
    torch.testing.assert_close(streaming_statistics(batches[::-1]), by_numpy(features))


def test_streaming_statistics_let_go_of_a_batch_when_the_next_has_come():
    held = []

    def batches():
        for seed in range(5):
            assert all(ref() is None for ref in held[:-1])
            batch = random_features(4, 2, seed).float()
            held.append(weakref.ref(batch))
            yield batch
            del batch

    mean, _ = streaming_statistics(batches())
    assert len(held) == 5
    assert mean.shape == (2,)


def test_streaming_statistics_leave_the_batches_as_they_are():
    batches = [random_features(4, 2, seed) for seed in range(3)]
    before = [batch.clone() for batch in batches]
    streaming_statistics(batches)
    assert all(map(torch.equal, batches, before))


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_statistics_do_not_depend_on_how_many_rows_are_taken_at_once(at_once, monkeypatch):
    monkeypatch.setattr(statistics, "AT_ONCE", at_once)
    features = random_features(50, 3)
    torch.testing.assert_close(feature_statistics(features), by_numpy(features))
    torch.testing.assert_close(streaming_statistics(features.split(7)), by_numpy(features))


def test_covariance_is_symmetric_and_has_no_eigenvalue_far_below_zero():
    covariance = feature_statistics(random_features(5, 30).float())[1]
    torch.testing.assert_close(covariance, covariance.T, rtol=0, atol=1e-12)
    assert torch.linalg.eigvalsh(covariance).min() > -1e-12 * covariance.trace()


def test_statistics_say_what_is_wrong():
    with pytest.raises(ValueError, match="features: expected two rows or more, got 1"):
        feature_statistics(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="features: expected two rows or more, got 1"):
        streaming_statistics([torch.zeros(0, 3), torch.zeros(1, 3)])
    with pytest.raises(ValueError, match="batches: expected two features or more, got no batch"):
        streaming_statistics([])
    with pytest.raises(ValueError, match=r"features: expected .*\(N, D\), got shape \(3, 1, 1\)"):
        feature_statistics(torch.zeros(3, 1, 1))
    with pytest.raises(ValueError, match=r"features: expected .* = \(N, 3\), got shape \(2, 4\)"):
        streaming_statistics([torch.zeros(2, 3), torch.zeros(2, 4)])
    with pytest.raises(TypeError, match=r"features: .*floating-point.* got torch.uint8"):
        feature_statistics(torch.zeros(3, 2).byte())


def test_merge_moments_says_what_is_wrong():
    two, three = moments(torch.zeros(4, 2)), moments(torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"mean_2: expected .*\(D,\) = \(2,\), got shape \(3,\)"):
        merge_moments(two, three)
    with pytest.raises(ValueError, match=r"scatter_1: expected .* = \(2, 2\) to go with mean_1"):
        merge_moments(two._replace(scatter=three.scatter), two)
    with pytest.raises(TypeError, match=r"mean_2: .* got torch.int64"):
        merge_moments(two, two._replace(mean=two.mean.long()))
