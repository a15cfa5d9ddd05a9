"""The class report: one HTML page that needs nothing else, not even a network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from cvgen_course.files import write
from cvgen_course.grading.remarks import printable
from cvgen_course.grading.results import ClassResult, number
from cvgen_course.grading.statistics import exercise_statistics, histogram, median, totals


def write_report(outcome: ClassResult, root: Path) -> None:
    """Write the class report.

    All that students wrote, names included, is escaped: the page runs no script and loads no file.

    Args:
        outcome: the class's results.
        root: the course's folder; links to feedback start there.
    """
    write(outcome.report, render(outcome, root).encode("utf-8", "replace"))


def render(outcome: ClassResult, root: Path) -> str:
    """Return the class report's HTML."""
    environment = Environment(
        loader=PackageLoader("cvgen_course.grading", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "printable": printable, "code": code}
    known = totals(outcome)
    pages = {r.student: _link(root / r.feedback, outcome) for r in outcome.results if r.feedback}
    return environment.get_template("report.html").render(
        outcome=outcome,
        bins=histogram(outcome),
        exercises=exercise_statistics(outcome),
        mean=sum(known) / len(known) if known else None,
        median=median(known),
        lowest=known[0] if known else None,
        highest=known[-1] if known else None,
        problems=[r for r in outcome.results if r.sentences],
        late=any(r.late for r in outcome.results),
        pending=sum(bool(r.pending) for r in outcome.results),
        feedback=pages,
    )


def code(text: str) -> Markup:
    """Return a text with what stands between backticks set as code; all of it is escaped first."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _link(page: Path, outcome: ClassResult) -> str:
    """Return a page's address relative to the report."""
    relative = os.path.relpath(page, outcome.report.parent)
    return quote(Path(relative).as_posix().encode("utf-8", "surrogateescape"))
