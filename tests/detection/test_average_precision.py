import numpy as np
import pytest
import torch
from sklearn.metrics import precision_recall_curve

from cvgen_course.detection.average_precision import average_precision, precision_recall

# By decreasing score: hit, miss, hit, miss, miss, hit; 4 objects.
SCORES = torch.tensor([0.3, 0.9, 0.5, 0.8, 0.4, 0.7])
HITS = torch.tensor([True, True, False, False, False, True])
PRECISION = [1, 1 / 2, 2 / 3, 2 / 4, 2 / 5, 3 / 6]
RECALL = [1 / 4, 1 / 4, 2 / 4, 2 / 4, 2 / 4, 3 / 4]


def random_list(D, seed=0, share=0.5, levels=None):
    rng = torch.Generator().manual_seed(seed)
    scores = torch.rand(D, generator=rng)
    if levels:
        scores = (scores * levels).floor() / levels
    return scores, torch.rand(D, generator=rng) < share


def naive_average_precision(scores, hits, num_objects, num_points):
    """Return the mean of the best precision at or beyond each recall, with Python's numbers."""
    ranked = sorted(zip(scores.tolist(), hits.tolist(), strict=True), key=lambda pair: -pair[0])
    points, found = [], 0
    for counted, (_, hit) in enumerate(ranked, start=1):
        found += hit
        points.append((found / num_objects, found / counted))
    if num_points is None:  # between (k - 1) / n and k / n nothing changes
        levels = [(k - 0.5) / num_objects for k in range(1, num_objects + 1)]
    else:
        levels = np.linspace(0, 1, num_points).tolist()
    best = [max((p for r, p in points if r >= level), default=0.0) for level in levels]
    return sum(best) / len(best)


def test_precision_recall_equals_one_worked_out_by_hand():
    precision, recall = precision_recall(SCORES, HITS, 4)
    assert precision.dtype == recall.dtype == torch.float64
    assert precision.tolist() == PRECISION
    assert recall.tolist() == RECALL


def test_precision_recall_equals_scikit_learns():
    scores, hits = random_list(50)
    precision, recall = precision_recall(scores, hits, int(hits.sum()))
    their_precision, their_recall, _ = precision_recall_curve(hits, scores)
    np.testing.assert_allclose(precision, their_precision[-2::-1])
    np.testing.assert_allclose(recall, their_recall[-2::-1])


def test_precision_recall_keeps_the_order_of_equal_scores():
    scores = torch.tensor([0.5, 0.5, 0.9, 0.5])
    hits = torch.tensor([True, False, False, True])
    precision, _ = precision_recall(scores, hits, 2)
    assert precision.tolist() == [0, 1 / 2, 1 / 3, 2 / 4]


def test_precision_recall_of_no_detections_is_empty():
    precision, recall = precision_recall(torch.zeros(0), torch.zeros(0, dtype=torch.bool), 3)
    assert precision.shape == recall.shape == (0,)


def test_average_precision_equals_ones_worked_out_by_hand():
    # Interpolated: 1 up to recall 1/4, 2/3 up to 1/2, 1/2 up to 3/4, then 0.
    assert average_precision(SCORES, HITS, 4) == pytest.approx((1 + 2 / 3 + 1 / 2) / 4)
    # 0, 0.1, 0.2 | 0.3, 0.4, 0.5 | 0.6, 0.7 | 0.8, 0.9, 1
    eleven = (3 * 1 + 3 * 2 / 3 + 2 * 1 / 2) / 11
    assert average_precision(SCORES, HITS, 4, num_points=11) == pytest.approx(eleven)
    # 0 … 0.25 | 0.26 … 0.5 | 0.51 … 0.75 | 0.76 … 1
    points = (26 * 1 + 25 * 2 / 3 + 25 * 1 / 2) / 101
    assert average_precision(SCORES, HITS, 4, num_points=101) == pytest.approx(points)


@pytest.mark.parametrize("num_points", [None, 2, 11, 101, 1000])
@pytest.mark.parametrize("levels", [None, 5])
def test_average_precision_equals_a_loop(num_points, levels):
    for seed in range(20):
        scores, hits = random_list(1 + 3 * seed, seed, share=0.1 + seed / 25, levels=levels)
        num_objects = int(hits.sum()) + 1 + seed % 3
        expected = naive_average_precision(scores, hits, num_objects, num_points)
        got = average_precision(scores, hits, num_objects, num_points)
        assert got == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_one_if_everything_is_found_first():
    hits = torch.tensor([True] * 5 + [False] * 20)
    for num_points in (None, 11, 101):
        assert average_precision(torch.arange(25.0).flip(0), hits, 5, num_points) == 1


def test_average_precision_depends_on_the_order_only():
    scores, hits = random_list(40)
    shuffled = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    for num_points in (None, 11, 101):
        expected = average_precision(scores, hits, 30, num_points)
        assert average_precision(scores**3 - 5, hits, 30, num_points) == expected
        assert average_precision(scores[shuffled], hits[shuffled], 30, num_points) == expected


def test_average_precision_does_not_fall_with_misses_at_the_end():
    scores, hits = random_list(40)
    longer = torch.cat([scores, -torch.rand(10)]), torch.cat([hits, torch.zeros(10).bool()])
    assert average_precision(*longer, 30) == average_precision(scores, hits, 30)


@pytest.mark.parametrize("num_points", [None, 11, 101])
def test_average_precision_is_zero_without_hits(num_points):
    nothing = torch.zeros(0), torch.zeros(0, dtype=torch.bool)
    for scores, hits in (nothing, (torch.rand(5), torch.zeros(5, dtype=torch.bool))):
        got = average_precision(scores, hits, 3, num_points)
        assert got == 0
        assert type(got) is float


def test_average_precision_takes_infinite_scores_and_leaves_its_inputs_alone():
    scores, hits = (
        torch.tensor([0.0, float("inf"), -float("inf")]),
        torch.tensor([True, True, False]),
    )
    before = scores.clone(), hits.clone()
    assert average_precision(scores, hits, 2) == 1
    assert torch.equal(scores, before[0])
    assert torch.equal(hits, before[1])


@pytest.mark.parametrize("function", [precision_recall, average_precision])
def test_average_precision_says_what_is_wrong_with_its_arguments(function):
    with pytest.raises(TypeError, match=r"scores: expected .* tensor .* got list"):
        function([0.5], HITS, 4)
    with pytest.raises(TypeError, match=r"scores: expected a floating-point .* got torch\.int64"):
        function(SCORES.long(), HITS, 4)
    with pytest.raises(TypeError, match=r"hits: expected a bool .* got torch\.int64"):
        function(SCORES, HITS.long(), 4)
    with pytest.raises(ValueError, match=r"scores: expected .* shape \(D,\), got shape \(1, 6"):
        function(SCORES[None], HITS, 4)
    with pytest.raises(ValueError, match=r"hits: .* to go with scores \(6,\), got shape \(5,\)"):
        function(SCORES, HITS[:5], 4)
    with pytest.raises(ValueError, match=r"scores: expected numbers, got NaN"):
        function(SCORES.where(HITS, float("nan")), HITS, 4)
    with pytest.raises(ValueError, match=r"num_objects: expected at least 1, got 0"):
        function(SCORES, HITS, 0)
    with pytest.raises(ValueError, match=r"num_objects: expected at least the number of hits, 3"):
        function(SCORES, HITS, 2)


def test_average_precision_says_that_it_needs_two_points():
    with pytest.raises(ValueError, match=r"num_points: expected None or at least 2, got 1"):
        average_precision(SCORES, HITS, 4, num_points=1)
