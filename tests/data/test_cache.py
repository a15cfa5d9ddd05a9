import os

import numpy as np
import pytest
from support.damaged_zip import DAMAGES

from cvgen_course.data import cache

ARRAYS = {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": np.zeros(0)}


def test_save_arrays_read_arrays_round_trip(tmp_path):
    path = tmp_path / "new" / "x.npz"
    cache.save_arrays(path, ARRAYS)
    read = cache.read_arrays(path)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
    assert [file.name for file in path.parent.iterdir()] == ["x.npz"]


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_cached_makes_a_damaged_file_anew(tmp_path, damage):
    path = tmp_path / "x.npz"
    big = {"a": np.arange(5000)}
    cache.save_arrays(path, big)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(content[: {"truncate": len(content) // 2, "flip": None, "empty": 0}[damage]])
    assert cache.read_arrays(path) is None
    made = cache.cached(path, lambda: big, big)
    np.testing.assert_array_equal(made["a"], big["a"])
    np.testing.assert_array_equal(cache.read_arrays(path)["a"], big["a"])


@pytest.mark.parametrize("damage", DAMAGES)
def test_cached_makes_anew_whatever_the_damage(tmp_path, damage):
    path = tmp_path / "x.npz"
    cache.save_arrays(path, ARRAYS)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    calls = []
    for _ in range(2):
        made = cache.cached(path, lambda: calls.append(1) or ARRAYS, ARRAYS)
        assert made.keys() == ARRAYS.keys()
        np.testing.assert_array_equal(made["a"], ARRAYS["a"])
    assert len(calls) == 1


def test_cached_makes_once(tmp_path):
    calls = []
    for _ in range(3):
        cache.cached(tmp_path / "x.npz", lambda: calls.append(1) or ARRAYS, ARRAYS)
    assert len(calls) == 1


def test_cached_works_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way of a folder")
    made = cache.cached(tmp_path / "file" / "x.npz", lambda: ARRAYS, ARRAYS)
    assert made is ARRAYS


def test_cached_writes_no_pickle(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([{"an": "object"}], dtype=object))
    assert cache.read_arrays(tmp_path / "x.npz") is None
    assert os.listdir(tmp_path) == ["x.npz"]
