import pytest
import torch

from cvgen_course.data.glyph_set import load_glyphs
from cvgen_course.data.pair_set import load_pairs
from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation import named_set
from cvgen_course.experiments.evaluation.named_set import NamedSet


@pytest.fixture
def glyphs():
    return load_glyphs("test", size=3)


def test_named_set_is_a_split_s_images(monkeypatch, glyphs):
    monkeypatch.setattr(named_set, "load", lambda *asked: {("glyphs", "test"): glyphs}[asked])
    source = NamedSet("REAL", "glyphs", "test")
    assert len(source) == 3
    found = [picture.image for batch in source.batches(2) for picture in batch]
    assert torch.equal(torch.stack(found), glyphs.images)


def test_named_set_takes_items_one_by_one_where_it_must(monkeypatch, glyphs):
    monkeypatch.setattr(named_set, "load", lambda name, split: [*glyphs])
    batches = [*NamedSet("REAL", "camvid", "test").batches(2)]
    assert [len(batch) for batch in batches] == [2, 1]
    assert torch.equal(batches[1][0].image, glyphs.images[2])


@pytest.mark.parametrize("name", ["horse2zebra", "pairs"])
def test_named_set_of_two_domains_is_refused(monkeypatch, name):
    monkeypatch.setattr(named_set, "load", lambda name, split: load_pairs(split, size=1))
    message = f"REAL: expected .* one image an item, got {name}, .*; name a folder, or an .npz file"
    with pytest.raises(CourseError, match=message):
        NamedSet("REAL", name, "train")


def test_named_set_of_no_split_is_refused():
    with pytest.raises(CourseError, match="REAL: split: expected one of train, val, test, got 'x'"):
        NamedSet("REAL", "glyphs", "x")


def test_contents_are_the_same_for_the_same_images_only(monkeypatch, glyphs):
    found = []
    for some in ([*glyphs], [*glyphs], [*glyphs][:2], [*glyphs][::-1]):
        monkeypatch.setattr(named_set, "load", lambda name, split, some=some: some)
        found.append(b"".join(content for _, content in NamedSet("REAL", "a", "b").contents()))
    assert found[0] == found[1]
    assert len(set(found)) == 3
