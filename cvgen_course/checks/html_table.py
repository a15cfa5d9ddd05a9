"""A report as an HTML table."""

from __future__ import annotations

from cvgen_course.checks.report import Report


def html_table(report: Report) -> str:
    """Return the report as HTML."""
    import html

    return f"<pre>{html.escape(str(report))}</pre>"
