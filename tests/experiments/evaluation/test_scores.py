import pytest
import torch

from cvgen_course.evaluation import estimate_inception_score, inception_score, mean_with_error
from cvgen_course.experiments.evaluation.scores import NUM_SPLITS, add, no_sums, score


def random_probs(N, K, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(N, K, generator=rng)).softmax(dim=1)


def of(probs, splits):
    return score(add(no_sums(probs.shape[1]), probs, splits))


def test_score_of_sure_predictions_is_the_number_of_classes():
    probs = torch.eye(4).repeat(NUM_SPLITS, 1)
    found = of(probs, torch.arange(NUM_SPLITS).repeat_interleave(4))
    assert found.value == pytest.approx(4)
    assert found.error == pytest.approx(0, abs=1e-12)


def test_score_is_the_mean_of_the_splits_scores():
    probs = random_probs(203, 5)
    splits = torch.randint(NUM_SPLITS, (203,), generator=torch.Generator().manual_seed(1))
    each = torch.stack([inception_score(probs[splits == s]) for s in range(NUM_SPLITS)])
    assert of(probs, splits) == pytest.approx(mean_with_error(each), rel=1e-9)


def test_score_agrees_with_that_of_all_at_once():
    probs = random_probs(2000, 5)
    found = of(probs, torch.arange(2000) % NUM_SPLITS)
    expected = estimate_inception_score(probs, rng=torch.Generator().manual_seed(0))
    assert found.value == pytest.approx(expected.value, rel=0.01)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_add_gives_the_same_in_batches(size):
    probs, splits = random_probs(100, 3), torch.arange(100) % NUM_SPLITS
    sums = no_sums(3)
    for batch in zip(probs.split(size), splits.split(size), strict=True):
        sums = add(sums, *batch)
    assert score(sums) == pytest.approx(of(probs, splits), rel=1e-9)


def test_add_leaves_its_arguments_as_they_are():
    sums = no_sums(3)
    add(sums, random_probs(10, 3), torch.arange(10))
    assert all((x == 0).all() for x in sums)
