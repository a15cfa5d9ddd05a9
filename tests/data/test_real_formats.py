"""The readers of real data sets, on tiny sets of the same shape, sound and damaged."""

import numpy as np
import pytest
import torch
from support.damaged_zip import DAMAGES

from cvgen_course.data import IGNORE, load
from cvgen_course.data.mnist import read_idx
from cvgen_course.errors import DataError


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("mnist", "mnist"),
        ("mnist", "MNIST/raw"),
        ("mnist", "."),
        ("fashion_mnist", "fashion-mnist"),
        ("fashion_mnist", "FashionMNIST/raw"),
    ],
)
def test_load_mnist_reads_every_folder_shape(name, inner, tmp_path, write_idx):
    write_idx(tmp_path / "root" / inner)
    parts = {split: load(name, split, root=tmp_path / "root") for split in ("train", "val", "test")}
    assert [len(part) for part in parts.values()] == [36, 4, 10]
    image, label = parts["test"][3]
    assert image.shape == (1, 28, 28)
    assert label.item() == 3
    assert len(parts["train"].classes) == 10


def test_load_mnist_truncated_file_is_one_clear_error(tmp_path, write_idx):
    write_idx(tmp_path / "mnist")
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz.*can't be read.*Restore"):
        load("mnist", "train", root=tmp_path)


@pytest.mark.parametrize("damage", ["no labels", "label 10", "32 pixels", "fewer labels"])
def test_load_mnist_rejects_files_that_do_not_fit(tmp_path, write_idx, damage):
    folder = tmp_path / "mnist"
    write_idx(folder)

    def rewrite(kind, array):
        head = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (folder / f"t10k-{kind}-ubyte").write_bytes(head + array.tobytes())

    labels = np.arange(10, dtype=np.uint8)
    if damage == "no labels":
        rewrite("images-idx3", np.zeros((0, 28, 28), np.uint8))
        rewrite("labels-idx1", labels[:0])
    elif damage == "32 pixels":
        rewrite("images-idx3", np.zeros((10, 32, 32), np.uint8))
    else:
        rewrite("labels-idx1", labels + 1 if damage == "label 10" else labels[:9])
    with pytest.raises(DataError, match=r"expected images \(N, 28, 28\) .* Restore"):
        load("mnist", "test", root=tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"GIF89a", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x08\x03\0\0"]
)
def test_read_idx_rejects_what_is_none(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match="Restore this file"):
        read_idx(tmp_path / "x")


def test_load_cifar10_reads_sheets(tmp_path, sheets):
    parts = [load("cifar10", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [16, 2, 2]
    images = torch.cat([part.images for part in parts])
    labels = torch.cat([part.labels for part in parts])
    expected = {(sheets[i].tobytes(), i % 10) for i in range(20)}
    bytes_ = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).flatten(1, 2).numpy()
    found = zip(bytes_, labels.tolist(), strict=True)
    assert {(pixels.tobytes(), label) for pixels, label in found} == expected


def test_load_cifar10_does_not_see_a_byte_order_mark(tmp_path, sheets):
    path = tmp_path / "cifar10" / "cifar10_batch_0-1_labels.txt"
    path.write_text("\ufeff" + path.read_text().replace("\n", "\r\n"), encoding="utf-8")
    assert len(load("cifar10", "train", root=tmp_path)) == 16


@pytest.mark.parametrize("damage", ["labels", "sheet", "words", "bytes", "nothing"])
def test_load_cifar10_rejects_damaged_sheets(tmp_path, sheets, damage):
    folder = tmp_path / "cifar10"
    if damage == "labels":
        (folder / "cifar10_batch_0-1_labels.txt").write_text("1\n2\n")
    elif damage == "words":
        (folder / "cifar10_batch_0-1_labels.txt").write_text("cat\n" * 20)
    elif damage in ("bytes", "nothing"):
        content = b"\xff\xfe\0" if damage == "bytes" else b""
        (folder / "cifar10_batch_0-1_labels.txt").write_bytes(content)
    else:
        (folder / "cifar10_batch_1.png").write_bytes(b"\x89PNG and no more")
    with pytest.raises(DataError, match=r"[Rr]estore"):
        load("cifar10", "train", root=tmp_path)


def test_load_cifar10_rejects_damaged_batches(tmp_path):
    (tmp_path / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    with pytest.raises(DataError, match="damaged or incomplete"):
        load("cifar10", "train", root=tmp_path)


def test_load_camvid_maps_void_to_ignore(tmp_path, camvid):
    data = load("camvid", "val", root=tmp_path)
    image, mask = data[0]
    assert image.shape == (3, 8, 10)
    np.testing.assert_array_equal(mask, np.where(camvid == 11, IGNORE, camvid))
    assert data.ignore_index == IGNORE
    assert len(data.classes) == 11


def test_load_camvid_rejects_a_missing_label_map(tmp_path, camvid):
    (tmp_path / "camvid" / "testannot" / "a.png").unlink()
    with pytest.raises(DataError, match="same names"):
        load("camvid", "test", root=tmp_path)


def test_load_camvid_rejects_damaged_files(tmp_path, camvid, write_picture):
    path = tmp_path / "camvid" / "train" / "a.png"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="can't be read as a picture"):
        load("camvid", "train", root=tmp_path)[0]
    write_picture(tmp_path / "camvid" / "valannot" / "a.png", camvid + 7)
    with pytest.raises(DataError, match="labels 0 to 11"):
        load("camvid", "val", root=tmp_path)[0]


def test_load_bccd_reads_the_published_lists(tmp_path, bccd):
    image, boxes, labels, _ = load("bccd", "train", root=tmp_path)[0]
    assert image.shape == (3, 8, 10)
    assert boxes.tolist() == [[0, 0, 4, 5]]
    assert labels.tolist() == [2]
    with pytest.raises(DataError, match=r"val\.txt"):
        load("bccd", "val", root=tmp_path)


def test_load_bccd_reads_lists_that_an_editor_saved(tmp_path, bccd):
    listing = bccd / "ImageSets" / "Main" / "train.txt"
    listing.write_bytes("\ufeffx\r\n".encode())
    assert load("bccd", "train", root=tmp_path)[0].labels.tolist() == [2]
    for content, what in ((b"\xff\xfex\0", "can't be read"), (b"\n", "is empty")):
        listing.write_bytes(content)
        with pytest.raises(DataError, match=rf"train\.txt' {what}.*Restore"):
            load("bccd", "train", root=tmp_path)


def test_load_dsb2018_reads_the_zip_in_place(tmp_path, nuclei):
    parts = [load("dsb2018", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [14, 3, 3]
    image, mask, instances, boxes, labels = parts[0][0]
    assert image.shape == (3, 8, 10)
    assert instances.sum(dim=(1, 2)).tolist() == [9, 11]
    assert boxes.tolist() == [[2, 1, 5, 4], [4, 3, 8, 6]]
    assert labels.tolist() == [1, 1]
    assert mask.sum() == 20


def test_load_dsb2018_rejects_a_truncated_zip(tmp_path, nuclei):
    nuclei.write_bytes(nuclei.read_bytes()[:-200])
    with pytest.raises(DataError, match="damaged"):
        load("dsb2018", "train", root=tmp_path)


def test_load_dsb2018_rejects_a_corrupted_member(tmp_path, nuclei):
    content = bytearray(nuclei.read_bytes())
    data = load("dsb2018", "train", root=tmp_path)
    for at in range(60, len(content) // 2, 50):
        content[at] ^= 0xFF
    nuclei.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged|can't be read"):
        for _ in data:
            pass


@pytest.mark.parametrize("damage", DAMAGES)
def test_load_dsb2018_names_the_zip_whatever_is_damaged(tmp_path, nuclei, damage):
    nuclei.write_bytes(DAMAGES[damage](nuclei.read_bytes()))
    with pytest.raises(DataError, match=r"stage1_train_x\.zip' is damaged .* Restore"):
        list(load("dsb2018", "train", root=tmp_path))


def test_load_penn_fudan_numbers_pedestrians(tmp_path, penn_fudan):
    parts = [load("penn_fudan", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [14, 3, 3]
    item = parts[2][0]
    assert item.boxes.tolist() == [[0, 0, 3, 3], [5, 5, 10, 8]]
    np.testing.assert_array_equal(item.mask, penn_fudan > 0)
    (tmp_path / "PennFudanPed" / "PedMasks" / "p3_mask.png").unlink()
    with pytest.raises(DataError, match="p3_mask"):
        [load("penn_fudan", split, root=tmp_path) for split in ("train", "val", "test")]


def test_load_horse2zebra_pairs_what_has_nothing_in_common(tmp_path, horse2zebra):
    parts = [load("horse2zebra", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [27, 3, 3]
    assert torch.equal(parts[2][2].a, parts[2][0].a)  # two horses for three zebras
    assert parts[2][0].b.shape == (3, 8, 10)
    with pytest.raises(IndexError):
        parts[2][3]


def test_load_horse2zebra_rejects_a_domain_of_which_nothing_would_be_left(tmp_path, horse2zebra):
    for path in sorted((horse2zebra / "trainA").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DataError, match=r"trainA'.* at least 2 pictures .* got 1\. Restore"):
        load("horse2zebra", "train", root=tmp_path)


def test_load_oxford_pet_reads_trimaps(tmp_path, oxford_pet):
    parts = [load("oxford_pet", split, root=tmp_path) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [9, 1, 1]
    assert parts[2][0].mask.tolist() == [[1, 0, IGNORE], [IGNORE, 0, 1]]


def test_load_oxford_pet_rejects_an_empty_list(tmp_path, oxford_pet):
    (oxford_pet / "test.txt").write_text("")
    with pytest.raises(DataError, match=r"no complete Oxford-IIIT Pet .*empty"):
        load("oxford_pet", "test", root=tmp_path)
