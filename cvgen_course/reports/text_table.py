"""A report as a text table, for terminals and for the Validate button."""

from __future__ import annotations

import textwrap

from cvgen_course.reports.report import Report, Row

WIDTH = 88


def points_in_words(points: float) -> str:
    """Return points with at most two decimals, e.g. ``"1.5"``; never more than were earned."""
    return f"{int(points * 100 + 1e-9) / 100:.2f}".rstrip("0").rstrip(".")


def score(report: Report) -> str:
    """Return e.g. ``"1.5 of 2 points"``."""
    return f"{points_in_words(report.points)} of {points_in_words(report.max_points)} points"


def read_again(report: Report) -> str:
    """Return where to read again; empty where nothing is missing."""
    return f"Read again: {report.read}" if report.read and not report.passed else ""


def text_table(report: Report) -> str:
    """Return the report as text: headline, likely mistake, a tick or cross per case, why."""
    head = f"{report.exercise}: {report.title}"
    lines = [f"{head:<{WIDTH - len(score(report)) - 1}} {score(report)}", "─" * WIDTH]
    for text in (report.note, report.diagnosis):
        if text:
            lines += [*textwrap.wrap(text, WIDTH), ""]
    previous = ""
    for row in report.rows:
        lines += _row_lines(row, previous)
        previous = row.message
    lines.append("─" * WIDTH)
    lines += textwrap.wrap(read_again(report), WIDTH)
    return "\n".join(lines).removesuffix("\n" + "─" * WIDTH)


def _row_lines(row: Row, previous: str) -> list[str]:
    lines = textwrap.wrap(
        row.title, WIDTH, initial_indent="✓ " if row.passed else "✗ ", subsequent_indent="  "
    )
    if row.passed or not row.message:
        return lines
    if row.message == previous:
        return [*lines, "    (the same)"]
    for label, text in (
        ("", row.message),
        ("expected: ", row.expected),
        ("got:      ", row.got),
        ("hint:     ", row.hint),
    ):
        for line in text.splitlines():
            indent = "    " + " " * len(label)
            lines += textwrap.wrap(
                line, WIDTH, initial_indent="    " + label, subsequent_indent=indent
            )
    return lines
