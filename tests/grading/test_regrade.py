"""An exercise is mended: who gets other points is shown first, and nothing else changes."""

import shutil
from contextlib import nullcontext, suppress

import nbformat
import pytest
from nbformat.v4 import new_output
from typer.testing import CliRunner

from cvgen_course import cli
from cvgen_course.errors import CourseError
from cvgen_course.grading.cohort import grade
from cvgen_course.grading.course import Course
from cvgen_course.grading.gradebook import opened, scores
from cvgen_course.grading.grader import Grader
from cvgen_course.grading.regrade import regrade
from cvgen_course.grading.task import Finished
from cvgen_course.notebooks.cells import exercise_name, is_check
from cvgen_course.notebooks.pairing import to_json

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("regrade"),
    pytest.mark.follows_from("nbgrader_config.py", "cvgen_course.checks"),
]
CHAPTER = "01_tiny"
FAULT = '"square": lambda x: x * x}', '"square": lambda x: x + x}'
OTHER_FAULT = '"double": lambda x: 2 * x', '"double": lambda x: 3 * x'
AS_NOW = {"square": "def square(x):\n    return x + x"}


class Here:
    """Runs notebooks in this process, without a kernel, which is quick, and notes whose."""

    most, in_this_process = 1, True

    def __init__(self):
        self.students = []

    def ready_for(self, count):
        return nullcontext(self)

    def run(self, tasks):
        for position, task in enumerate(tasks):
            self.students.append(task.student)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CVGEN_SEED", task.seed)
                patch.setenv("NBGRADER_EXECUTION", "autograde")
                yield position, executed(task)


def executed(task):
    """Return a notebook of the tiny chapter with what its cells show; a missing answer fails."""
    notebook = nbformat.reads(task.notebook, as_version=4)
    tables = []
    toy = {"display": lambda table, raw: tables.append(table)}
    source = task.files["toy.py"].decode().replace("from IPython.display import display", "")
    exec(source, toy)
    names = {}
    for cell in notebook.cells:
        if is_check(cell):
            name = exercise_name(cell)
            points = toy["check"](name, names)
            cell.outputs = [
                new_output("display_data", data=tables.pop()),
                new_output("execute_result", data={"text/plain": repr(points)}),
            ]
        elif cell.cell_type == "code":
            with suppress(Exception):
                exec(cell.source, names)
    return Finished(to_json(notebook), ())


class Asked:
    """Is asked whether to write, and keeps what it was shown."""

    def __init__(self, answer):
        self.answer, self.seen = answer, None

    def __call__(self, changes):
        self.seen = changes
        return self.answer

    @property
    def rows(self):
        return [(r.student, r.exercise, r.before, r.after, r.remark) for r in self.seen.rows]


def exchange(root, old, new):
    """Change the code of the exercises, which lies beside the chapter."""
    for tree in ("solutions", "lectures"):
        path = root / tree / CHAPTER / "toy.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def graded(released_course, submit, right, tmp_path_factory):
    """A class that was graded with a fault in square's reference; don't change it."""
    root = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(released_course, root)
    exchange(root, *FAULT)
    submit(root, "ada")
    submit(root, "bob", {**right, **AS_NOW})
    submit(root, "eve", {"double": right["double"]})
    folder = submit(root, "unread")
    (folder / "tiny.ipynb").write_text("{")
    outcome = grade(root, CHAPTER, isolated=False, workers=Here())
    found = {r.student: r.points.get("test_square") for r in outcome.results}
    assert found == {"ada": 1, "bob": 3, "eve": 0, "unread": 0}
    return root


@pytest.fixture
def mended(graded, tmp_path):
    """The class, and the fault is mended."""
    root = tmp_path / "course"
    shutil.copytree(graded, root)
    exchange(root, *reversed(FAULT))
    return root


def again(root, *exercises, answer=True, **settings):
    """Regrade; return what was asked, and the class."""
    asked = Asked(answer)
    settings = {"isolated": False, "workers": Here()} | settings
    return asked, regrade(root, CHAPTER, exercises, asked, **settings)


def points(root, student):
    found = scores(Course.find(root).chapter(CHAPTER), student)
    return {name: score.points for name, score in found.items()}


def snapshot(root):
    places = ("gradebook.db", "autograded", "feedback", "reports", ".cvgen/graded")
    files = [p for place in places for p in [root / place, *(root / place).rglob("*")]]
    return {path: path.read_bytes() for path in files if path.is_file()}


def test_regrade_shows_who_changes_and_writes_only_when_told_to(mended):
    before = snapshot(mended)
    asked, outcome = again(mended, "square", answer=False)
    assert outcome is None
    assert asked.rows == [("ada", "square", 1, 3, ""), ("bob", "square", 3, 1, "")]
    assert (asked.seen.unchanged, asked.seen.reworded, asked.seen.notes) == (1, 0, ())
    assert snapshot(mended) == before


def test_regrade_changes_the_exercise_and_grade_has_nothing_left_to_do(mended):
    with opened(Course.find(mended)) as book:
        answer = book.find_grade("written", "tiny", CHAPTER, "ada")
        answer.manual_score, answer.needs_manual_grade = 1.0, False
        book.db.commit()
    _, outcome = again(mended, "square")
    found = {r.student: (r.status, r.total, r.fresh) for r in outcome.results}
    assert found == {
        "ada": ("graded", 6, True),
        "bob": ("graded", 3, True),
        "eve": ("graded", 2, False),
        "unread": ("unreadable", 0, False),
    }
    assert points(mended, "ada") == {"test_double": 2, "test_square": 3, "written": 1}
    assert not next(r for r in outcome.results if r.student == "ada").pending
    assert "ada,2.0,3.0,1.0" in outcome.table.read_text(encoding="utf-8-sig")
    page = (mended / "feedback/ada" / CHAPTER / "tiny.html").read_text(encoding="utf-8")
    assert "- a number" not in page
    here = Here()
    later = grade(mended, CHAPTER, isolated=False, workers=here)
    assert here.students == []
    assert [(r.student, r.points) for r in later.results] == [
        (r.student, r.points) for r in outcome.results
    ]
    asked, _ = again(mended, "square", answer=False)
    assert asked.rows == []


def test_regrade_leaves_other_exercises_and_says_what_they_would_be(mended):
    exchange(mended, *OTHER_FAULT)
    asked, outcome = again(mended, "square")
    assert [row[:2] for row in asked.rows] == [("ada", "square"), ("bob", "square")]
    (note,) = asked.seen.notes
    assert note.startswith("double would change as well, for ada, bob, eve; it stays as it is.")
    ada = outcome.results[0]
    assert ada.points == {"test_double": 2, "test_square": 3, "written": None}
    assert all(row.passed for row in ada.reports["test_double"].rows)
    here = Here()
    later = grade(mended, CHAPTER, isolated=False, workers=here)  # it knows what is old
    assert here.students == ["ada", "bob", "eve"]
    assert later.results[0].points["test_double"] == pytest.approx(2 / 3)


def test_regrade_names_marks_that_stand_in_place_of_a_check(mended):
    with opened(Course.find(mended)) as book:
        mark = book.find_grade("test_square", "tiny", CHAPTER, "bob")
        mark.manual_score, mark.needs_manual_grade = 2.5, False
        book.db.commit()
    asked, outcome = again(mended, "square")
    (row,) = [row for row in asked.rows if row[0] == "bob"]
    assert row == ("bob", "square", 3, 1, "2.5 by hand stand in its place: nothing changes")
    bob = outcome.results[1]
    assert (bob.points["test_square"], bob.auto["test_square"]) == (2.5, 1)


def test_regrade_leaves_new_work_to_grade(mended, submit, right):
    submit(mended, "bob", right)
    submit(mended, "new")
    before = points(mended, "bob")
    asked, outcome = again(mended, "square")
    assert [row[0] for row in asked.rows] == ["ada"]
    (note,) = asked.seen.notes
    assert note.startswith("Left to cvgen grade,")
    assert note.endswith(": bob, new")
    assert points(mended, "bob") == before
    assert [r.student for r in outcome.results] == ["ada", "bob", "eve", "unread"]
    here = Here()
    grade(mended, CHAPTER, isolated=False, workers=here)
    assert here.students == ["bob", "new"]


@pytest.mark.parametrize("saved", [False, True])
def test_regrade_that_was_stopped_shows_the_rest(mended, monkeypatch, saved):
    def stopped(self, prepared, finished, changed):
        if prepared.submission.student == "ada":
            return finish(self, prepared, finished, changed)
        if saved:  # in the gradebook, and no further
            self.saved(prepared, finished)
        raise KeyboardInterrupt

    finish = Grader.finish
    with monkeypatch.context() as patch:
        patch.setattr(Grader, "finish", stopped)
        with pytest.raises(KeyboardInterrupt):
            again(mended, "square")
    asked, outcome = again(mended, "square")
    assert [row[0] for row in asked.rows] == ([] if saved else ["bob"])
    assert asked.seen.reworded == (1 if saved else 0)
    assert [r.total for r in outcome.results] == [5, 3, 2, 0]
    assert not outcome.results[1].marks
    here = Here()
    grade(mended, CHAPTER, isolated=False, workers=here)
    assert here.students == []


class Failing(Here):
    """Can't run anything."""

    def run(self, tasks):
        for position, _ in enumerate(tasks):
            yield position, RuntimeError("no worker is left")


def test_regrade_that_can_t_run_a_submission_leaves_it(mended):
    before = snapshot(mended / "autograded")
    asked, _ = again(mended, "square", workers=Failing())
    assert asked.rows == []
    assert asked.seen.notes[0] == ("ada stays as it is, and could not be run: no worker is left")
    assert snapshot(mended / "autograded") == before


@pytest.mark.parametrize("name", ["written", "cube"])
def test_regrade_takes_exercises_that_programs_check(ready, name):
    with pytest.raises(CourseError, match=f"expected one of double, square, got {name}"):
        again(ready, name)


def test_command_asks_nobody_and_writes_nothing_without_a_terminal(mended, monkeypatch):
    monkeypatch.chdir(mended)
    shutil.rmtree(mended / "submitted" / "eve")
    shutil.rmtree(mended / "submitted" / "bob")
    before = snapshot(mended)
    command = ["regrade", CHAPTER, "--exercise", "square", "--sandbox", "none"]
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0, done.output
    assert "+2" in done.output
    assert "Nothing was written." in done.output
    assert snapshot(mended) == before
    done = CliRunner().invoke(cli.app, [*command, "--yes"])
    assert done.exit_code == 0, done.output
    assert points(mended, "ada")["test_square"] == 3
