import gzip
import hashlib
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


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
