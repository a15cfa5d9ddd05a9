import numpy as np
import pytest
import torch

from cvgen_course.data.image_set import LabelledImages
from cvgen_course.data.items import UnpairedItem
from cvgen_course.data.unpaired import UnpairedImages, two_classes
from cvgen_course.training.batches import endless_batches

CLASSES = ("cat", "deer", "horse")


def pictures(num, *, seed=0, channels=3, size=(4, 5)):
    return np.random.default_rng(seed).integers(0, 256, (num, channels, *size), np.uint8)


def as_float(images):
    return torch.from_numpy(images).double() / 127.5 - 1


def small():
    """Return five images of one domain and three of the other, as pixels and as a data set."""
    a, b = pictures(5), pictures(3, seed=1)
    return a, b, UnpairedImages(a, b, ("plain", "striped"))


def test_unpaired_images_are_those_of_both_domains():
    a, b, items = small()
    assert items.classes == ("plain", "striped")
    for found, expected in ((items.a, a), (items.b, b)):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), as_float(expected), rtol=0, atol=1e-6)


def test_unpaired_images_begin_the_shorter_domain_again():
    _, _, items = small()
    assert len(items) == len(list(items)) == 5
    for index, item in enumerate(items):
        assert isinstance(item, UnpairedItem)
        assert torch.equal(item.a, items.a[index])
        assert torch.equal(item.b, items.b[index % 3])
    turned = UnpairedImages(pictures(3), pictures(5, seed=1), ("a", "b"))
    assert torch.equal(turned[4].a, turned.a[1])
    assert torch.equal(turned[4].b, turned.b[4])


@pytest.mark.parametrize("index", [5, -6])
def test_unpaired_images_have_an_end(index):
    _, _, items = small()
    assert torch.equal(items[-1].a, items[4].a)
    assert torch.equal(items[-5].b, items[0].b)
    with pytest.raises(IndexError):
        items[index]
    with pytest.raises(IndexError):
        items.__getitems__([0, index])


@pytest.mark.parametrize("indices", [[4, 0, 3], [2], [1, 1], [-1, -5, 0]])
def test_unpaired_images_make_a_batch_of_their_items(indices):
    _, _, items = small()
    batch = items.__getitems__(indices)
    assert isinstance(batch, UnpairedItem)
    for name in ("a", "b"):
        expected = torch.stack([getattr(items[index], name) for index in indices])
        assert torch.equal(getattr(batch, name), expected)


def test_unpaired_images_one_image_alone_is_repeated():
    one, many = pictures(1), pictures(4, seed=1)
    items = UnpairedImages(one, many, ("a", "b"))
    batch = next(endless_batches(items, 6, torch.Generator().manual_seed(0)))
    assert batch.a.shape == batch.b.shape == (6, 3, 4, 5)
    assert all(torch.equal(a, items.a[0]) for a in batch.a)
    alone = UnpairedImages(one, one, ("a", "b"))
    assert len(alone) == 1
    batch = next(endless_batches(alone, 2, torch.Generator().manual_seed(0)))
    assert torch.equal(batch.a, batch.b)
    assert batch.a.shape == (2, 3, 4, 5)


def test_unpaired_images_take_arrays_that_are_not_in_order():
    a, b, items = small()
    turned = (np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) for x in (a, b))
    assert torch.equal(UnpairedImages(*turned, ("a", "b")).a, items.a)
    assert torch.equal(UnpairedImages(a[::-1], b, ("a", "b")).a, items.a.flip(0))


def test_unpaired_images_labelled_say_which_domain():
    _, _, items = small()
    labelled = items.labelled()
    assert isinstance(labelled, LabelledImages)
    assert labelled.classes == ("plain", "striped")
    assert labelled.labels.tolist() == [0] * 5 + [1] * 3
    assert torch.equal(labelled.images, torch.cat([items.a, items.b]))


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (3, 4, 5)])
def test_unpaired_images_refuse_an_empty_domain(name, shape):
    domains = {"a": pictures(2), "b": pictures(2)} | {name: np.zeros(shape, np.uint8)}
    with pytest.raises(ValueError, match=rf"^{name}: expected at least one image, .* got shape \("):
        UnpairedImages(**domains, classes=("a", "b"))


@pytest.mark.parametrize("other", [{"channels": 1}, {"size": (5, 4)}, {"size": (8, 8)}])
def test_unpaired_images_refuse_other_sizes_or_channels(other):
    with pytest.raises(ValueError, match=r"^b: .* as in a, \(3, 4, 5\), got \(.*resize them first"):
        UnpairedImages(pictures(2), pictures(2, **other), ("a", "b"))


def labelled():
    """Return something like CIFAR-10: 2 cats, 3 horses and no deer, mixed."""
    return LabelledImages(pictures(5, size=(32, 32)), np.array([2, 0, 2, 0, 2]), CLASSES)


def test_two_classes_are_the_two_domains():
    items = labelled()
    chosen = two_classes(items, "horse", "cat")
    assert chosen.classes == ("horse", "cat")
    assert torch.equal(chosen.a, items.images[[0, 2, 4]])
    assert torch.equal(chosen.b, items.images[[1, 3]])
    assert len(chosen) == 3


@pytest.mark.parametrize(("a", "b", "wrong"), [("zebra", "cat", "a"), ("cat", "Horse", "b")])
def test_two_classes_refuse_an_unknown_class(a, b, wrong):
    got = {"a": a, "b": b}[wrong]
    message = rf"^{wrong}: expected one of cat, deer, horse, got '{got}'"
    with pytest.raises(ValueError, match=message):
        two_classes(labelled(), a, b)


def test_two_classes_refuse_a_class_without_images():
    with pytest.raises(ValueError, match=r"^b: expected at least one image"):
        two_classes(labelled(), "cat", "deer")
