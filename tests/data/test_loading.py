import pytest

from cvgen_course.data import NAMES, load
from cvgen_course.errors import CourseError, DataError

REAL = tuple(name for name in NAMES if name not in ("scenes", "glyphs", "pairs"))


def test_load_knows_the_sets_of_the_course():
    assert set(NAMES) == {
        *("scenes", "glyphs", "pairs", "mnist", "fashion_mnist", "cifar10", "voc", "penn_fudan"),
        *("voc_detection", "oxford_pet", "horse2zebra", "camvid", "dsb2018", "bccd"),
    }


def test_load_rejects_an_unknown_name():
    with pytest.raises(
        ValueError, match=r"name: expected one of scenes, glyphs, pairs, .*, got 'imagenet'"
    ):
        load("imagenet", "train")


@pytest.mark.parametrize("name", NAMES)
def test_load_rejects_an_unknown_split(name, tmp_path):
    with pytest.raises(ValueError, match="split: expected one of train, val, test, got 'dev'"):
        load(name, "dev", root=tmp_path)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("there", [True, False])
def test_load_rejects_a_root_without_the_set(name, there, tmp_path):
    root = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(DataError, match=f"root: .*{name}") as caught:
        load(name, "train", root=root)
    assert isinstance(caught.value, CourseError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", REAL)
def test_load_offline_says_what_to_do(name, tmp_path, monkeypatch):
    from cvgen_course.data import download

    def refuse(*_, **__):
        raise download.urllib.error.URLError("offline")

    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(download.urllib.request, "urlopen", refuse)
    with pytest.raises(DataError, match=r"could not be downloaded|get it from"):
        load(name, "train")
    whole = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".part"]
    assert whole == []
