"""nbgrader's gradebook: chapters are made known to it, points read from it."""

from __future__ import annotations

import copy
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from subprocess import CalledProcessError
from typing import Any, NamedTuple

from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties, SaveCells
from sqlalchemy import ColumnElement, Engine, select, true
from sqlalchemy.exc import OperationalError, SAWarning, SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from cvgen_course.errors import CourseError, ReleaseError
from cvgen_course.grading import no_room
from cvgen_course.grading.course import ChapterFiles, Course
from cvgen_course.grading.logs import captured
from cvgen_course.grading.remarks import printable
from cvgen_course.notebooks.cells import exercise_name, grade_id, is_check, is_graded, points

DRIVERS = {"psycopg": '"psycopg[binary]"', "psycopg2": "psycopg2-binary"}


class Column(NamedTuple):
    """One graded cell of a chapter.

    Attributes:
        grade_id: the cell's name in the gradebook.
        title: the exercise's name.
        points: full points.
        by_hand: whether a teacher reads the answer.
    """

    grade_id: str
    title: str
    points: float
    by_hand: bool


class Score(NamedTuple):
    """Points of one student in one column.

    Attributes:
        points: a teacher's points where there are some, else the automatic ones, with extra credit:
            what nbgrader counts. None: none yet.
        pending: whether a teacher still has to look.
        auto: the automatic points; None where a teacher gives all.
        manual: a teacher's points; None: none yet.
    """

    points: float | None
    pending: bool
    auto: float | None
    manual: float | None


class Name(NamedTuple):
    """A student's name; either part may be empty."""

    first: str
    last: str

    def __str__(self) -> str:
        return printable(" ".join(part for part in self if part))


class Standing(NamedTuple):
    """What the gradebook says of one student in one chapter.

    Attributes:
        scores: by ``grade_id``.
        late: seconds after the deadline, or 0.
        penalty: points that are taken off for that.
    """

    scores: dict[str, Score]
    late: float
    penalty: float


UNKNOWN = Standing({}, 0.0, 0.0)


def columns(released: NotebookNode) -> list[Column]:
    """Return a chapter's graded cells, in the notebook's order."""
    return [
        Column(grade_id(cell), exercise_name(cell), points(cell), not is_check(cell))
        for cell in released.cells
        if is_graded(cell)
    ]


@contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """Open the gradebook; it is made where there is none.

    Raises:
        CourseError: it can't be opened or used.
    """
    name = course.directory().course_id
    with (
        _errors_explained(course),
        quiet(),
        _own_tools_found(),
        Gradebook(course.database, name) as book,
    ):
        yield book


@contextmanager
def opened_faster() -> Iterator[None]:
    """Prepare the gradebook once for all who open it in this process meanwhile.

    nbgrader's steps open it themselves, fifteen times a submission. Each time they look for its
    tables, and compile all queries anew. Whoever is done still closes the connections: between two
    steps nothing is open or locked.
    """
    prepare = Gradebook.__init__
    prepared: dict[tuple[str, str], Engine] = {}

    def again(
        book: Gradebook, db_url: str, course_id: str = "default_course", authenticator: Any = None
    ) -> None:
        if (db_url, course_id) in prepared:
            book.engine = prepared[db_url, course_id]
            book.db = scoped_session(sessionmaker(autoflush=True, bind=book.engine))
            book.course_id, book.authenticator = course_id, authenticator
        else:
            prepare(book, db_url, course_id, authenticator)
            prepared[db_url, course_id] = book.engine

    Gradebook.__init__ = again
    try:
        yield
    finally:
        Gradebook.__init__ = prepare


@contextmanager
def _errors_explained(course: Course) -> Iterator[None]:
    """Turn what a database may raise into a clear error."""
    try:
        yield
    except (SQLAlchemyError, CalledProcessError, ModuleNotFoundError) as error:
        raise unusable(course, error) from error


def unusable(course: Course, error: BaseException) -> CourseError:
    """Return the error of a gradebook that can't be used, with what to do."""
    book = "the gradebook " + re.sub("//.*@", "//…@", course.database)  # without the password
    if isinstance(error, ModuleNotFoundError):
        package = DRIVERS.get(error.name or "", error.name)
        return CourseError(f"{book} needs a package; install it with: pip install {package}")
    what = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    no_room.refuse(what)
    if "locked" in what:
        return CourseError(
            f"{book} is in use by another program, such as the Formgrader or nbgrader ({what}); "
            "wait until it is done, or close it, then run this again"
        )
    if isinstance(error, OperationalError) and not course.database.startswith("sqlite"):
        return CourseError(
            f"{book} can't be reached: {what}; see that its server runs and that its address in "
            "nbgrader_config.py is right, then run this again"
        )
    return CourseError(
        f"{book} can't be used: {what}; after an update of nbgrader, back it up and run: "
        "nbgrader db upgrade"
    )


def refuse_locked(course: Course, complaint: str) -> None:
    """Look whether a complaint is about a gradebook that another program holds.

    Raises:
        CourseError: it is.
    """
    if "database is locked" in complaint:
        raise unusable(course, RuntimeError(complaint))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence SQLAlchemy on the way nbgrader adds submissions; what it writes is right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


@contextmanager
def _own_tools_found() -> Iterator[None]:
    """Let nbgrader find ``alembic``, which it starts by name when it makes a gradebook.

    It lies beside this Python, and that folder need not be in ``PATH``.
    """
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def register(chapter: ChapterFiles, released: NotebookNode) -> None:
    """Tell the gradebook which cells of a released notebook count, as generate_assignment does.

    Raises:
        ReleaseError: submissions are graded already, and the graded cells are others now.
    """
    with opened(chapter.course) as book:
        book.update_or_create_assignment(chapter.name)
    notebook = copy.deepcopy(released)
    resources = {
        "nbgrader": {
            "notebook": chapter.notebook,
            "assignment": chapter.name,
            "db_url": chapter.course.database,
        }
    }
    try:
        with _errors_explained(chapter.course):
            SaveCells().preprocess(notebook, resources)
    except RuntimeError as error:
        raise ReleaseError(
            f"{chapter.name}: the gradebook has submissions for other graded cells than the "
            "lecture has now; keep the old cells, or move gradebook.db away and grade all again "
            f"(nbgrader: {error})"
        ) from error


def remove_submission(chapter: ChapterFiles, student: str) -> None:
    """Take a student's submission of a chapter out, with its points."""
    with opened(chapter.course) as book, suppress(MissingEntry):
        book.remove_submission(chapter.name, student)


def register_student(chapter: ChapterFiles, student: str) -> None:
    """Tell the gradebook that a student handed something in that can't be run: 0 points so far."""
    with opened(chapter.course) as book:
        book.update_or_create_student(student)
        submission = book.update_or_create_submission(chapter.name, student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score, grade.needs_manual_grade = 0, False
        book.db.commit()


def standing(chapter: ChapterFiles, student: str) -> Standing:
    """Return what the gradebook says of a student; no scores where it knows of no submission.

    It can't keep a name that can't be shown, and so knows nothing of such a student.
    """
    if printable(student) != student:
        return UNKNOWN
    return _standings(chapter, SubmittedAssignment.student_id == student).get(student, UNKNOWN)


def standings(chapter: ChapterFiles) -> dict[str, Standing]:
    """Return what the gradebook says of everyone who has a submission, by name."""
    return _standings(chapter, true())


def _standings(chapter: ChapterFiles, whose: ColumnElement[bool]) -> dict[str, Standing]:
    """Return what the gradebook says of some students.

    nbgrader assigns penalties while it runs a notebook. Those of late submissions are assigned anew
    here, since the deadline, the rule and a teacher's marks may have changed since.
    """
    chosen = Notebook.name == chapter.notebook, Assignment.name == chapter.name, whose
    found = {}
    with opened(chapter.course) as book:
        notebooks = (
            select(SubmittedNotebook, SubmittedAssignment)
            .join(SubmittedNotebook.assignment)
            .join(SubmittedNotebook.notebook)
            .join(Notebook.assignment)
            .where(*chosen)
        )
        for notebook, submission in book.db.execute(notebooks).all():
            student = submission.student_id
            late = submission.total_seconds_late if submission.assignment.duedate else 0
            if late or notebook.late_submission_penalty:
                _assign_penalty(chapter, student)
                book.db.refresh(notebook)
            penalty = notebook.late_submission_penalty or 0.0
            found[student] = Standing({}, float(late), penalty)
        grades = (
            select(SubmittedAssignment.student_id, BaseCell.name, Grade.score)
            .add_columns(Grade.needs_manual_grade, Grade.auto_score, Grade.manual_score)
            .join_from(Grade, BaseCell, BaseCell.id == Grade.cell_id)
            .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
            .join(SubmittedNotebook.assignment)
            .join(SubmittedNotebook.notebook)
            .join(Notebook.assignment)
            .where(*chosen)
        )  # one query instead of one per cell
        for student, name, points, pending, auto, manual in book.db.execute(grades):
            given = None if auto is None and manual is None else points
            found[student].scores[name] = Score(given, pending, auto, manual)
    return found


def _assign_penalty(chapter: ChapterFiles, student: str) -> None:
    """Run nbgrader's step for late submissions; it needs no notebook."""
    where = {"notebook": chapter.notebook, "assignment": chapter.name, "student": student}
    with captured(logging.ERROR) as log:
        step = AssignLatePenalties(config=chapter.course.config, log=log.logger)
        resources = {"nbgrader": where | {"db_url": chapter.course.database}}
        step.preprocess(new_notebook(), resources)


def scores(chapter: ChapterFiles, student: str) -> dict[str, Score]:
    """Return a student's points by column; empty where the gradebook knows of no submission."""
    return standing(chapter, student).scores


def students(course: Course) -> list[str]:
    """Return the ids of all students that the gradebook knows."""
    with opened(course) as book:
        return [student.id for student in book.students]


def names(course: Course) -> dict[str, Name]:
    """Return the names of students by id, of those whose name the gradebook knows."""
    with opened(course) as book:
        found = {student.id: name_of(student) for student in book.students}
    return {student: name for student, name in found.items() if any(name)}


def name_of(student: Student) -> Name:
    """Return a student's name as the gradebook has it."""
    return Name(student.first_name or "", student.last_name or "")
