"""The result of a check: a row for each case, the points, and what to say to the student."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

MIME = "application/vnd.cvgen.report+json"
"""The name of a report among a notebook cell's outputs."""

LONGEST_TEXT, MOST_ROWS = 400, 200
"""What is read of a report, which may come from a student's process; the rest is cut."""


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
        numbers: the case's inputs and results, where they are few; lines of text.
    """

    title: str
    passed: bool
    weight: float
    message: str = ""
    hint: str = ""
    expected: str = ""
    got: str = ""
    numbers: str = ""


@dataclass(frozen=True)
class Report:
    """What ``check`` found.

    Attributes:
        exercise: name of the exercise and of the student's object.
        title: what was asked, a few words.
        points: points for this answer, a finite builtin float in [0, max_points].
        max_points: full points.
        rows: one for each case.
        diagnosis: the likely mistake; empty where none was recognised.
        note: what concerns the answer as a whole, e.g. that it is not there yet.
        read: where to read again.
        mistakes: the known mistakes that ``diagnosis`` names, one text each.
    """

    exercise: str
    title: str
    points: float
    max_points: float
    rows: tuple[Row, ...]
    diagnosis: str = ""
    note: str = ""
    read: str = ""
    mistakes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the answer has full points."""
        return self.points >= self.max_points

    def to_json(self) -> dict[str, Any]:
        """Return the report as a dictionary that ``json.dumps`` takes."""
        return asdict(self) | {"rows": [asdict(row) for row in self.rows]}

    @classmethod
    def from_json(cls, data: Any) -> Report:
        """Return the report that ``to_json`` wrote, long texts and long tables cut.

        Nothing is taken for granted: what a student's process sent is anything at all.

        Raises:
            ValueError: it is no such dictionary.
        """
        try:
            rows = tuple(Row(**_cut(row)) for row in data["rows"][:MOST_ROWS])
            named = data.get("mistakes", ())
            if not isinstance(named, list | tuple):
                raise TypeError("mistakes")
            mistakes = tuple(text[:LONGEST_TEXT] for text in named[:MOST_ROWS])
            report = cls(**(_cut(data) | {"rows": rows, "mistakes": mistakes}))
            if _well_typed(report):
                return report
        except (TypeError, KeyError, AttributeError, OverflowError):
            pass
        raise ValueError("report: expected what Report.to_json returns, got something else")


def _cut(fields: dict[str, Any]) -> dict[str, Any]:
    return {k: v[:LONGEST_TEXT] if isinstance(v, str) else v for k, v in fields.items()}


def _well_typed(report: Report) -> bool:
    texts = [report.exercise, report.title, report.diagnosis, report.note, report.read]
    texts += report.mistakes
    row_texts = (
        text
        for row in report.rows
        for text in (row.title, row.message, row.hint, row.expected, row.got, row.numbers)
    )
    numbers = (report.points, report.max_points, *(row.weight for row in report.rows))
    return (
        all(type(text) is str for text in (*texts, *row_texts))
        and all(type(number) in (int, float) for number in numbers)
        and all(math.isfinite(number) and number >= 0 for number in numbers)
        and all(type(row.passed) is bool for row in report.rows)
        and report.points <= report.max_points
    )
