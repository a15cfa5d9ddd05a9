import numpy as np
import pytest
import torch
from PIL import Image
from support.image_files import pixels

from cvgen_course.errors import DataError
from cvgen_course.experiments.evaluation.pictures import read_picture, to_picture

RED = [[[255, 0, 0], [0, 0, 0]]]


def saved(tmp_path, image, suffix=".png", **options):
    path = tmp_path / f"picture{suffix}"
    image.save(path, **options)
    return path


def test_read_picture_by_hand(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array(RED, np.uint8)))
    picture = read_picture(path)
    assert picture.image.tolist() == [[[1, -1]], [[-1, -1]], [[-1, -1]]]
    assert (picture.format, picture.transparent) == ("PNG", False)
    assert picture.image.dtype == torch.float32


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
def test_read_picture_of_grey_has_one_channel_however_it_is_kept(tmp_path, mode):
    grey = np.array([[0, 255], [255, 0]], np.uint8)
    path = saved(tmp_path, Image.fromarray(grey).convert(mode))
    assert read_picture(path).image.tolist() == [[[-1, 1], [1, -1]]]
    assert not read_picture(path).transparent


def test_read_picture_keeps_the_upper_eight_of_16_bits(tmp_path):
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    picture = read_picture(saved(tmp_path, Image.fromarray(deep)))
    assert ((picture.image + 1) * 127.5).round().tolist() == [[[0, 0, 1, 255]]]


def test_read_picture_follows_a_palette(tmp_path):
    image = Image.fromarray(np.array(RED, np.uint8)).quantize(2)
    picture = read_picture(saved(tmp_path, image))
    assert image.mode == "P"
    assert picture.image.tolist() == [[[1, -1]], [[-1, -1]], [[-1, -1]]]


@pytest.mark.parametrize(("alpha", "transparent"), [(255, False), (254, True), (0, True)])
def test_read_picture_notes_pixels_that_are_transparent(tmp_path, alpha, transparent):
    image = Image.fromarray(np.array(RED, np.uint8))
    image.putalpha(Image.fromarray(np.array([[255, alpha]], np.uint8)))
    picture = read_picture(saved(tmp_path, image))
    assert picture.transparent is transparent
    assert picture.image.tolist() == [[[1, -1]], [[-1, -1]], [[-1, -1]]]


def test_read_picture_notes_a_palette_s_transparency_and_warns_of_nothing(tmp_path):
    image = Image.fromarray(np.array(RED, np.uint8)).quantize(2)
    path = saved(tmp_path, image, transparency=bytes([0, 255]))
    assert read_picture(path).transparent
    assert read_picture(path).image.shape == (3, 1, 2)


@pytest.mark.parametrize(
    ("suffix", "kind", "mode"),
    [(".jpg", "JPEG", "RGB"), (".jpg", "JPEG", "CMYK"), (".webp", "WEBP", "RGB")],
)
def test_read_picture_of_other_formats(tmp_path, suffix, kind, mode):
    image = Image.fromarray(np.full((16, 16, 3), (200, 100, 50), np.uint8)).convert(mode)
    picture = read_picture(saved(tmp_path, image, suffix, quality=95))
    assert picture.format == kind
    expected = torch.tensor([200.0, 100, 50]) / 127.5 - 1
    assert (picture.image.mean(dim=(1, 2)) - expected).abs().max() < 0.05


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "missing", "32 bits"])
def test_read_picture_says_which_file_can_t_be_read(tmp_path, damage):
    path = saved(tmp_path, Image.fromarray(pixels(1, 20, 20)[0]))
    content = path.read_bytes()
    if damage == "32 bits":
        path = saved(tmp_path, Image.fromarray(np.zeros((2, 2), np.float32)), ".tif")
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:200], "empty": b"", "text": b"no picture"}[damage])
    with pytest.raises(DataError, match=r"picture\.(png|tif)' can't be read as a picture"):
        read_picture(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_to_picture_takes_floats_as_they_are(channels):
    image = torch.rand(channels, 2, 2)
    assert torch.equal(to_picture(image).image, image)


def test_to_picture_of_nearly_grey_stays_in_colour():
    image = torch.full((3, 4, 4), 7, dtype=torch.uint8)
    assert to_picture(image).image.shape == (1, 4, 4)
    image[2, 3, 3] = 8
    assert to_picture(image).image.shape == (3, 4, 4)


def test_to_picture_notes_transparency_of_four_channels():
    image = torch.full((4, 2, 2), 255, dtype=torch.uint8)
    assert not to_picture(image, "x").transparent
    image[3, 0, 0] = 254
    assert to_picture(image, "x").transparent
    assert to_picture(image, "x").format == "x"
