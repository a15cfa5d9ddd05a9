import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from cvgen_course.evaluation import resize


def random_images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def by_pillow(images, height, width):
    """Resize each channel as clean-fid does: as a picture of floats."""
    channels = [
        np.array(Image.fromarray(x).resize((width, height), Image.Resampling.BICUBIC))
        for x in images.flatten(0, 1).numpy()
    ]
    return torch.from_numpy(np.stack(channels)).unflatten(0, images.shape[:2]).clamp(-1, 1)


def test_resize_of_a_checkerboard_is_grey():
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * 2.0 - 1
    found = resize(board.expand(1, 3, 64, 64), 16, 16)
    assert found[..., 2:-2, 2:-2].abs().max() < 0.01
    picked = F.interpolate(board.expand(1, 3, 64, 64), (16, 16), mode="nearest")
    assert (picked == -1).all()  # what a resize without antialiasing makes of it


@pytest.mark.parametrize("size", [(7, 5), (299, 299), (13, 40), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_resize_equals_pillow_s(size, channels):
    images = random_images(2, channels, 20, 31)
    torch.testing.assert_close(resize(images, *size), by_pillow(images, *size), rtol=0, atol=1e-5)


def test_resize_to_the_same_size_changes_nothing():
    images = random_images(2, 3, 28, 17)
    assert torch.equal(resize(images, 28, 17), images)


@pytest.mark.parametrize("value", [-1.0, 0.25, 1.0])
def test_resize_leaves_a_constant_image_as_it_is(value):
    for size in (9, 50):
        found = resize(torch.full((1, 1, 28, 28), value), size, size)
        torch.testing.assert_close(found, torch.full((1, 1, size, size), value))


def test_resize_stays_in_range():
    edge = torch.ones(1, 1, 8, 8)
    edge[..., :4] = -1
    assert F.interpolate(edge, (20, 20), mode="bicubic", antialias=True).abs().max() > 1.01
    assert resize(edge, 20, 20).aminmax() == (-1, 1)


def test_resize_of_a_batch_is_that_of_each_image():
    images = random_images(3, 2, 11, 8)
    each = torch.cat([resize(image[None], 5, 20) for image in images])
    torch.testing.assert_close(resize(images, 5, 20), each)


@pytest.mark.parametrize(("size", "name"), [((0, 3), "height"), ((3, -1), "width")])
def test_resize_refuses_sizes_below_1(size, name):
    with pytest.raises(ValueError, match=f"{name}: expected 1 or more, got {min(size)}"):
        resize(torch.zeros(1, 1, 4, 4), *size)


def test_resize_refuses_bytes_and_single_images():
    with pytest.raises(TypeError, match=r"images: expected a floating-point .* got torch.uint8"):
        resize(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 2, 2)
    with pytest.raises(ValueError, match=r"images: expected .* \(N, C, H, W\), got shape \(1, 4"):
        resize(torch.zeros(1, 4, 4), 2, 2)
