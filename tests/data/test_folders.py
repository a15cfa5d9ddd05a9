import platformdirs
import pytest
from platformdirs import windows
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from cvgen_course.data import folders
from cvgen_course.data.folders import Place, locate
from cvgen_course.errors import DataError

PLACE = Place("a set", ("a_set", "a-set"), ("x*.txt", "y*.txt"), None, "its publisher")


def fill(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x1.txt").touch()
    (folder / "y1.txt").touch()
    return folder


@pytest.mark.parametrize("inner", ["a_set", "a-set", "."])
def test_locate_finds_the_folder_or_its_parent(tmp_path, inner, monkeypatch):
    folder = fill(tmp_path / inner)
    assert locate(PLACE, tmp_path).samefile(folder)
    monkeypatch.setenv("CVGEN_DATA", str(tmp_path))
    assert locate(PLACE, None).samefile(folder)


def test_locate_root_wins_over_the_environment(tmp_path, monkeypatch):
    fill(tmp_path / "one"), fill(tmp_path / "two")
    monkeypatch.setenv("CVGEN_DATA", str(tmp_path / "one"))
    assert locate(PLACE, tmp_path / "two") == tmp_path / "two"


def test_locate_missing_root_is_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"root: expected a folder .*nowhere.* does not exist"):
        locate(PLACE, tmp_path / "nowhere")
    monkeypatch.setenv("CVGEN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="CVGEN_DATA: expected a folder"):
        locate(PLACE, None)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        locate(PLACE, tmp_path / "file")


def test_locate_named_root_without_the_set_never_downloads(tmp_path):
    place = Place("a set", ("a_set",), ("x*.txt",), pytest.fail, "its publisher")
    with pytest.raises(DataError, match=r"expected a set in .*'a_set'.*x\*\.txt.*name no folder"):
        locate(place, tmp_path)


def test_locate_ignores_unfinished_downloads(tmp_path):
    fill(tmp_path)
    (tmp_path / "y1.txt").rename(tmp_path / "y1.txt.part")
    place = Place("a set", ("a_set",), ("x*", "y*"), None, "its publisher")
    with pytest.raises(DataError):
        locate(place, tmp_path)


def test_locate_downloads_into_the_cache_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    calls = []
    place = Place("a set", ("a_set",), ("x*", "y*"), lambda path: calls.append(fill(path)), "x")
    for _ in range(2):
        assert locate(place, None) == tmp_path / "a_set"
    assert calls == [tmp_path / "a_set"]


def test_locate_checks_what_was_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    place = Place("a set", ("a_set",), ("x*",), lambda path: path.mkdir(), "x")
    with pytest.raises(DataError, match=r"lacks x\*\. Delete that folder"):
        locate(place, None)


def test_locate_without_a_download_says_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"get it from its publisher, and pass root=FOLDER"):
        locate(PLACE, None)


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        (Unix, "XDG_CACHE_HOME", "base/cvgen_course"),
        (Windows, "LOCALAPPDATA", "base/cvgen_course"),
        (MacOS, "HOME", "base/Library/Caches/cvgen_course"),
        (Unix, "HOME", "base/.cache/cvgen_course"),
        (Unix, "CVGEN_CACHE", "base"),
    ],
)
def test_cache_folder_follows_the_platform(tmp_path, monkeypatch, platform, variable, expected):
    for name in ("CVGEN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platformdirs, "PlatformDirs", platform)
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)
    monkeypatch.setenv(variable, str(tmp_path / "base"))
    assert folders.cache_folder() == tmp_path / expected
