"""What a kernel sends, as nbformat allows it: a student's code may send anything."""

from __future__ import annotations

import math
from typing import Any

from nbformat import ValidationError
from nbformat.v4 import new_output

BUNDLES = ("display_data", "update_display_data", "execute_result")
WIDGET = "application/vnd.jupyter.widget-view+json"
"""Left out of all outputs: a page without a kernel shows its text instead."""
DEEPEST = 100
"""Levels of nested JSON; what writes and reads notebooks recurses into it."""
MOST_FORMS = 100


def tidied(kind: str, content: Any) -> dict[str, Any]:
    """Return the content of a kernel's message, with valid parts in the place of all others.

    Points are never made up here: where a result can't be used, a note takes its place.

    Args:
        kind: the message's type. Types that are no output keep their content, but its numbers.
        content: what came.
    """
    content = content if isinstance(content, dict) else {}
    if kind == "stream":
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        return {"name": name, "text": _text(content.get("text"))}
    if kind == "error":
        return {
            "ename": _text(content.get("ename")),
            "evalue": _text(content.get("evalue")),
            "traceback": lines(content.get("traceback")),
        }
    content = dict(content)
    if kind in BUNDLES:
        content["data"] = _bundle(content.get("data"))
        content["metadata"] = _metadata(content.get("metadata"))
        content["transient"] = _transient(content.get("transient"))
    if kind == "execute_result" or "execution_count" in content:
        count = content.get("execution_count")
        content["execution_count"] = count if type(count) is int and count >= 0 else None
    return content


def lines(traceback: Any) -> list[str]:
    """Return a traceback's lines; where it is a single text, that one."""
    return (
        [_text(part) for part in traceback] if isinstance(traceback, list) else [_text(traceback)]
    )


def size(content: Any, depth: int = 0) -> float:
    """Return about how many characters an output has; infinity where it is nested too deep."""
    if depth > DEEPEST:
        return math.inf
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(size(part, depth + 1) for pair in content.items() for part in pair)
    if isinstance(content, list):
        return sum(size(part, depth + 1) for part in content)
    return 8


def _text(value: Any) -> str:
    """Return a text; a list of texts is one, as in nbformat."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "".join(value)
    return value if isinstance(value, str) else str(value)


def _bundle(data: Any) -> dict[str, Any]:
    """Return the valid entries of a bundle (MIME type → data); one of them is a text."""
    data = data if isinstance(data, dict) else {}
    kept = {kind: value for kind, value in data.items() if kind != WIDGET}
    if not _is_valid(kept):
        entries = list(kept.items())[:MOST_FORMS]
        kept = {kind: value for kind, value in entries if _is_valid({kind: value})}
    if "attachment:" in _text(kept.get("text/markdown", "")):
        del kept["text/markdown"]  # an output has no attachments; nbconvert stops at a missing one
    if "text/plain" not in kept:
        forms = ", ".join(kind[:60] for kind in list(data)[:5]) or "nothing"
        lost = "" if kept else " that can't be kept"
        kept["text/plain"] = f"[An output{lost}: {forms}]"
    return kept


def _is_valid(data: dict[str, Any]) -> bool:
    """Return whether nbformat takes a bundle of data."""
    try:
        new_output("display_data", data=data)
    except (ValidationError, RecursionError):
        return False
    return True


def _metadata(metadata: Any) -> dict[str, Any]:
    """Return what an output's metadata says about MIME types, such as a picture's width."""
    items = metadata.items() if isinstance(metadata, dict) else ()
    return {kind: value for kind, value in items if "/" in kind and isinstance(value, dict)}


def _transient(transient: Any) -> dict[str, Any]:
    """Return the name under which an output may be updated, if it has one."""
    name = transient.get("display_id") if isinstance(transient, dict) else None
    return {"display_id": name} if isinstance(name, str) else {}
