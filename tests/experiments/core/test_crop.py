import pytest
import torch

from cvgen_course.experiments.core.crop import cut, padded, random_corner


def test_cut_takes_a_window_out():
    x = torch.arange(2 * 5 * 6).view(2, 5, 6)
    assert torch.equal(cut(x, (1, 2), (3, 4)), x[:, 1:4, 2:6])


def test_cut_fills_up_at_the_right_and_at_the_bottom():
    x = torch.ones(2, 3, dtype=torch.int64)
    expected = torch.tensor([[1, 1, 1, 7], [1, 1, 1, 7], [7, 7, 7, 7]])
    assert torch.equal(cut(x, (0, 0), (3, 4), fill=7), expected)


def test_random_corner_reaches_every_place_and_no_other():
    rng = torch.Generator().manual_seed(0)
    found = {random_corner((5, 4), (3, 4), rng) for _ in range(60)}
    assert found == {(0, 0), (1, 0), (2, 0)}


def test_random_corner_of_a_window_larger_than_the_image_is_its_corner():
    assert random_corner((5, 4), (8, 9), torch.Generator()) == (0, 0)


@pytest.mark.parametrize(("size", "filled"), [((16, 32), (16, 32)), ((17, 1), (32, 16))])
def test_padded_fills_up_to_a_multiple(size, filled):
    image = torch.ones(3, *size)
    result = padded(image, 16)
    assert result.shape == (3, *filled)
    assert torch.equal(result[:, : size[0], : size[1]], image)
    assert result.sum() == image.sum()
