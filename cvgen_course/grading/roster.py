"""`cvgen roster`: the class list, as a spreadsheet saves it, into the gradebook."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course
from cvgen_course.grading.gradebook import opened

COLUMNS = ("id", "first_name", "last_name", "email", "lms_user_id")


def import_roster(root: Path | str, file: Path) -> int:
    """Tell the gradebook who is in the class.

    Args:
        root: the course's folder, or one inside it.
        file: a table with a column ``id``, and if you like the others of ``COLUMNS``, separated by
            commas, semicolons or tabs.

    Returns:
        How many students the file names.

    Raises:
        CourseError: no such course, or the file is no such table.
    """
    course, students = Course.find(root), read_roster(file)
    with opened(course) as book:
        for student in students:
            values = {key: value or None for key, value in student.items() if key != "id"}
            book.update_or_create_student(student["id"], **values)
    return len(students)


def read_roster(file: Path) -> list[dict[str, str]]:
    """Return the students that a file names, by the columns that the gradebook knows.

    Raises:
        CourseError: it can't be read, has no column ``id``, or an ``id`` that can't be a folder's
            name.
    """
    try:
        text = _decoded(file.read_bytes())
    except OSError as error:
        raise CourseError(f"{file} can't be read: {error.strerror}") from error
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    names = ["_".join(name.lower().split()) for name in next(lines, [])]
    if "id" not in names:
        raise CourseError(
            f"{file.name}: expected a first line with the column id, and perhaps "
            f"{', '.join(COLUMNS[1:])}; got {', '.join(names) or 'an empty file'}"
        )
    students: list[dict[str, str]] = []
    for row in lines:
        values = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
        if not any(values.values()):
            continue
        student = {name: value for name, value in values.items() if name in COLUMNS}
        taken = {other["id"] for other in students}
        if problem := _problem(student["id"], taken):
            raise CourseError(f"{file.name}, line {lines.line_num}: {problem}; nobody was imported")
        students.append(student)
    return students


def _decoded(data: bytes) -> str:
    """Return a file's text: UTF-8 with or without a mark, UTF-16 with one, else Windows' own."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """Return what separates the columns of the first line."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _problem(name: str, taken: set[str]) -> str:
    """Return why an id can't name a student's folder; empty where it can."""
    if name in taken:
        return f"the id {name!r} is there twice"
    if not name or name.startswith(".") or set(name) & set("/\\+") or not name.isprintable():
        return f"the id {name!r} can't be the name of a folder (no /, \\, + or dot in front)"
    return ""
