import gzip
import hashlib
import re
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.voc_xml import voc_xml


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Tests neither read nor write the user's cache, and see no CVGEN_DATA but where they ask."""
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path_factory.getbasetemp() / "cvgen-cache"))
    monkeypatch.delenv("CVGEN_DATA", raising=False)


@pytest.fixture
def fingerprint():
    """Hash arrays; skip where what draws them is not of the pinned versions."""
    lock = Path(__file__).parents[2] / "requirements.lock"
    names = ("numpy", "pillow", "matplotlib")
    pinned = set(re.findall(rf"^({'|'.join(names)})==(\S+)", lock.read_text(), re.MULTILINE))
    installed = {(name, version(name)) for name in names}
    if not installed <= pinned:
        pytest.skip(f"not the pinned set: {sorted(installed - pinned)}")

    def fingerprint(arrays):
        digest = hashlib.sha256()
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + str(array.shape).encode() + array.tobytes())
        return digest.hexdigest()[:16]

    return fingerprint


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def write_picture(rng):
    """Write a picture: random RGB of a size, or the given array."""

    def write(path: Path, content=(8, 10, 3)):
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            content = rng.integers(0, 256, content, np.uint8)
        Image.fromarray(content).save(path)
        return content

    return write


@pytest.fixture
def write_idx(rng):
    """Write a small MNIST: 40 training and 10 test images, packed."""

    def idx(array):
        head = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
        return head + array.tobytes()

    def write(folder: Path):
        folder.mkdir(parents=True)
        for prefix, count in (("train", 40), ("t10k", 10)):
            images = rng.integers(0, 256, (count, 28, 28), np.uint8)
            labels = (np.arange(count) % 10).astype(np.uint8)
            for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
                (folder / f"{prefix}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array)))

    return write


@pytest.fixture
def sheets(tmp_path, write_picture):
    folder = tmp_path / "cifar10"
    pixels = [write_picture(folder / f"cifar10_batch_{i}.png", (10, 1024, 3)) for i in range(2)]
    (folder / "cifar10_batch_0-1_labels.txt").write_text("\n".join("0123456789" * 2))
    return np.concatenate(pixels)


@pytest.fixture
def camvid(tmp_path, write_picture):
    mask = np.arange(80, dtype=np.uint8).reshape(8, 10) % 12
    for split in ("train", "val", "test"):
        write_picture(tmp_path / "camvid" / split / "a.png")
        write_picture(tmp_path / "camvid" / f"{split}annot" / "a.png", mask)
    return mask


@pytest.fixture
def nuclei(tmp_path, write_picture):
    folder = tmp_path / "dsb2018"
    mask = np.zeros((2, 8, 10), np.uint8)
    mask[0, 1:4, 2:5] = 255
    mask[1, 3:6, 4:8] = 255  # one pixel of it belongs to the first already
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for index in range(20):
            key = f"stage1_train/key{index:02}"
            write_picture(folder / "picture.png")
            archive.write(folder / "picture.png", f"{key}/images/key.png")
            for k in range(2):
                write_picture(folder / "mask.png", mask[k])
                archive.write(folder / "mask.png", f"{key}/masks/{k}.png")
    for left in folder.iterdir():
        left.unlink()
    return (tmp_path / "set.zip").rename(folder / "stage1_train_x.zip")


@pytest.fixture
def voc(tmp_path, write_picture):
    """Write a VOC 2012 with ten images to learn from, p0 to p9, and one to measure on, q."""
    folder = tmp_path / "voc" / "VOCdevkit" / "VOC2012"
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    names = [f"p{i}" for i in range(10)]
    (folder / "ImageSets" / "Main" / "train.txt").write_text("\n".join(names) + "\n")
    (folder / "ImageSets" / "Main" / "val.txt").write_text("q\n")
    for index, name in enumerate([*names, "q"]):
        write_picture(folder / "JPEGImages" / f"{name}.jpg", (20, 30 + index, 3))
        text = voc_xml(("person", index + 1, 2, 30, 20), ("cat", 1, 1, 9, 9))
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    return folder


@pytest.fixture
def bccd(tmp_path, write_picture):
    """Write a BCCD with one training image, x, and return its folder."""
    folder = tmp_path / "bccd" / "BCCD"
    write_picture(folder / "JPEGImages" / "x.jpg")
    for inner in ("Annotations", "ImageSets/Main"):
        (folder / inner).mkdir(parents=True)
    (folder / "Annotations" / "x.xml").write_text(voc_xml(("WBC", 1, 1, 4, 5)))
    (folder / "ImageSets" / "Main" / "train.txt").write_text("x\n")
    return folder


@pytest.fixture
def penn_fudan(tmp_path, write_picture):
    """Write a Penn-Fudan of 20 images, and return the mask that all have."""
    mask = np.zeros((8, 10), np.uint8)
    mask[:3, :3], mask[5:, 5:] = 2, 7  # whatever the numbers
    for index in range(20):
        write_picture(tmp_path / "PennFudanPed" / "PNGImages" / f"p{index}.png")
        write_picture(tmp_path / "PennFudanPed" / "PedMasks" / f"p{index}_mask.png", mask)
    return mask


@pytest.fixture
def horse2zebra(tmp_path, write_picture):
    """Write a horse2zebra, and return its folder."""
    counts = {"trainA": 20, "trainB": 30, "testA": 2, "testB": 3}
    for folder, count in counts.items():
        for index in range(count):
            write_picture(tmp_path / "horse2zebra" / folder / f"{index:02}.jpg")
    return tmp_path / "horse2zebra"


@pytest.fixture
def oxford_pet(tmp_path, write_picture):
    """Write pets, ten to learn from, and return the folder of their annotations."""
    folder = tmp_path / "oxford_pet" / "oxford-iiit-pet"
    (folder / "annotations").mkdir(parents=True)
    trimap = np.array([[1, 2, 3], [3, 2, 1]], np.uint8)
    names = [f"Bengal_{i}" for i in range(10)]
    for name in names:
        write_picture(folder / "images" / f"{name}.jpg", (2, 3, 3))
        write_picture(folder / "annotations" / "trimaps" / f"{name}.png", trimap)
    lines = "".join(f"{name} 1 1 1\n" for name in names)
    (folder / "annotations" / "trainval.txt").write_text(lines)
    (folder / "annotations" / "test.txt").write_text("Bengal_0 1 1 1\n")
    return folder / "annotations"
