"""The book's own pages: every chapter and every package of the library has its place."""

from pathlib import Path

import pytest
import yaml

from cvgen_course.book.site import pages
from cvgen_course.data import NAMES

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "jupyter_book"
CHAPTERS = sorted(path.relative_to(ROOT / "solutions") for path in ROOT.glob("solutions/*/*.md"))
PACKAGES = sorted(
    path.parent.name
    for path in ROOT.glob("cvgen_course/*/__init__.py")
    if path.parent.name not in ("book", "demo", "doctor", "experiments", "grading")
)


def contents() -> list[str]:
    """Return the pages of the table of contents, in order."""
    return pages(yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_contents_name_every_chapter(chapter):
    assert chapter.with_suffix("").as_posix() in contents()


@pytest.mark.parametrize("package", PACKAGES)
def test_contents_name_every_package_of_the_library(package):
    assert f"api/{package}" in contents()
    page = (BOOK / "api" / f"{package}.md").read_text(encoding="utf-8")
    assert f".. automodule:: cvgen_course.{package}\n" in page
    assert f"({package}.md)" in (BOOK / "api" / "index.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_contents():
    written = {p.relative_to(BOOK).with_suffix("").as_posix() for p in BOOK.rglob("*.md")}
    written = {name for name in written if not name.startswith("_build")}
    assert written - {"README", "intro"} <= set(contents())


def test_page_of_the_data_names_every_data_set():
    text = (BOOK / "api" / "data.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []
