import pytest
from PIL import Image

from cvgen_course.book.build import BUILD
from cvgen_course.book.pictures import CUTS, SIDE, Cut, _cut, cut_pictures
from cvgen_course.chapters import PICTURED
from cvgen_course.errors import BookError


@pytest.fixture
def root(tmp_path):
    """A course whose book has one figure: white, with a red square of 100 pixels at (200, 50)."""
    figure = Image.new("RGB", (1000, 400), "white")
    figure.paste("red", (200, 50, 300, 150))
    folder = tmp_path / BUILD / "staged" / "figures"
    folder.mkdir(parents=True)
    figure.save(folder / "fig-1-1.png")
    return tmp_path


def test_cuts_are_there_for_every_chapter_with_a_picture():
    assert list(CUTS) == [chapter.name for chapter in PICTURED]
    for chapter in PICTURED:
        assert CUTS[chapter.name].figure.startswith(f"fig-{chapter.number}-")


def test_cut_takes_the_piece_that_is_named(root, tmp_path):
    path = _cut(root, Cut("fig-1-1", 0.2, 0.05, 0.1), tmp_path / "piece.png")
    with Image.open(path) as piece:
        assert piece.size == (SIDE, SIDE)
        assert piece.getcolors() == [(SIDE * SIDE, (255, 0, 0))]


def test_cut_says_where_there_is_no_such_figure(root, tmp_path):
    with pytest.raises(BookError, match=r"fig-9-9\.png: no such figure; build the book first"):
        _cut(root, Cut("fig-9-9", 0, 0, 1), tmp_path / "piece.png")
    assert not (tmp_path / "piece.png").exists()


def test_pictures_are_cut_from_a_built_book_only(root):
    with pytest.raises(BookError, match=r"no such figure; build the book first: cvgen book"):
        cut_pictures(root)
