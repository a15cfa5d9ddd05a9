import math

import pytest
import torch
from scipy import stats

from cvgen_course.autoencoders import perplexity


def draw(*shape, num_codes=12, seed=0):
    share = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) ** 3
    return (num_codes * share).long()


@pytest.mark.parametrize(
    ("batches", "num_codes", "expected"),
    [
        ([[0, 0, 1, 1]], 2, 2.0),
        ([[3, 3, 3]], 8, 1.0),
        ([[0, 1, 2, 2]], 4, 2**1.5),  # 1.5 bits: 2 · 1/4 · 2 + 1/2 · 1
        ([[0, 0], [1, 1]], 2, 2.0),  # each batch alone has 1
        ([[0, 0, 0], [1]], 5, 4 / 3**0.75),  # shares 3/4 and 1/4
        ([[]], 7, 1.0),
        ([[], [4]], 7, 1.0),
        ([], 7, 1.0),
        ([[0, 0]], 1, 1.0),
    ],
)
def test_perplexity_by_hand(batches, num_codes, expected):
    batches = [torch.tensor(batch, dtype=torch.int64) for batch in batches]
    assert perplexity(batches, num_codes).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("num_codes", [1, 2, 7, 512])
def test_perplexity_of_even_use_is_the_number_of_codes(num_codes):
    indices = torch.arange(num_codes).repeat(3)
    assert perplexity([indices], num_codes).item() == pytest.approx(num_codes, rel=1e-12)
    assert perplexity([indices], 2 * num_codes).item() == pytest.approx(num_codes, rel=1e-12)


def test_perplexity_agrees_with_scipys_entropy():
    indices = draw(500)
    entropy = stats.entropy(torch.bincount(indices).numpy())
    assert perplexity([indices], 12).item() == pytest.approx(math.exp(entropy), rel=1e-12)


def test_perplexity_does_not_depend_on_how_a_data_set_is_cut_into_batches():
    indices = draw(60, 4, 4)
    whole = perplexity([indices], 12)
    for size in (1, 7, 32, 60):
        assert torch.equal(perplexity(indices.split(size), 12), whole)
    assert torch.equal(perplexity(iter(indices.flatten().split(11)), 12), whole)
    assert torch.equal(perplexity([indices[:0], indices, indices[:0]], 12), whole)


def test_perplexity_of_batches_alone_is_smaller_in_the_mean():
    indices = draw(40, 3)
    alone = torch.stack([perplexity([batch], 12) for batch in indices.split(2)])
    assert alone.mean() < perplexity([indices], 12)
    assert alone.max() <= 6  # no batch of six indices shows more codes


def test_perplexity_depends_on_no_names_and_lies_between_one_and_the_codes_in_use():
    indices = draw(80)
    names = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    found = perplexity([indices], 12)
    torch.testing.assert_close(perplexity([names[indices]], 12), found)
    assert 1 < found < len(indices.unique())


def test_perplexity_returns_one_number_of_float64():
    found = perplexity([draw(2, 3, 4)], 12)
    assert found.shape == ()
    assert found.dtype == torch.float64


@pytest.mark.parametrize(
    ("batches", "num_codes", "error", "message"),
    [
        ([torch.ones(3)], 4, TypeError, r"batches: expected an int64 tensor .*long\(\)"),
        ([[0, 1]], 4, TypeError, r"batches: expected an int64 tensor .* got list"),
        ([torch.arange(5)], 4, ValueError, r"batches: expected values in \[0, 4\).*codebook"),
        ([torch.tensor([-1])], 4, ValueError, r"batches: .* from -1 to -1"),
        ([torch.arange(3)], 0, ValueError, "num_codes: expected at least 1, got 0"),
    ],
)
def test_perplexity_says_what_is_wrong(batches, num_codes, error, message):
    with pytest.raises(error, match=message):
        perplexity(batches, num_codes)
