"""The result of a check: a row for each case, the points, and what to say to the student."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cvgen_course.checks.html_table import html_table
from cvgen_course.checks.text_table import text_table


@dataclass(frozen=True)
class Row:
    """One case in the table.

    Attributes:
        title: what was tried.
        passed: whether the answer was right.
        weight: how much the case counts, relative to the others.
        message: what is wrong, in plain words; empty where it passed.
        hint: what to look at; empty where it passed.
        expected: what was expected, where there is something to compare.
        got: what came, where there is something to compare.
    """

    title: str
    passed: bool
    weight: float
    message: str = ""
    hint: str = ""
    expected: str = ""
    got: str = ""


@dataclass(frozen=True)
class Report:
    """What ``check`` found. ``str`` gives a text table; a notebook shows an HTML table.

    Attributes:
        exercise: name of the exercise and of the student's object.
        title: what was asked, a few words.
        points: points for this answer, a finite builtin float in [0, max_points].
        max_points: full points.
        rows: one for each case.
        diagnosis: the likely mistake; empty where none was recognised.
        note: what concerns the answer as a whole, e.g. that it is not there yet.
        read: where to read again.
    """

    exercise: str
    title: str
    points: float
    max_points: float
    rows: tuple[Row, ...]
    diagnosis: str = ""
    note: str = ""
    read: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer has full points."""
        return self.points >= self.max_points

    def __str__(self) -> str:
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a dictionary that ``json.dumps`` takes."""
        return asdict(self) | {"rows": [asdict(row) for row in self.rows]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Report:
        """Return the report that ``to_json`` wrote.

        Raises:
            ValueError: it is no such dictionary.
        """
        try:
            rows = tuple(Row(**row) for row in data["rows"])
            report = cls(**(data | {"rows": rows}))
            return report if _well_typed(report) else _refuse(data)
        except (TypeError, KeyError, AttributeError):
            return _refuse(data)


def _well_typed(report: Report) -> bool:
    texts = (report.exercise, report.title, report.diagnosis, report.note, report.read)
    row_texts = (t for r in report.rows for t in (r.title, r.message, r.hint, r.expected, r.got))
    numbers = (report.points, report.max_points, *(row.weight for row in report.rows))
    return (
        all(isinstance(text, str) for text in (*texts, *row_texts))
        and all(type(number) in (int, float) for number in numbers)
        and all(isinstance(row.passed, bool) for row in report.rows)
        and 0 <= report.points <= report.max_points < float("inf")
    )


def _refuse(data: object) -> Report:
    raise ValueError(f"report: expected what Report.to_json returns, got {str(data)[:80]!r}")
