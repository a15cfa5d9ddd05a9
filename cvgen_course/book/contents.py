"""What the list of chapters gives to the book: entries of its contents, pages, tables."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from cvgen_course.book.measurements import measurements
from cvgen_course.chapters import CHAPTERS, PICTURED, READY, fill, numbers, table
from cvgen_course.errors import BookError

LIBRARIES = tuple(chapter for chapter in CHAPTERS if find_spec(f"cvgen_course.{chapter.name}"))
"""The chapters that have a package in the library; the introduction has none."""

EACH: dict[str, list[dict[str, str]]] = {
    "chapter": [{"file": chapter.page} for chapter in READY],
    "library": [{"file": f"api/{chapter.name}", "title": chapter.name} for chapter in LIBRARIES],
}
"""What stands in the contents where ``_toc.yml`` has an entry such as ``- each: chapter``."""

LIBRARY = """# cvgen_course.{name}

```{{eval-rst}}
.. automodule:: cvgen_course.{name}
```
"""
CARD = """:::{{grid-item-card}} {chapter.number:02d} {chapter.title}
:link: {chapter.page}
:link-type: doc
:img-top: {picture}
:img-alt: {chapter.shown}
:text-align: center
:::"""
PICTURES = "images/chapters"
"""Where the chapters' pictures are in the book."""

GENERATED = ("measurements", *(entry["file"] for entry in EACH["library"]))
"""Pages that have no file in ``jupyter_book/``: they are made here."""


def contents(book: Path) -> Any:
    """Return the table of contents, with an entry for each chapter where it asks for them.

    Args:
        book: the folder with ``_toc.yml``.

    Raises:
        BookError: there is no such file.
    """
    toc = book / "_toc.yml"
    if not toc.is_file():
        raise BookError(f"{toc}: no such file; is {book.parent} the course's folder?")
    return _with_entries(yaml.safe_load(toc.read_text(encoding="utf-8")))


def pages(toc: Any) -> list[str]:
    """Return all pages that a table of contents names, in order."""
    if isinstance(toc, list):
        return [name for item in toc for name in pages(item)]
    if not isinstance(toc, dict):
        return []
    own = [toc[key] for key in ("root", "file") if key in toc]
    return own + [name for value in toc.values() for name in pages(value)]


def generated(page: str, root: Path) -> str:
    """Return the text of a page that has no file.

    Args:
        page: one of ``GENERATED``.
        root: the course root.
    """
    if page == "measurements":
        return measurements(root / "benchmarks" / "results.json")
    return LIBRARY.format(name=page.removeprefix("api/"))


def with_tables(page: str, text: str) -> str:
    """Return a page's text with what follows from the list of chapters in its places."""
    if page == "api/index":
        rows = [f"| [`{c.name}`]({c.name}.md) | {c.teaches} |" for c in LIBRARIES]
        return fill(text, "\n".join(["| Package | Holds |", "|---|---|", *rows]))
    text = fill(fill(text, table("{page}.ipynb")), numbers("{page}.ipynb"), "numbers")
    return fill(text, _cards(), "pictures")


def pictures() -> dict[str, bytes]:
    """Return the chapters' pictures, by their addresses in the book."""
    return {f"{PICTURES}/{c.name}.png": c.picture.read_bytes() for c in PICTURED}


def _cards() -> str:
    """Return a card for each chapter with a picture, which leads to its page."""
    cards = [CARD.format(chapter=c, picture=f"{PICTURES}/{c.name}.png") for c in PICTURED]
    return "\n\n".join(["::::{grid} 2 2 4 4\n:gutter: 2", *cards, "::::"])


def _with_entries(toc: Any) -> Any:
    if isinstance(toc, dict):
        return {key: _with_entries(value) for key, value in toc.items()}
    if isinstance(toc, list):
        several = (EACH[item["each"]] if "each" in item else [_with_entries(item)] for item in toc)
        return [entry for entries in several for entry in entries]
    return toc
