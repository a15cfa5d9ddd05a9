import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from cvgen_course.data import pictures
from cvgen_course.data.pictures import read_image, read_mask, read_pixels, to_bytes, to_float
from cvgen_course.errors import DataError

GREY = np.array([[0, 255, 256], [0x8000, 0xFF00, 0xFFFF]], np.uint16)


def file_of(picture, suffix="png", **options):
    file = io.BytesIO()
    picture.save(file, suffix, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_read_pixels_keeps_the_upper_half_of_sixteen_bits(suffix):
    pixels = read_pixels(file_of(Image.fromarray(GREY), suffix))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (2, 3, 3)
    assert (pixels == pixels[..., :1]).all()
    assert pixels[..., 0].tolist() == [[0, 0, 1], [128, 255, 255]]


def test_read_pixels_reads_what_an_older_pillow_calls_whole_numbers(monkeypatch):
    picture = Image.fromarray(GREY.astype(np.int32))
    picture.format = "PNG"
    monkeypatch.setattr(pictures.Image, "open", lambda _: picture)
    assert read_pixels(io.BytesIO())[..., 0].tolist() == [[0, 0, 1], [128, 255, 255]]


@pytest.mark.parametrize(
    ("kind", "what"), [(np.float32, "fraction per pixel"), (np.int32, "whole number per pixel")]
)
def test_read_pixels_refuses_what_has_no_white(kind, what):
    file = file_of(Image.fromarray(np.zeros((2, 2), kind)), "tiff")
    with pytest.raises(DataError, match=rf"x\.tif.*8 or 16 bits in a channel, got .*{what}"):
        read_pixels(file, "x.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_read_pixels_reads_other_kinds_in_colour(mode):
    colours = np.zeros((2, 2, 3), np.uint8)
    colours[0] = 255  # a white row, a black one
    picture = Image.fromarray(colours).convert(mode)
    np.testing.assert_array_equal(read_pixels(file_of(picture, "tiff")), colours)


def test_read_image_leaves_pixels_where_they_lie():
    colours = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    turned = Image.Exif()
    turned[0x0112] = 6  # "turn by a quarter to show it"
    file = file_of(Image.fromarray(colours), exif=turned.tobytes())
    assert Image.open(file).getexif()[0x0112] == 6
    np.testing.assert_array_equal(read_pixels(file), colours)
    assert read_image(file).shape == (3, 2, 3)


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (np.array([[0, 1], [200, 3]], np.uint8), "L"),
        (np.array([[0, 1], [200, 3]], np.uint8), "P"),
        (np.array([[0, 1], [40_000, 3]], np.uint16), "I;16"),
        (np.array([[False, True], [True, True]]), "1"),
    ],
)
def test_read_mask_keeps_the_numbers_of_the_file(pixels, mode):
    picture = Image.fromarray(pixels)
    if mode == "P":
        picture.putpalette([i // 3 for i in range(768)])
    file = file_of(picture)
    assert Image.open(file).mode == mode
    assert read_mask(file).tolist() == pixels.astype(int).tolist()


@pytest.mark.parametrize("pixels", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32)])
def test_read_mask_refuses_what_has_no_indices(pixels):
    with pytest.raises(DataError, match=r"m\.tif.*expected a mask, one whole number per pixel"):
        read_mask(file_of(Image.fromarray(pixels), "tiff"), "m.tif")


@pytest.mark.parametrize("factor", [1, 3])  # Pillow warns of more than it allows, then refuses
def test_read_pixels_refuses_a_decompression_bomb(monkeypatch, factor):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100 // factor)
    file = file_of(Image.new("L", (11, 11)))
    with pytest.raises(DataError, match=r"bomb\.png.*decompression bomb.*Restore"):
        read_pixels(file, "bomb.png")


def test_read_pixels_names_the_file_whatever_is_damaged(rng, tmp_path):
    good = file_of(Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))).getvalue()
    path = tmp_path / "a.png"
    messages = []
    for _ in range(200):
        content = bytearray(good)
        content[rng.integers(8, 60)] = rng.integers(256)
        path.write_bytes(content)
        try:
            read_pixels(path)
        except DataError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all(re.search(r"a\.png.*can't be read as a picture", text) for text in messages)
    with pytest.raises(DataError, match=r"gone\.png"):
        read_pixels(tmp_path / "gone.png")


def test_to_bytes_undoes_to_float_and_cuts_off_what_is_beyond():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_float(levels)), levels)
    assert to_bytes(torch.tensor([-3.0, -1.0, 0.1, 1.0, 1.7])).tolist() == [0, 0, 140, 255, 255]
