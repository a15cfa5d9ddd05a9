"""Look at the finished pages: dead links, missing pictures or texts of pictures, other hosts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

NOT_WRITTEN_BY_US = ("genindex.html", "search.html", "py-modindex.html")
LOADED = "img, script, source, iframe, video"
FILES = "link:is([rel~=stylesheet], [rel~=preload], [rel~=icon])"


@dataclass(frozen=True)
class _Page:
    """What a page points to, and what it can be pointed at."""

    anchors: frozenset[str]
    links: tuple[str, ...]
    loads: tuple[str, ...]
    pictures_without_text: tuple[str, ...]


def problems(html: Path) -> list[str]:
    """Return what is wrong with the pages of a book, one sentence each.

    Args:
        html: the folder of the built pages.
    """
    found = []
    for page in sorted(html.rglob("*.html")):
        if page.name in NOT_WRITTEN_BY_US or "_static" in page.relative_to(html).parts:
            continue
        name = page.relative_to(html).as_posix()
        content = _read(page)
        found += [f"{name}: {text}" for text in _page_problems(page, content)]
    return found


def _page_problems(page: Path, content: _Page) -> list[str]:
    found = []
    for address in dict.fromkeys(content.links):
        if _is_elsewhere(address):
            continue
        target, anchor = _target(page, address)
        if not target.is_file():
            found.append(f"dead link to {address}")
        elif anchor and target.suffix == ".html" and anchor not in _read(target).anchors:
            found.append(f"dead link to {address}: there is no such place on the page")
    for address in dict.fromkeys(content.loads):
        if address.startswith("data:"):
            continue
        if _is_elsewhere(address):
            found.append(f"loads {address}: a page must be readable offline")
        elif not _target(page, address)[0].is_file():
            found.append(f"missing file {address}")
    found += [f"picture {src} has no alternative text" for src in content.pictures_without_text]
    return found


def _is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("mailto", "javascript", "data")


def _target(page: Path, address: str) -> tuple[Path, str]:
    parts = urlsplit(address)
    target = page.parent / unquote(parts.path) if parts.path else page
    return (target / "index.html" if target.is_dir() else target), unquote(parts.fragment)


@cache
def _read_version(page: Path, changed: int) -> _Page:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")

    def values(tags: str, attribute: str) -> tuple[str, ...]:
        return tuple(str(tag[attribute]) for tag in soup.select(tags) if tag.get(attribute))

    return _Page(
        anchors=frozenset(values("[id]", "id") + values("[name]", "name")),
        links=values("a", "href"),
        loads=values(FILES, "href") + values(LOADED, "src"),
        pictures_without_text=tuple(
            str(tag.get("src", ""))[:80]
            for tag in soup.select("img")
            if not str(tag.get("alt", "")).strip()
        ),
    )


def _read(page: Path) -> _Page:
    return _read_version(page.resolve(), page.stat().st_mtime_ns)
