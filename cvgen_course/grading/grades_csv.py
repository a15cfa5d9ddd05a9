"""``grades.csv``: the class's points for a spreadsheet."""

from __future__ import annotations

import csv
import io

from cvgen_course.files import write
from cvgen_course.grading.gradebook import Name
from cvgen_course.grading.remarks import printable
from cvgen_course.grading.results import ClassResult


def write_grades(outcome: ClassResult) -> None:
    """Write one line per student: points per exercise, penalty, total, status, what is to be read.

    The total is what nbgrader's export calls the score: after the penalty. Names have columns of
    their own where the gradebook knows any.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    titles = [column.title for column in outcome.columns]
    writer.writerow(
        [
            *("student", *(("first_name", "last_name") if outcome.names else ())),
            *(*map(_harmless, titles), "late (hours)", "penalty", "total", "of"),
            *("status", "why", "to read", "remarks"),
        ]
    )
    for result in outcome.results:
        scores = [result.points.get(column.grade_id) for column in outcome.columns]
        writer.writerow(
            [
                _harmless(printable(result.student)),
                *_name_of(result.student, outcome),
                *("" if score is None else round(score, 4) for score in scores),
                round(result.late / 3600, 2) if result.late else "",
                round(result.penalty, 4) if result.late else "",
                "" if result.total is None else round(result.total, 4),
                outcome.max_points,
                result.ending,
                result.status if result.status != result.ending else "",
                _harmless(", ".join(result.pending)),
                _harmless(" ".join(result.sentences)),
            ]
        )
    # the byte order mark tells spreadsheets that this is UTF-8
    write(outcome.table, b"\xef\xbb\xbf" + _encoded(text.getvalue()))


def _name_of(student: str, outcome: ClassResult) -> list[str]:
    """Return what stands in the columns of names; there are none where nobody has a name."""
    name = outcome.names.get(student, Name("", "")) if outcome.names else ()
    return [_harmless(printable(part)) for part in name]


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    if text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")):
        return f"'{text}"
    return text


def _encoded(text: str) -> bytes:
    """Return UTF-8; broken bytes in file names become question marks."""
    return text.encode("utf-8", "replace")
