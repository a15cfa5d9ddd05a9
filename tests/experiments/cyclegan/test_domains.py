import pytest
import torch
from support.small_translations import COUNTS, cifar, write_photographs

from cvgen_course.data import UnpairedImages
from cvgen_course.data.pair_set import load_pairs
from cvgen_course.errors import CourseError
from cvgen_course.experiments.cyclegan import domains
from cvgen_course.experiments.cyclegan.domains import images_of, labelled, load_domains, shrunk


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_DATA", str(tmp_path))
    return tmp_path


def test_load_domains_takes_two_classes_of_another_data_set(monkeypatch):
    items = cifar()
    monkeypatch.setattr(domains, "load", lambda *asked: {("cifar10", "val"): items}[asked])
    found = load_domains("cifar10:horse,deer", "val")
    assert (found.classes, found.sizes) == (("horse", "deer"), (6, 6))
    assert torch.equal(found.a, items.images[items.labels == 7])
    assert torch.equal(found.b, items.images[items.labels == 4])


def test_load_domains_of_photographs(photographs):
    write_photographs(photographs, COUNTS | {"trainA": 20, "trainB": 30})
    found = [load_domains("horse2zebra", split) for split in ("train", "val", "test")]
    assert [items.sizes for items in found] == [(18, 27), (2, 3), (3, 2)]


@pytest.mark.parametrize("num", [7, 8])
def test_load_domains_without_images_of_a_class_says_so(monkeypatch, num):
    monkeypatch.setattr(domains, "load", lambda *_: cifar(num))
    message = "--data: .*10:horse,deer.* test" if num == 7 else "at least 2 .* got 1 of horse and 1"
    with pytest.raises(CourseError, match=message):
        load_domains("cifar10:horse,deer", "test")


@pytest.mark.parametrize(
    ("split", "counts", "message"),
    [
        (
            "test",
            {"testA": 1},
            r"--data: .* 2 images .* in horse2zebra, test, got 1 of horse and 2 of z",
        ),
        ("val", {"trainA": 9}, r"in horse2zebra, val, got 1 of horse and 4 of zebra\. Restore"),
        ("train", {"trainB": 1}, r"trainB'.* at least 2 pictures .* got 1"),
        ("test", {"testB": 0}, r"expected horse2zebra in .* testB/\*\.jpg; there is none"),
    ],
)
def test_load_domains_with_too_few_photographs_says_so(photographs, split, counts, message):
    write_photographs(photographs, COUNTS | {"trainA": 40, "trainB": 40} | counts)
    with pytest.raises(CourseError, match=message):
        load_domains("horse2zebra", split)


def test_images_of_takes_a_domain_s_own_images(photographs):
    write_photographs(photographs)
    items = load_domains("horse2zebra", "test")
    found = images_of(items, "b", range(2))
    assert torch.equal(found, torch.stack([items[0].b, items[1].b]))
    assert images_of(items, "a", [2]).shape == (1, 3, 72, 72)


def test_images_of_different_sizes_are_refused(photographs):
    write_photographs(photographs, {"trainA": 20, "trainB": 20, "testA": 2})
    write_photographs(photographs / "wide", {"testB": 2}, (72, 80))
    write_photographs(photographs / "square", {"testB": 2})
    folder = photographs / "horse2zebra" / "testB"
    folder.mkdir()
    for kind, name in (("wide", "0.jpg"), ("square", "1.jpg")):
        (photographs / kind / "horse2zebra" / "testB" / name).rename(folder / name)
    items = load_domains("horse2zebra", "test")
    with pytest.raises(
        CourseError, match=r"zebra: .* \(3, 72, 72\) .* got \(3, 72, 80\), number 0"
    ):
        images_of(items, "b", range(2))


def test_labelled_pairs_have_animals_that_are_neither():
    assert labelled(load_pairs("val", size=3)).classes == ("plain", "striped", "neither")


def test_labelled_photographs_are_shrunk(photographs):
    write_photographs(photographs)
    items = load_domains("horse2zebra", "test")
    found = labelled(items)
    assert (found.labels.tolist(), found.classes) == ([0, 0, 0, 1, 1], ("horse", "zebra"))
    assert found.images.shape == (5, 3, 64, 64)
    expected = shrunk(images_of(items, "b", [1]))[0]
    torch.testing.assert_close(found.images[4], expected, atol=1 / 127, rtol=0)


def test_labelled_photographs_of_several_sizes_are_refused(photographs):
    write_photographs(photographs)
    write_photographs(photographs / "other", {"testA": 1}, (80, 72))
    other = photographs / "other" / "horse2zebra" / "testA" / "0.jpg"
    other.rename(photographs / "horse2zebra" / "testA" / "1.jpg")
    with pytest.raises(CourseError, match=r"horse: expected .* got \(3, 80, 72\), number 1\."):
        labelled(load_domains("horse2zebra", "test"))


def test_shrunk_is_the_mean_of_squares_and_leaves_small_images():
    large = torch.rand(2, 3, 128, 128)
    assert torch.equal(shrunk(large[..., :64, :64]), large[..., :64, :64])
    expected = large.unflatten(2, (64, 2)).unflatten(4, (64, 2)).mean(dim=(3, 5))
    torch.testing.assert_close(shrunk(large), expected)


def test_domains_in_memory_are_unpaired_images():
    assert isinstance(load_pairs("val", size=2), UnpairedImages)
