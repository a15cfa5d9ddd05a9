import numpy as np
import pytest
import torch
from support.image_files import fill, pixels

from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation.array_file import ArrayFile
from cvgen_course.experiments.evaluation.image_folder import ImageFolder
from cvgen_course.experiments.evaluation.named_set import NamedSet
from cvgen_course.experiments.evaluation.sources import content_digest, find_source


@pytest.fixture(autouse=True)
def few(monkeypatch):
    from cvgen_course.data.glyph_set import load_glyphs

    monkeypatch.setattr(
        "cvgen_course.experiments.evaluation.named_set.load",
        lambda name, split: load_glyphs(split, size=5 if split == "train" else 7),
    )


def digest(source):
    told = []
    found = content_digest(source, told.append)
    assert sum(told) == len(source)
    return found


def images(source, size):
    return [picture.image for batch in source.batches(size) for picture in batch]


def test_find_source_finds_folders_arrays_and_data_sets(tmp_path):
    fill(tmp_path / "folder", pixels(2, 4, 4))
    np.savez(tmp_path / "array.npz", pixels(3, 4, 4))
    found = [
        find_source("REAL", text)
        for text in (str(tmp_path / "folder"), str(tmp_path / "array.npz"), "glyphs", "glyphs:test")
    ]
    kinds = [ImageFolder, ArrayFile, NamedSet, NamedSet]
    assert [type(source) for source in found] == kinds
    assert [len(source) for source in found] == [2, 3, 5, 7]
    assert {source.argument for source in found} == {"REAL"}


def test_find_source_takes_a_name_for_a_data_set_and_a_path_for_a_folder(tmp_path, monkeypatch):
    fill(tmp_path / "glyphs", pixels(2, 4, 4))
    monkeypatch.chdir(tmp_path)
    assert isinstance(find_source("REAL", "glyphs"), NamedSet)
    assert isinstance(find_source("REAL", "./glyphs"), ImageFolder)


@pytest.mark.parametrize(("text", "what"), [("none", "does not exist"), ("a.txt", "another file")])
def test_find_source_says_what_it_takes(tmp_path, monkeypatch, text, what):
    (tmp_path / "a.txt").write_text("no images")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=f"FAKE: expected a folder .*, got '{text}', .*{what}"):
        find_source("FAKE", text)


def test_find_source_names_the_splits():
    with pytest.raises(CourseError, match="REAL: split: expected one of train, val, test, got 'x'"):
        find_source("REAL", "glyphs:x")


def test_content_digest_is_that_of_the_content_alone(tmp_path):
    some = pixels(3, 4, 4)
    first, second = (fill(tmp_path / name, some) for name in "ab")
    (second / "notes.txt").write_text("no image")
    expected = digest(find_source("REAL", str(first)))
    assert digest(find_source("FAKE", str(second))) == expected
    for old, new in zip(("000", "001", "002"), "abc", strict=True):  # the order stays
        (second / f"{old}.png").rename(second / f"{new}.png")
    assert digest(find_source("REAL", str(second))) == expected
    (second / "a.png").rename(second / "d.png")
    assert digest(find_source("REAL", str(second))) != expected


@pytest.mark.parametrize("kind", ["folder", "array", "glyphs"])
def test_content_digest_notices_one_pixel_and_one_image_less(tmp_path, kind, monkeypatch):
    def made(some):
        if kind == "folder":
            return find_source("REAL", str(fill(tmp_path / str(len(made_before)), some)))
        if kind == "array":
            np.savez(tmp_path / "array.npz", some)
            return find_source("REAL", str(tmp_path / "array.npz"))
        source = find_source("REAL", "glyphs")
        source.items._images = torch.from_numpy(some)[:, None]
        source.items.labels = torch.zeros(len(some), dtype=torch.int64)
        return source

    made_before = []
    some = pixels(60, 4, 4)
    other = some.copy()
    other[59, 3, 3] ^= 1
    for each in (some, some, other, some[:59]):
        made_before.append(digest(made(each)))
    assert made_before[0] == made_before[1]
    assert len(set(made_before)) == 3


def test_content_digest_of_an_array_follows_its_shape(tmp_path):
    some = pixels(4, 4, 6)
    found = set()
    for shape in ((4, 4, 6), (4, 6, 4), (2, 8, 6)):
        np.savez(tmp_path / "array.npz", some.reshape(shape))
        found.add(digest(find_source("REAL", str(tmp_path / "array.npz"))))
    assert len(found) == 3


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_batches_are_the_images_in_order_whatever_their_size(tmp_path, size):
    some = pixels(5, 4, 4)
    np.savez(tmp_path / "array.npz", some)
    expected = torch.from_numpy(some)[:, None] / 127.5 - 1
    for text in (str(fill(tmp_path / "folder", some)), str(tmp_path / "array.npz")):
        found = images(find_source("REAL", text), size)
        torch.testing.assert_close(torch.stack(found), expected)
    source = find_source("REAL", "glyphs")
    assert torch.equal(torch.stack(images(source, size)), source.items.images)
