"""The whole way: a small course becomes pages, and whatever is wrong with it stops the build."""

import pytest

from cvgen_course.book import build
from cvgen_course.errors import BookError
from cvgen_course.machine import describe

pytestmark = pytest.mark.follows_from("jupyter_book", "tests/book")


@pytest.fixture
def prose(course):
    """The course without its notebooks: Sphinx alone."""
    (course / "jupyter_book" / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    (course / "jupyter_book" / "intro.md").write_text("# Prose\n\nText.\n")
    return course


@pytest.mark.slow
@pytest.mark.notebook
def test_build_makes_the_book_once(course, capsys):
    (course / "pyproject.toml").write_text(
        '[project.urls]\nRepository = "https://github.com/someone/sample"\n'
    )
    html = build(course, "smoke")
    page = (html / "01_sample" / "sample.html").read_text(encoding="utf-8")
    for part in (
        'alt="Two curves over the intersection',
        'href="#eq-1-2"',
        'href="#ref-long2015"',
        'id="ref-long2015"',
        "Fully Convolutional Networks for Semantic Segmentation",
        'href="../00_other/other.html#its-section"',
        "Model answer",
        "two common pixels",
        "https://colab.research.google.com/github/someone/sample/blob/main/lectures/01_sample/sample.ipynb",
        "https://mybinder.org/v2/gh/someone/sample/main?urlpath=lab/tree/lectures/01_sample/sample.ipynb",
        "https://github.com/someone/sample/issues/new",
        f"on {describe()} (profile",
    ):
        assert part in page
    for part in ("SOLUTION", "nbgrader", "CDATA"):
        assert part not in page
    assert (html / "lectures" / "01_sample" / "sample.ipynb").read_text() == "{}"

    assert build(course, "smoke") == html
    said = capsys.readouterr().out
    assert said.count("nothing has changed since") == 1
    assert said.count("executed in") == 2
    assert said.count("from the cache") == 2


@pytest.mark.slow
@pytest.mark.notebook
def test_build_takes_the_folders_name_and_its_texts_as_they_are(course, tmp_path):
    root = tmp_path / "CV [2026] #1 50% ö $HOME"
    root.mkdir()
    for tree in ("jupyter_book", "solutions", "lectures"):
        (course / tree).rename(root / tree)
    for path in (root / "jupyter_book/intro.md", *root.glob("solutions/*/*.md")):
        text = path.read_text(encoding="utf-8")
        path.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7 \xff")
    html = build(root, "smoke", quiet=True)
    for page, title in (("intro", "The sample"), ("00_other/other", "Another chapter")):
        text = (html / f"{page}.html").read_text(encoding="utf-8")
        assert f"<h1>{title}<" in text
    assert [path.name for path in tmp_path.iterdir()] == [root.name]


@pytest.mark.slow
def test_build_names_all_that_is_wrong_and_says_it_again(prose):
    intro = prose / "jupyter_book" / "intro.md"
    intro.write_text("# Prose\n\n[a](gone.md) ![b](gone.png)\n\n```{nonsense}\n```\n")
    for _ in range(2):
        with pytest.raises(BookError) as error:
            build(prose, "smoke", quiet=True)
        for part in ("gone.md", "gone.png", "nonsense"):
            assert part in str(error.value)
    intro.write_text('# Prose\n\n<a href="gone.html">a</a> <img src="intro.html">\n')
    with pytest.raises(BookError, match=r"dead link to gone\.html(.|\n)*no alternative text"):
        build(prose, "smoke", quiet=True)


@pytest.mark.notebook
def test_build_stops_at_a_failing_cell(course):
    source = course / "solutions" / "00_other" / "other.md"
    source.write_text(source.read_text().replace('print("hello")', "1 / 0"))
    with pytest.raises(BookError, match="ZeroDivisionError"):
        build(course, "smoke", quiet=True)


def test_build_asks_for_a_release(prose):
    (prose / "jupyter_book" / "_toc.yml").write_text("format: jb-book\nroot: empty/empty\n")
    source = prose / "solutions" / "empty" / "empty.md"
    source.parent.mkdir()
    source.write_text("# Empty\n")
    with pytest.raises(BookError, match="make it with: cvgen release"):
        build(prose, "smoke", quiet=True)


def test_build_refuses_a_page_that_is_nowhere(prose):
    (prose / "jupyter_book" / "_toc.yml").write_text("format: jb-book\nroot: nowhere\n")
    with pytest.raises(BookError, match="nowhere"):
        build(prose, "smoke", quiet=True)


def test_build_names_a_page_in_another_encoding(prose):
    (prose / "jupyter_book" / "intro.md").write_bytes("# Größe\n".encode("latin-1"))
    with pytest.raises(BookError, match=r"intro\.md: expected text in UTF-8"):
        build(prose, "smoke", quiet=True)


def test_build_refuses_another_folder(tmp_path):
    with pytest.raises(BookError, match=r"is .* the course's folder"):
        build(tmp_path, "smoke", quiet=True)


def test_build_refuses_an_unknown_profile(tmp_path):
    with pytest.raises(BookError, match="expected one of smoke, cpu, gpu, got 'huge'"):
        build(tmp_path, "huge", quiet=True)
