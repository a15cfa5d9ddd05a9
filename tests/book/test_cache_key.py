"""What makes the book execute its notebooks again."""

import pytest

from cvgen_course.book.cache_key import cache_key


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "book").mkdir(parents=True)
    (folder / "losses.py").write_text("x = 1")
    (folder / "book" / "stage.py").write_text("y = 1")
    return folder


@pytest.fixture(autouse=True)
def _no_data(monkeypatch):
    monkeypatch.delenv("CVGEN_DATA", raising=False)


def test_cache_key_is_the_same_twice(tmp_path, package):
    assert cache_key("cpu", tmp_path, package) == cache_key("cpu", tmp_path, package)


def test_cache_key_changes_with_the_profile(tmp_path, package):
    keys = {cache_key(profile, tmp_path, package) for profile in ("smoke", "cpu", "gpu")}
    assert len({key.split("-")[1] for key in keys}) == 3


def test_cache_key_changes_with_the_library(tmp_path, package):
    before = cache_key("cpu", tmp_path, package)
    (package / "losses.py").write_text("x = 2")
    assert cache_key("cpu", tmp_path, package) != before


def test_cache_key_stays_when_only_the_book_s_code_changes(tmp_path, package):
    before = cache_key("cpu", tmp_path, package)
    (package / "book" / "stage.py").write_text("y = 2")
    assert cache_key("cpu", tmp_path, package) == before


def test_cache_key_changes_with_the_lock(tmp_path, package):
    before = cache_key("cpu", tmp_path, package)
    (tmp_path / "requirements.lock").write_text("torch==1")
    assert cache_key("cpu", tmp_path, package) != before


def test_cache_key_changes_with_the_data(tmp_path, package, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.bin").write_bytes(b"1")
    monkeypatch.setenv("CVGEN_DATA", str(data))
    before = cache_key("cpu", tmp_path, package)
    (data / "a.bin").write_bytes(b"12")
    assert cache_key("cpu", tmp_path, package) != before
