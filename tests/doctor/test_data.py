from pathlib import Path

import pytest

from cvgen_course import data as sets
from cvgen_course.doctor import data
from cvgen_course.doctor.child import Answer
from cvgen_course.doctor.data import check_data, real_sets

pytestmark = pytest.mark.usefixtures("on_linux")


@pytest.fixture
def on_linux(on):
    on("linux")


def test_check_data_keeps_what_it_draws_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CVGEN_DATA", raising=False)
    cache, real = check_data()
    assert (cache.status, real.status) == ("ok", "ok")
    assert cache.what.endswith(str(tmp_path / "cache"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_check_data_says_what_an_unwritable_cache_costs(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path / "file" / "cache"))
    cache, _ = check_data()
    assert cache.status == "optional"
    assert "drawn anew each time" in cache.what
    assert cache.mend == f"export CVGEN_CACHE={Path.home() / 'cvgen_cache'}"


def test_check_data_says_when_the_library_is_incomplete(monkeypatch):
    error = "ModuleNotFoundError: No module named 'torch'"
    monkeypatch.setattr(data, "ask", lambda program: Answer(error=error))
    (finding,) = check_data()
    assert finding.status == "optional"
    assert finding.what.endswith(error)


def test_real_sets_needs_none():
    assert real_sets(None).status == real_sets("").status == "ok"


def test_real_sets_names_what_a_folder_holds(monkeypatch, tmp_path):
    for part in ("train", "val", "test"):
        for folder in (part, f"{part}annot"):
            (tmp_path / "camvid" / folder).mkdir(parents=True)
    from PIL import Image

    for folder in ("test", "testannot"):
        Image.new("L" if "annot" in folder else "RGB", (8, 8)).save(
            tmp_path / "camvid" / folder / "a.png"
        )
    monkeypatch.setenv("CVGEN_DATA", str(tmp_path))
    finding = real_sets(str(tmp_path))
    assert finding.status == "ok"
    assert finding.what.startswith("CVGEN_DATA holds camvid; not mnist")


def test_real_sets_finds_a_folder_without_any(monkeypatch, tmp_path):
    monkeypatch.setenv("CVGEN_DATA", str(tmp_path))
    finding = real_sets(str(tmp_path))
    assert finding.status == "wrong"
    assert finding.mend == "unset CVGEN_DATA"
    assert all(
        name in finding.what for name in sets.NAMES if name not in ("scenes", "glyphs", "pairs")
    )


def test_real_sets_finds_no_folder(tmp_path):
    finding = real_sets(str(tmp_path / "nowhere"))
    assert finding.status == "wrong"
    assert "nowhere" in finding.what
