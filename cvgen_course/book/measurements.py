"""The page of measurements: what ``make bench`` found, on which machine, when, of which commit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvgen_course.errors import BookError

PAGE = """# Measurements

How long things take, and how much they need. `make bench` measures it with
[pytest-benchmark](https://pytest-benchmark.readthedocs.io) and writes `benchmarks/results.json`,
and this page is made from that file.

{provenance}

How to read the tables:

- A time is the median of several rounds; a chapter, and the metrics of images, run once.
- Where another library computes the same thing, the two are called in turn: in one process, on one
  thread, with the same input, after a check that their results are equal. The **ratio** is the
  course's time divided by the library's, the median over the rounds: below 1, the course is
  faster. Its functions are written to be read, the library's to be fast.
- *Threads that wait* compares a setting instead: the same step as the course runs it, and with the
  setting unset, in turn, each in a process of its own, on two threads.
- *Sampling* compares two ways of the course itself: the same images drawn with a cache, and with a
  forward pass for each pixel, which runs once.
- Ratios travel from machine to machine, but for *Threads that wait*: what pays there hangs on the
  processor. Seconds do not.
- A chapter runs from empty caches, as at a reader's first Run All: data are drawn and networks
  trained, on all cores. Its memory is the most that the notebook's kernel held at a time.
- *Grading* grades chapter 02 as a teacher does, with all that a command needs to start; the ratio
  is the time of `cvgen grade`, in a sandbox, divided by that of `nbgrader autograde`, which has
  none. Five of eight students have solved everything. Single submissions are graded in turn.
- The book is rendered from notebooks that were executed before.
"""


@dataclass(frozen=True)
class Measurement:
    """One line of the table, as texts; empty where nothing was measured.

    Attributes:
        group: the heading that it stands under; after a colon, what it was measured with.
        what: what was measured.
        time: the median.
        other: another library's name and its median.
        ratio: our time divided by the other's.
        besides: what else was measured, e.g. ``"peak memory"``.
        measure: how much that is, e.g. ``"812 MB"``, and where it was measured the other
            library's, too, e.g. ``"50.7 MB, theirs 214 MB"``.
    """

    group: str
    what: str
    time: str
    other: str
    ratio: str
    besides: str
    measure: str


def measurements(path: Path) -> str:
    """Return the page of measurements.

    Args:
        path: the JSON that ``make bench`` has written.

    Returns:
        MyST Markdown, with a table for each group of measurements.

    Raises:
        BookError: there is no such file, or it is not what ``make bench`` writes.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        return "\n".join([PAGE.format(provenance=_provenance(results)), *_sections(rows(results))])
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise BookError(
            f"{path}: expected what `make bench` writes, got {type(error).__name__}: {error}\n"
            "  Restore the file, or measure again with: make bench"
        ) from error


def rows(results: dict[str, Any]) -> list[Measurement]:
    """Return the lines of the table, each group's together.

    Args:
        results: what ``make bench`` writes.
    """
    found = [_row(entry) for entry in results["benchmarks"]]
    groups = list(dict.fromkeys(row.group for row in found))
    return sorted(found, key=lambda row: groups.index(row.group))


def _row(entry: dict[str, Any]) -> Measurement:
    other = entry.get("other")
    besides, measure = "", ""
    for key, (name, as_text) in BESIDES.items():
        if key in entry:
            besides, measure = name, as_text(entry[key])
            if other and key in other:
                measure += f", theirs {as_text(other[key])}"
    return Measurement(
        group=entry["group"],
        what=entry["what"],
        time=_time(entry["seconds"]["median"]),
        other=f"{other['library']} {_time(other['median'])}" if other else "",
        ratio=_ratio(entry["ratio"]) if other else "",
        besides=besides,
        measure=measure,
    )


def _number(value: float) -> str:
    """Return a number with three digits, or with all that stand before its point."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"


def _ratio(value: float) -> str:
    """Return a ratio with two digits: the next one changes from run to run."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:#.2g}"


def _time(seconds: float) -> str:
    if seconds >= 59.95:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_number(seconds / size)} {unit}"
    return f"{_number(seconds / 1e-6)} µs"


def _bytes(count: int) -> str:
    return f"{_number(count / 1e6)} MB" if count < 1e9 else f"{_number(count / 1e9)} GB"


BESIDES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "images_per_second": ("images/s", _number),
    "peak_memory": ("peak memory", _bytes),
    "size": ("size", _bytes),
    "parts": ("where the time goes", str),
    "besides": ("besides", str),
}


def _provenance(results: dict[str, Any]) -> str:
    commit = f"`{results['commit'][:10]}`" + (" with changes" if results["dirty"] else "")
    lines = {
        "Machine": _escape(results["machine"]),
        "Date": results["date"],
        "Commit": commit,
        "Profile of the chapters": f"`{results['profile']}`",
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items())


def _sections(found: list[Measurement]) -> list[str]:
    sections = []
    for group in dict.fromkeys(row.group for row in found):
        title, _, given = group.partition(": ")
        table = _table([row for row in found if row.group == group])
        parts = [f"## {_escape(title)}", _escape(given), table]
        sections.append("\n\n".join(part for part in parts if part) + "\n")
    return sections


def _table(members: list[Measurement]) -> str:
    """Return a Markdown table without the columns in which nothing was measured."""
    besides = next((row.besides for row in members if row.besides), "")
    compared = any(row.other for row in members)
    # Number and unit stay together, but for tables that fill a telephone's screen anyway.
    space = " " if compared else "\N{NO-BREAK SPACE}"
    columns = {
        "what": [row.what for row in members],
        "ours" if compared else "time": [row.time.replace(" ", space) for row in members],
        "other": [row.other for row in members],
        "ratio": [row.ratio for row in members],
        besides: [row.measure.replace(" ", space) for row in members],
    }
    columns = {heading: cells for heading, cells in columns.items() if any(cells)}
    lines = [list(columns), [":--", *["--:"] * (len(columns) - 1)]]
    lines += [[_escape(cell) for cell in cells] for cells in zip(*columns.values(), strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    """Return Markdown that shows a text as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|$#~])", r"\\\1", text)
