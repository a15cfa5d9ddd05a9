"""The book's own pages: every chapter and every package of the library has its place."""

from pathlib import Path

import pytest

from cvgen_course.book.contents import (
    GENERATED,
    contents,
    generated,
    pages,
    pictures,
    with_tables,
)
from cvgen_course.chapters import PICTURED, READY
from cvgen_course.data import NAMES

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "jupyter_book"
PACKAGES = sorted(
    path.parent.name
    for path in ROOT.glob("cvgen_course/*/__init__.py")
    if path.parent.name
    not in ("book", "demo", "doctor", "experiments", "grading", "notebooks", "reports")
)
CONTENTS = pages(contents(BOOK))


@pytest.mark.parametrize("chapter", READY, ids=lambda chapter: chapter.name)
def test_contents_name_every_chapter(chapter):
    assert chapter.page in CONTENTS
    text = with_tables("intro", (BOOK / "intro.md").read_text(encoding="utf-8"))
    assert f"[{chapter.title}]({chapter.page}.ipynb)" in text


@pytest.mark.parametrize("chapter", READY, ids=lambda chapter: chapter.name)
def test_front_page_has_the_numbers_of_every_chapter(chapter):
    text = with_tables("intro", (BOOK / "intro.md").read_text(encoding="utf-8"))
    assert (
        f"[{chapter.number:02d} {chapter.title}]({chapter.page}.ipynb) | {chapter.minutes} |"
        in text
    )


@pytest.mark.parametrize("chapter", PICTURED, ids=lambda chapter: chapter.name)
def test_front_page_has_the_pictures_of_the_chapters(chapter):
    text = with_tables("intro", (BOOK / "intro.md").read_text(encoding="utf-8"))
    card = text[text.index(f":::{{grid-item-card}} {chapter.number:02d} {chapter.title}\n") :]
    card = card[: card.index("\n:::")]
    address = f"images/chapters/{chapter.name}.png"
    assert f":link: {chapter.page}\n" in card
    assert f":img-top: {address}\n:img-alt: {chapter.shown}\n" in card
    assert pictures()[address] == chapter.picture.read_bytes()
    assert (
        f"[{chapter.number:02d} {chapter.title}]({chapter.page}.ipynb) | {chapter.minutes} |"
        in text
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_contents_name_every_package_of_the_library(package):
    page = f"api/{package}"
    assert page in CONTENTS
    path = BOOK / f"{page}.md"
    text = generated(page, ROOT) if page in GENERATED else path.read_text(encoding="utf-8")
    assert f".. automodule:: cvgen_course.{package}\n" in text
    index = with_tables("api/index", (BOOK / "api" / "index.md").read_text(encoding="utf-8"))
    assert f"({package}.md)" in index


def test_contents_without_an_entry_for_each_chapter_stay_as_they_are(tmp_path):
    toc = tmp_path / "_toc.yml"
    toc.write_text("format: jb-book\nroot: intro\nchapters:\n  - file: 01_sample/sample\n")
    assert contents(tmp_path) == {
        "format": "jb-book",
        "root": "intro",
        "chapters": [{"file": "01_sample/sample"}],
    }


def test_every_page_is_in_the_contents():
    written = {p.relative_to(BOOK).with_suffix("").as_posix() for p in BOOK.rglob("*.md")}
    written = {name for name in written if not name.startswith("_build")}
    assert written - {"README", "intro"} <= set(CONTENTS)


def test_page_of_the_data_names_every_data_set():
    text = (BOOK / "api" / "data.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []
