import pytest
import torch

from cvgen_course.detection.matching import IGNORED, NEGATIVE
from cvgen_course.detection.sampling import sample_balanced


def matches_with(num_positive, num_negative, num_ignored=5, seed=0):
    """Matches of one image in random order."""
    parts = torch.arange(num_positive) % 3, torch.full((num_negative,), NEGATIVE)
    matches = torch.cat([*parts, torch.full((num_ignored,), IGNORED)])
    return matches[torch.randperm(len(matches), generator=torch.Generator().manual_seed(seed))]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("num_positive", "num_negative", "expected"),
    [
        (30, 40, (8, 8)),  # enough of both
        (3, 40, (3, 13)),  # negatives fill up
        (30, 5, (8, 5)),  # positives don't
        (3, 5, (3, 5)),  # too few of both: all
        (0, 40, (0, 16)),
        (30, 0, (8, 0)),
        (0, 0, (0, 0)),
    ],
)
def test_sample_balanced_draws_as_many_as_it_should(num_positive, num_negative, expected):
    matches = matches_with(num_positive, num_negative)
    positive, negative = sample_balanced(matches, 16, 0.5, rng())
    assert (positive.sum().item(), negative.sum().item()) == expected
    assert positive.dtype == negative.dtype == torch.bool
    assert positive.shape == negative.shape == matches.shape
    assert (matches[positive] >= 0).all()
    assert (matches[negative] == NEGATIVE).all()


@pytest.mark.parametrize(
    ("num_samples", "fraction", "expected"),
    [(16, 0.25, 4), (10, 0.25, 2), (7, 1.0, 7), (7, 0.0, 0), (0, 0.5, 0), (1, 0.9, 0)],
)
def test_sample_balanced_takes_at_most_the_fraction(num_samples, fraction, expected):
    positive, negative = sample_balanced(matches_with(30, 40), num_samples, fraction, rng())
    assert positive.sum() == expected
    assert negative.sum() == num_samples - expected


def test_sample_balanced_treats_images_one_by_one():
    matches = torch.stack([matches_with(n, 60 - n, seed=n) for n in (0, 2, 30, 60)])
    positive, negative = sample_balanced(matches.reshape(2, 2, -1), 16, 0.5, rng())
    assert positive.sum(dim=-1).tolist() == [[0, 2], [8, 8]]
    assert negative.sum(dim=-1).tolist() == [[16, 14], [8, 0]]


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 7)])
def test_sample_balanced_of_nothing_is_nothing(shape):
    positive, negative = sample_balanced(torch.zeros(shape, dtype=torch.int64), 16, 0.5, rng())
    assert positive.shape == negative.shape == shape


def test_sample_balanced_gives_each_anchor_the_same_chance():
    matches = torch.tensor([0, 1, 2, 3, 4, -1, -1, -1, -1, -1, -1, -2]).expand(4000, 12)
    positive, negative = sample_balanced(matches, 5, 0.4, rng())
    # 2 of 5 positives and 3 of 6 negatives: a standard deviation is below 0.008
    torch.testing.assert_close(
        positive.float().mean(dim=0)[:5], torch.full((5,), 0.4), rtol=0, atol=0.04
    )
    torch.testing.assert_close(
        negative.float().mean(dim=0)[5:11], torch.full((6,), 0.5), rtol=0, atol=0.04
    )
    first_two = positive[:, :2].sum(dim=1)  # drawn without replacement: both with 1/10
    assert (first_two == 2).float().mean().item() == pytest.approx(0.1, abs=0.025)


def test_sample_balanced_follows_from_the_generator():
    matches = matches_with(50, 50)
    first, again, other = (sample_balanced(matches, 16, 0.5, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[1], other[1])


def test_sample_balanced_without_a_generator_follows_from_the_global_one():
    matches = matches_with(50, 50)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = sample_balanced(matches, 16, 0.5)
        second = sample_balanced(matches, 16, 0.5)
        torch.manual_seed(3)
        again = sample_balanced(matches, 16, 0.5)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], second[0])


def test_sample_balanced_says_what_is_wrong_with_its_arguments():
    matches = matches_with(5, 5)
    with pytest.raises(TypeError, match=r"matches: expected an int64 tensor .* got list"):
        sample_balanced([0, -1], 4, 0.5)
    with pytest.raises(TypeError, match=r"matches: expected an int64 tensor .* got torch\.bool"):
        sample_balanced(matches > 0, 4, 0.5)
    with pytest.raises(ValueError, match=r"matches: expected .* \(\.\.\., A\), got shape \(\)"):
        sample_balanced(torch.tensor(1), 4, 0.5)
    with pytest.raises(ValueError, match=r"num_samples: expected 0 or more, got -1"):
        sample_balanced(matches, -1, 0.5)
    with pytest.raises(ValueError, match=r"positive_fraction: expected a share .* got 1\.5"):
        sample_balanced(matches, 4, 1.5)
