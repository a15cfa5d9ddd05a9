"""What changes in the gradebook while a submission runs: nobody's notebook has business there."""

from __future__ import annotations

from nbgrader.api import Base, Grade
from sqlalchemy import select

from cvgen_course.grading import gradebook
from cvgen_course.grading.course import Course

Content = dict[str, frozenset[tuple[object, ...]]]


def content(course: Course) -> Content:
    """Return all rows of the gradebook, by table."""
    with gradebook.opened(course) as book:
        return {
            table.name: frozenset(tuple(row) for row in book.db.execute(select(table)))
            for table in Base.metadata.sorted_tables
        }


def changed(course: Course, before: Content) -> str:
    """Return what is different in the gradebook since ``before``, or an empty text."""
    after = content(course)
    differences = {
        name: after[name] ^ before[name] for name in after if after[name] != before[name]
    }
    marks = _named(course, {str(row[0]) for row in differences.pop("grade", frozenset())})
    return ", ".join([*marks, *(f"{len(rows)} rows of {n}" for n, rows in differences.items())])


def _named(course: Course, ids: set[str]) -> list[str]:
    """Return whose marks some rows are, as ``student's cell``."""
    if not ids:
        return []
    with gradebook.opened(course) as book:
        rows = book.db.scalars(select(Grade).where(Grade.id.in_(ids))).all()
        return sorted(f"{row.student.id}'s {row.name}" for row in rows) or ["marks are gone"]
