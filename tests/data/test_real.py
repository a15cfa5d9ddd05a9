"""The readers on the real thing, where ``CVGEN_DATA`` names a folder that holds it."""

import os
from pathlib import Path

import pytest
import torch

from cvgen_course.data import IGNORE, load

ROOT = os.environ.get("CVGEN_DATA", "")  # read before the fixture that hides it

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not ROOT, reason="CVGEN_DATA names no folder of real data sets"),
]


def real(name, folder, split):
    if not (Path(ROOT) / folder).is_dir():
        pytest.skip(f"CVGEN_DATA has no folder {folder}")
    return load(name, split, root=ROOT)


@pytest.mark.parametrize(("name", "folder"), [("mnist",) * 2, ("fashion_mnist", "fashion-mnist")])
def test_load_mnist_counts_and_statistics(name, folder):
    train, val, test = (real(name, folder, split) for split in ("train", "val", "test"))
    assert [len(part) for part in (train, val, test)] == [54_000, 6_000, 10_000]
    assert torch.bincount(test.labels).min() > 850
    together = torch.bincount(train.labels) + torch.bincount(val.labels)
    assert together.sum() == 60_000
    mean = {"mnist": 0.1325, "fashion_mnist": 0.2868}[name]  # of the test set, as often published
    assert (test.images.mean() + 1).item() / 2 == pytest.approx(mean, abs=1e-3)
    assert test.images.amin() == -1
    assert test.images.amax() == 1


def test_load_mnist_first_test_digits():
    assert real("mnist", "mnist", "test").labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_load_cifar10_sheets():
    parts = [real("cifar10", "cifar10", split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [3200, 400, 400]
    assert parts[0][0].image.shape == (3, 32, 32)
    labels = torch.cat([part.labels for part in parts])
    assert torch.bincount(labels, minlength=10).min() > 350


def test_load_camvid_has_no_void_left():
    for split, count in (("train", 62), ("val", 17), ("test", 20)):
        data = real("camvid", "camvid", split)
        assert len(data) == count
        for image, mask in (data[0], data[count - 1]):
            assert image.shape == (3, 360, 480)
            assert set(mask.unique().tolist()) <= {*range(11), IGNORE}
            assert (mask == 3).float().mean() > 0.05  # there is a road


def test_load_dsb2018_every_item_agrees_with_itself():
    parts = [real("dsb2018", "dsb2018-nuclei", split) for split in ("train", "val", "test")]
    assert sum(map(len, parts)) == 334
    for index in range(0, len(parts[2]), 4):
        item = parts[2][index]
        assert ((item.mask > 0) == item.instances.any(dim=0)).all()
        assert (item.instances.sum(dim=0) <= 1).all()
        assert item.instances.flatten(1).any(dim=1).all()
        assert (item.boxes[:, 2:] > item.boxes[:, :2]).all()


def test_load_bccd_leaves_out_the_two_points():
    from cvgen_course.data.voc_xml import read_boxes

    parts = [real("bccd", "bccd", split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [205, 87, 72]
    folder = Path(ROOT) / "bccd" / "BCCD" / "Annotations"
    read = [read_boxes(path, parts[0].classes) for path in sorted(folder.glob("*.xml"))]
    boxes, labels, difficult = (torch.cat(column) for column in zip(*read, strict=True))
    assert not difficult.any()
    assert len(boxes) == 4155 + 372 + 361 - 2
    assert torch.bincount(labels).tolist() == [0, 4153, 372, 361]
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert boxes.min() == 0
    assert boxes[:, 2].max() == 640
    assert boxes[:, 3].max() == 480


@pytest.mark.parametrize("name", ["voc", "voc_detection"])
def test_load_voc_counts(name):
    counts = {"voc": (1464, 1449), "voc_detection": (5717, 5823)}[name]
    train, val, test = (real(name, "voc", split) for split in ("train", "val", "test"))
    assert (len(train) + len(val), len(test)) == counts
    assert len(val) == counts[0] - counts[0] * 9 // 10


def test_load_voc_detection_boxes_lie_in_their_images():
    data = real("voc_detection", "voc", "test")
    for index in range(0, len(data), 50):
        image, boxes, labels, _ = data[index]
        height, width = image.shape[1:]
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes[:, 2:] <= torch.tensor([width, height])).all()
        assert set(labels.tolist()) <= {*range(1, 21)}
