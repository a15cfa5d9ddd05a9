import math
from itertools import product

import pytest
import torch

from cvgen_course.pixelcnn import every_image, from_levels, to_levels


def test_to_levels_and_from_levels_equal_numbers_worked_out_by_hand():
    images = torch.tensor([-1.0, -0.6, -0.4, 0.4, 0.6, 1.0])
    assert to_levels(images, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert to_levels(images, 2).tolist() == [0, 0, 0, 1, 1, 1]
    assert from_levels(torch.tensor([0, 1, 2, 3, 4]), 5).tolist() == [-1, -0.5, 0, 0.5, 1]


@pytest.mark.parametrize("num_levels", [2, 3, 4, 16, 255, 256, 1000])
def test_levels_survive_the_way_there_and_back(num_levels):
    levels = torch.arange(num_levels)
    images = from_levels(levels, num_levels)
    assert images.dtype == torch.float32
    assert images.min() == -1
    assert images.max() == 1
    assert to_levels(images, num_levels).dtype == torch.int64
    assert torch.equal(to_levels(images, num_levels), levels)
    torch.testing.assert_close(images.diff(), torch.full_like(images[1:], 2 / (num_levels - 1)))


@pytest.mark.parametrize("num_levels", [2, 3, 5, 256])
def test_to_levels_takes_the_nearest(num_levels):
    rng = torch.Generator().manual_seed(0)
    images = 2 * torch.rand(3, 2, 5, 7, generator=rng, dtype=torch.float64) - 1
    grid = torch.linspace(-1, 1, num_levels, dtype=torch.float64)
    nearest = (images[..., None] - grid).abs().argmin(dim=-1)
    assert torch.equal(to_levels(images, num_levels), nearest)


@pytest.mark.parametrize("shape", [(), (0,), (4,), (2, 3, 4, 5)])
def test_to_levels_and_from_levels_take_any_shape(shape):
    assert to_levels(torch.zeros(shape), 4).shape == shape
    assert from_levels(torch.zeros(shape).long(), 4).shape == shape


def test_to_levels_forgives_rounding_and_nothing_more():
    assert to_levels(torch.tensor([-1 - 5e-7, 1 + 5e-7]), 256).tolist() == [0, 255]
    for wrong in (-1.01, 1.01, 255.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"images: expected values in \[-1, 1\], got values"):
            to_levels(torch.tensor([0.0, wrong]), 4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_to_levels_computes_half_precision_in_float32(dtype):
    """In half precision itself, (x + 1) / 2 · 255 hits the next level for many values."""
    images = torch.linspace(-1, 1, 500).to(dtype)
    assert torch.equal(to_levels(images, 256), to_levels(images.double(), 256))


def test_to_levels_and_from_levels_leave_their_arguments_as_they_are():
    images, levels = torch.tensor([-0.3, 0.3]), torch.tensor([0, 2])
    to_levels(images, 3), from_levels(levels, 3)
    assert torch.equal(images, torch.tensor([-0.3, 0.3]))
    assert levels.tolist() == [0, 2]


@pytest.mark.parametrize("num_levels", [1, 0, -3])
def test_levels_are_two_at_least(num_levels):
    message = f"num_levels: expected at least 2, got {num_levels}"
    with pytest.raises(ValueError, match=message):
        to_levels(torch.zeros(1), num_levels)
    with pytest.raises(ValueError, match=message):
        from_levels(torch.zeros(1).long(), num_levels)
    with pytest.raises(ValueError, match=message):
        every_image(num_levels, 1, 1, 1)


def test_to_levels_and_from_levels_refuse_other_tensors():
    with pytest.raises(TypeError, match=r"images: expected a floating-point .* got torch.uint8"):
        to_levels(torch.zeros(2).byte(), 256)
    with pytest.raises(TypeError, match=r"levels: expected an int64 .* got torch.float32"):
        from_levels(torch.zeros(2), 256)
    for wrong in (-1, 4):
        with pytest.raises(ValueError, match=r"levels: expected values in \[0, 4\), got values"):
            from_levels(torch.tensor([0, wrong]), 4)


@pytest.mark.parametrize(
    ("num_levels", "channels", "height", "width"), [(2, 1, 2, 2), (3, 1, 1, 3), (3, 2, 2, 1)]
)
def test_every_image_is_there_once_and_the_last_pixel_runs_fastest(
    num_levels, channels, height, width
):
    images = every_image(num_levels, channels, height, width)
    assert images.dtype == torch.int64
    assert images.shape[1:] == (channels, height, width)
    expected = product(range(num_levels), repeat=channels * height * width)
    assert images.flatten(1).tolist() == [list(each) for each in expected]


def test_every_image_refuses_more_than_anybody_can_hold():
    assert len(every_image(2, 1, 4, 5)) == 2**20
    with pytest.raises(ValueError, match=r"ten million images, got 256\^4; take fewer levels or"):
        every_image(256, 1, 2, 2)
