import sqlite3
import sys
from contextlib import closing
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError
from support.runners import Standing
from support.sandboxed import grade

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course
from cvgen_course.grading.gradebook import opened, register, unusable

REMOTE = 'c.CourseDirectory.db_url = "postgresql+psycopg://ada:secret@127.0.0.1:1/book"\n'


@pytest.fixture
def released(ready):
    return nbformat.read(ready / "lectures/01_tiny/tiny.ipynb", as_version=4)


@pytest.fixture
def impatient(monkeypatch):
    """SQLite does not wait for others."""
    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(
        sqlite3.dbapi2, "connect", lambda *args, **kw: connect(*args, **{**kw, "timeout": 0})
    )


@pytest.mark.usefixtures("impatient")
def test_a_gradebook_in_use_is_named(ready, released):
    with sqlite3.connect(ready / "gradebook.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        for use in (lambda: register(Course.find(ready).chapter("01_tiny"), released), None):
            with (
                pytest.raises(CourseError, match=r"in use by another program.*database is locked"),
                opened(Course.find(ready)) as book,
            ):
                _ = use() if use else book.students


@pytest.mark.usefixtures("impatient")
def test_a_gradebook_that_is_taken_while_a_class_is_graded_is_named(ready, submit):
    def locking(notebook, task):
        other.execute("BEGIN EXCLUSIVE")
        return notebook, ()

    submit(ready, "ada")
    with closing(sqlite3.connect(ready / "gradebook.db")) as other:
        with pytest.raises(CourseError, match="in use by another program"):
            grade(ready, "01_tiny", workers=Standing(locking))
        other.rollback()
    assert not list((ready / ".cvgen").rglob("*.begun"))


def test_a_damaged_gradebook_is_named(ready):
    (ready / "gradebook.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(CourseError, match="can't be used: file is not a database"):  # noqa: SIM117
        with opened(Course.find(ready)):
            pass


def test_a_missing_driver_is_named_and_no_password(ready, monkeypatch):
    with (ready / "nbgrader_config.py").open("a") as file:
        file.write(REMOTE)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CourseError, match=r'pip install "psycopg\[binary\]"') as found:  # noqa: SIM117
        with opened(Course.find(ready)):
            pass
    assert "secret" not in str(found.value)


def test_between_two_steps_the_gradebook_is_everyones_and_afterwards_nothing_is_open(ready, submit):
    """Another process may write while a notebook runs, though steps share an engine."""

    def writing(notebook, task):
        with closing(sqlite3.connect(ready / "gradebook.db", timeout=0)) as other, other:
            other.execute("BEGIN EXCLUSIVE")
            other.execute("INSERT INTO student (id) VALUES (?)", [f"not {task.student}"])
        return notebook, []

    prepare = Gradebook.__init__
    for student in ("ada", "bob"):
        submit(ready, student)
    outcome = grade(ready, "01_tiny", workers=Standing(writing))
    names = [result.student for result in outcome.results]
    assert names == ["ada", "bob", "not ada", "not bob"]
    assert Gradebook.__init__ is prepare
    with closing(sqlite3.connect(ready / "gradebook.db", timeout=0)) as other:
        other.execute("BEGIN EXCLUSIVE")


def test_a_server_that_does_not_answer_is_named_and_no_password():
    course = SimpleNamespace(database="postgresql+psycopg://ada:secret@host/class")
    error = unusable(course, OperationalError("", {}, Exception("connection refused")))
    assert "//…@host/class can't be reached: connection refused; see that its server" in str(error)
