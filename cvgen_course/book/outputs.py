"""What of a cell's outputs a reader should see."""

from __future__ import annotations

import re
from typing import Any

import nbformat

from cvgen_course.errors import BookError

PAGE_TYPES = (
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/markdown",
    "text/latex",
    "text/plain",
)
"""Mime types that a page can show. Widgets and the machine-readable report of a check can't be."""

_PYTHON_WARNING = re.compile(r"^.*\b[A-Z]\w*Warning: .*$", re.MULTILINE)
_PROGRESS_BAR = re.compile(r"\d+%\|.*\||\d+it \[\d|\d+/\d+ \[\d+:\d\d")
_CURSOR = re.compile(r"\x1b\[[0-9;]*[A-HJKSTf]")


def clean(outputs: list[dict[str, Any]], *, where: str, drop_value: bool = False) -> list[Any]:
    """Return the outputs that belong on the page.

    Progress bars and everything else on stderr are left out, widgets too; text that a carriage
    return has overwritten is overwritten.

    Args:
        outputs: a cell's outputs as the notebook format has them.
        where: which cell it is, for messages.
        drop_value: leave out the value of the last expression (the points of a grade cell).

    Raises:
        BookError: the cell gives a Python warning.
    """
    cleaned = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            if output["name"] == "stderr":
                _refuse_warnings(output["text"], where)
                continue
            text = overwrite(output["text"])
            if not text.strip():
                continue
            output = {**output, "text": text}
        elif kind in ("display_data", "execute_result"):
            if drop_value and kind == "execute_result":
                continue
            data = {mime: output["data"][mime] for mime in PAGE_TYPES if mime in output["data"]}
            if not data or "application/vnd.jupyter.widget-view+json" in output["data"]:
                continue
            output = {**output, "data": data}
        cleaned.append(nbformat.from_dict(output))
    return cleaned


def overwrite(text: str) -> str:
    """Return what a terminal would show in the end, without progress bars."""
    lines = []
    for line in _CURSOR.sub("", text).split("\n"):
        last = [part for part in line.split("\r") if part]
        line = last[-1] if last else ""
        if not _PROGRESS_BAR.search(line):
            lines.append(line)
    return "\n".join(lines)


def images(outputs: list[dict[str, Any]]) -> list[str]:
    """Return the images among the outputs, as text (base64 or SVG)."""
    found = []
    for output in outputs:
        for mime, content in output.get("data", {}).items():
            if mime.startswith("image/"):
                found.append(content)
                break
    return found


def _refuse_warnings(text: str, where: str) -> None:
    match = _PYTHON_WARNING.search(text)
    if match:
        raise BookError(
            f"{where} gives a warning: {match.group().strip()}\n"
            "  Mend what it warns of; a page of the book shows no warnings."
        )
