import shutil

import pytest
import torch
from support.image_files import pixels
from support.toy_extractor import toy_extractor, toy_side

from cvgen_course.experiments.evaluation.cached import cached_path, read_summary, write_summary


@pytest.fixture
def summary(tmp_path):
    return toy_side(tmp_path, pixels(30, 8, 8)).summary


@pytest.fixture
def path(tmp_path, summary):
    path = tmp_path / "cache" / "kept.safetensors"
    write_summary(path, summary)
    return path


def same(first, second):
    return first.facts == second.facts and all(
        torch.equal(a, b)
        for a, b in zip(
            [*first.moments[1:], *first.sums, first.kept],
            [*second.moments[1:], *second.sums, second.kept],
            strict=True,
        )
    )


def test_read_summary_returns_what_was_written(path, summary):
    found = read_summary(path)
    assert same(found, summary)
    assert found.moments.num == 30
    assert list(path.parent.iterdir()) == [path]  # nothing is left beside it


def test_read_summary_of_no_file_is_none(tmp_path):
    assert read_summary(tmp_path / "none.safetensors") is None


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "bit in numbers", "bit in facts"])
def test_read_summary_of_a_damaged_file_is_none(path, damage):
    content = bytearray(path.read_bytes())
    content[-5] ^= damage == "bit in numbers"
    if damage == "bit in facts":
        content = content.replace(b'\\"num\\": 30', b'\\"num\\": 31')
    damaged = {"cut": content[:-9], "empty": b"", "text": b"no summary"}
    path.write_bytes(damaged.get(damage, content))
    assert read_summary(path) is None


def test_write_summary_where_it_can_t_be_written_does_nothing(tmp_path, summary):
    (tmp_path / "file").write_text("no folder")
    write_summary(tmp_path / "file" / "kept.safetensors", summary)
    assert (tmp_path / "file").read_text() == "no folder"


def test_write_summary_on_a_full_disk_leaves_nothing(path, summary, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    shutil.rmtree(path.parent)
    monkeypatch.setattr("os.replace", full)
    write_summary(path, summary)
    assert list(path.parent.iterdir()) == []


def test_cached_path_follows_from_images_weights_code_and_seed(monkeypatch, tmp_path):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    glyphs, inception = toy_extractor(), toy_extractor("inception")
    found = [cached_path("abc", glyphs, 0), cached_path("abd", glyphs, 0)]
    found += [cached_path("abc", inception, 0), cached_path("abc", glyphs, 1)]
    module = "cvgen_course.experiments.evaluation.cached.code_hash"
    monkeypatch.setattr(module, lambda *modules: "another")
    found.append(cached_path("abc", glyphs, 0))
    assert len(set(found)) == 5
    assert {path.parent for path in found} == {tmp_path / "evaluation"}
