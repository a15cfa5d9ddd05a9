"""Both tasks of Pascal VOC 2012, on a tiny set of the same shape, sound and damaged."""

import tarfile

import numpy as np
import pytest
import torch
from support.voc_xml import voc_xml

from cvgen_course.data import load
from cvgen_course.errors import DataError


def test_load_voc_reads_palette_masks(tmp_path, write_picture):
    from PIL import Image

    folder = tmp_path / "voc" / "VOCdevkit" / "VOC2012"
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    names = [f"p{i}" for i in range(10)]
    (lists / "train.txt").write_text("\n".join(names) + "\n")
    (lists / "val.txt").write_text("p0\n")
    mask = np.array([[0, 1, 20], [255, 5, 0]], np.uint8)
    (folder / "SegmentationClass").mkdir()
    for name in names:
        write_picture(folder / "JPEGImages" / f"{name}.jpg", (2, 3, 3))
        picture = Image.fromarray(mask)
        picture.putpalette([i // 3 for i in range(768)])
        picture.save(folder / "SegmentationClass" / f"{name}.png")
    parts = [load("voc", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [9, 1, 1]
    np.testing.assert_array_equal(parts[0][0].mask, mask)
    assert len(parts[0].classes) == 21
    write_picture(folder / "SegmentationClass" / "p0.png", mask + 30)
    with pytest.raises(DataError, match="classes 0 to 20"):
        parts[2][0]


def test_load_voc_detection_reads_the_published_lists(tmp_path, voc):
    parts = [load("voc_detection", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [9, 1, 1]
    train, val, test = ([item.boxes[0, 0].item() for item in part] for part in parts)
    assert sorted(train + val) == [*range(10)]
    assert test == [10]
    assert [item.image.shape[2] for item in parts[0]] == [30 + x1 for x1 in train]
    image, boxes, labels, difficult = parts[2][0]
    assert image.shape == (3, 20, 40)
    assert (image.dtype, boxes.dtype, labels.dtype) == (torch.float32, torch.float32, torch.int64)
    assert boxes.tolist() == [[10, 1, 30, 20], [0, 0, 9, 9]]
    assert difficult.tolist() == [False, False]
    assert [parts[2].classes[label] for label in labels] == ["person", "cat"]
    assert len(parts[2].classes) == 21


def test_load_voc_detection_reads_boxes_as_published(tmp_path, voc):
    head = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin></bndbox></part>"
    objects = (
        ("person", 2, 3, 20, 15, head),  # parts come with boxes of their own
        ("bus", 1, 1, 30, 20, "<difficult>1</difficult>"),
        ("tvmonitor", "5.5", 4, 9, 8),  # one published box is no whole number
    )
    (voc / "Annotations" / "q.xml").write_text(voc_xml(*objects))
    data = load("voc_detection", "test", root=tmp_path)
    assert data[0].boxes.tolist() == [[1, 2, 20, 15], [0, 0, 30, 20], [4.5, 3, 9, 8]]
    assert data[0].labels.tolist() == [15, 6, 20]
    assert data[0].difficult.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "text", ["<annotation><object>", voc_xml(("RBC", 1, 2, 3, 4)), voc_xml(("cat", 9, 2, 3, 4))]
)
def test_load_voc_detection_rejects_damaged_annotations(tmp_path, voc, text):
    data = load("voc_detection", "test", root=tmp_path)
    (voc / "Annotations" / "q.xml").write_text(text)
    with pytest.raises(DataError, match=r"q\.xml.* boxes of aeroplane, .*, tvmonitor \(.*Restore"):
        data[0]
    (voc / "Annotations" / "q.xml").unlink()
    with pytest.raises(DataError, match=r"q\.xml.*Restore"):
        data[0]


@pytest.mark.parametrize("content", [b"", b"\xff\xfeq\0"])
def test_load_voc_detection_rejects_a_damaged_list(tmp_path, voc, content):
    (voc / "ImageSets" / "Main" / "val.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"no complete VOC 2012 .*Restore"):
        load("voc_detection", "test", root=tmp_path)


def test_load_voc_needs_the_lists_of_its_own_task(tmp_path, voc):
    with pytest.raises(DataError, match=r"expected voc in .*ImageSets/Segmentation/train\.txt"):
        load("voc", "train", root=tmp_path)
    (voc / "ImageSets" / "Main").rename(voc / "ImageSets" / "Segmentation")
    with pytest.raises(DataError, match=r"expected voc_detection in .*ImageSets/Main/train\.txt"):
        load("voc_detection", "train", root=tmp_path)


def test_load_voc_downloads_once_for_both_tasks(tmp_path, voc, monkeypatch):
    (voc / "ImageSets" / "Segmentation").mkdir()
    for part in ("train", "val"):
        (voc / "ImageSets" / "Segmentation" / f"{part}.txt").write_text("p0\n")
    archive = tmp_path / "cache" / "voc" / "VOCtrainval_11-May-2012.tar"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w") as file:
        file.add(voc.parent, "VOCdevkit")
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path / "cache"))
    assert len(load("voc_detection", "test")[0].boxes) == 2
    assert not archive.exists()
    assert len(load("voc", "test")) == 1
