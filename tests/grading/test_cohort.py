"""A class with every kind of broken submission: each is reported, none stops the others."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import MissingEntry
from support.runners import Noting, Standing
from support.sandboxed import code_counts_as_unchanged, grade

from cvgen_course.errors import CourseError
from cvgen_course.grading import grader as grader_module
from cvgen_course.grading.course import Course
from cvgen_course.grading.execute import Limits
from cvgen_course.grading.gradebook import opened
from cvgen_course.grading.lock import alone
from cvgen_course.grading.release import release

# One class for most of these tests, so all in one process.
pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("cohort"),
    pytest.mark.follows_from("nbgrader_config.py", "cvgen_course.checks"),
]
CHAPTER = "01_tiny"
LIMITS = Limits(cell_seconds=5, total_seconds=200, output_characters=20_000)
ODD_NAME = " [x]*'=1 {ö} "
TESTS = Path(__file__).parents[1]
SUPPORT = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}


@pytest.fixture(scope="module", autouse=True)
def same_code():
    """The package counts as unchanged, whoever works on it while the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        code_counts_as_unchanged(patch)
        yield


def by_id(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def duplicate(notebook):
    notebook.cells.append(by_id(notebook, "test_double"))


def delete(notebook):
    notebook.cells.remove(by_id(notebook, "test_double"))


def reflag(notebook):
    by_id(notebook, "test_double").metadata["nbgrader"].update(grade=False, points=99)


def skip(notebook):
    by_id(notebook, "double").source = "def double(x): return None"
    by_id(notebook, "test_double").metadata["tags"] = ["skip-execution"]


def class_of(root, submit, right):
    """Write the class, and return what is expected: student → (status, double, square)."""
    expected = {}

    def student(who, status, double, square, answers=(), **how):
        submit(root, who, {**right, **dict(answers)}, **how)
        expected[who] = (status, double, square)

    student("right", "graded", 2, 3)
    student(ODD_NAME, "graded", 2, 3)
    submit(root, "blank", {})
    expected["blank"] = ("graded", 0, 0)
    student("mistake", "graded", 2 / 3, 3, {"double": "def double(x):\n    return x"})
    student("raises", "graded", 0, 3, {"double": "import no_such_package"})
    student("duplicated", "repaired", 2, 3, edit=duplicate)
    student("deleted", "repaired", 2, 3, edit=delete)
    student("reflagged", "graded", 2, 3, edit=reflag)
    student("skipped", "graded", 0, 3, edit=skip)
    student("renamed", "repaired", 2, 3, name="final version.ipynb")
    student("loop", "timeout", 2, 0, {"square": "def square(x):\n    while True: pass"})
    student("dead", "kernel died", 2, 0, {"square": "import os\nos._exit(1)"})
    flood = f"for _ in range(1000): print('x' * 100)\n{right['square']}"
    student("flood", "output cut", 2, 3, {"square": flood})
    odd = "display({'application/x.my-config': {'a': 1}}, metadata={'filenames': 3}, raw=True)"
    student("odd", "graded", 2, 3, {"square": f"{right['square']}\n{odd}"})
    hook = "get_ipython().ast_node_interactivity = 'none'"
    student("no_result", "check failed", 2, 0, {"square": hook})
    for name, content in {"json": '{"cells": [', "other": "[]", "empty": ""}.items():
        submit(root, name)
        (root / "submitted" / name / CHAPTER / "tiny.ipynb").write_text(content)
        expected[name] = ("unreadable", 0, 0)
    (root / "submitted/nothing" / CHAPTER).mkdir(parents=True)
    expected["nothing"] = ("no notebook", 0, 0)
    (root / "submitted/stray folder").mkdir()
    expected["stray folder"] = ("not submitted", None, None)
    (root / "submitted/notes.txt").write_text("a stray file")
    return expected


@pytest.fixture(scope="module")
def graded(released_course, submit, right, tmp_path_factory, same_code):
    """The class, graded once: root, what was expected, the outcome, the runner."""
    root = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(released_course, root)
    expected = class_of(root, submit, right)
    before = snapshot(root / "submitted")
    runner = Noting()
    outcome = grade(root, CHAPTER, limits=LIMITS, workers=runner)
    assert snapshot(root / "submitted") == before
    return root, expected, outcome, runner


def snapshot(folder):
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def result_of(outcome, student):
    return next(result for result in outcome.results if result.student == student)


def test_grade_reports_each_submission_as_what_it_is(graded):
    _, expected, outcome, _ = graded
    found = {
        r.student: (r.status, r.points.get("test_double"), r.points.get("test_square"))
        for r in outcome.results
    }
    assert found.keys() == expected.keys()
    for student, (status, *points) in expected.items():
        assert found[student][0] == status, (student, result_of(outcome, student).remarks)
        assert found[student][1:] == pytest.approx(tuple(points), nan_ok=True), student
    assert outcome.notes == ("notes.txt in submitted/ is no student's folder; it was left out.",)


@pytest.mark.parametrize(
    ("student", "sentence"),
    [
        ("duplicated", "The cell test_double was there 2 times; one counts."),
        ("deleted", "The cell test_double was missing; it was put back."),
        ("renamed", "The notebook was named final version.ipynb instead of tiny.ipynb."),
        ("loop", "The check of square (code cell 6) did not end within 5 seconds."),
        (
            "dead",
            "The answer square (code cell 5) ended the Python process; "
            "the rest was run without it.",
        ),
        ("flood", "The answer square (code cell 5) wrote too much; its output was cut."),
        ("no_result", "The check of square showed 0 results instead of one; it counts as 0."),
        ("json", "The notebook is not valid JSON, line 1."),
        ("nothing", "The folder holds no notebook tiny.ipynb."),
        ("stray folder", "There is no folder 01_tiny."),
    ],
)
def test_grade_explains_each_problem_in_one_sentence(graded, student, sentence):
    assert sentence in result_of(graded[2], student).remarks


def test_grade_leaves_written_answers_to_the_teacher(graded):
    outcome = graded[2]
    assert result_of(outcome, "right").pending == ("written",)
    assert result_of(outcome, "right").total == 5
    assert result_of(outcome, "blank").pending == ()


def test_grade_keeps_the_cases_and_the_recognised_mistake(graded):
    report = result_of(graded[2], "mistake").reports["test_double"]
    assert [(c.title, c.passed) for c in report.rows] == [
        ("zero", True),
        ("a number", False),
        ("negative", False),
    ]
    assert report.diagnosis == "the argument is returned"


def test_grade_writes_into_nbgraders_gradebook(graded):
    root, expected, _, _ = graded
    with opened(Course.find(root)) as book:
        for student, (_, double, square) in expected.items():
            if double is not None:
                total = book.find_submission_notebook("tiny", CHAPTER, student).score
                assert total == pytest.approx(double + square), student


@pytest.mark.parametrize(
    ("student", "sentence"),
    [
        ("deleted", "The cell test_double was missing; it was put back."),
        ("raises", "Code cell 2 failed, perhaps others because of it: ModuleNotFoundError"),
        ("loop", "The check of square (code cell 6) did not end within 5 seconds."),
    ],
)
def test_grade_writes_feedback_that_tells_what_happened(graded, student, sentence):
    root, _, outcome, _ = graded
    page = (root / result_of(outcome, student).feedback).read_text(encoding="utf-8")
    assert sentence in " ".join(BeautifulSoup(page, "html.parser").text.split())


def test_grade_writes_feedback_for_each_notebook_that_can_be_read(graded):
    root, _, outcome, _ = graded
    for student in ("right", ODD_NAME, "dead"):
        assert (root / result_of(outcome, student).feedback).is_file()
    assert result_of(outcome, "json").feedback == ""


def test_grade_gives_each_student_a_seed_and_no_kernel_the_secret(graded):
    root, _, _, runner = graded
    seeds = [task.seed for task in runner.ran]
    assert len(set(seeds)) == len(seeds) == 15
    secret = (root / ".cvgen/secret").read_text().strip()
    assert all(secret not in repr(task) for task in runner.ran)


def test_grade_writes_report_and_points(graded):
    root, expected, outcome, _ = graded
    assert outcome.report == root.resolve() / "reports" / CHAPTER / "index.html"
    page = outcome.report.read_text(encoding="utf-8")
    assert "the argument is returned" in page
    with outcome.table.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() == expected.keys()
    assert rows["right"]["total"] == "5.0"


def test_grade_again_runs_nothing_and_gives_the_same(graded):
    root, _, first, _ = graded
    runner = Noting()
    second = grade(root, CHAPTER, limits=LIMITS, workers=runner)
    assert runner.ran == []
    assert not any(r.fresh for r in second.results)
    assert [(r.student, r.status, r.points, r.remarks, r.reports) for r in second.results] == [
        (r.student, r.status, r.points, r.remarks, r.reports) for r in first.results
    ]


def test_grade_by_force_gives_the_same_points_and_keeps_a_teachers(graded):
    root, _, first, _ = graded
    with opened(Course.find(root)) as book:
        answer = book.find_grade("written", "tiny", CHAPTER, "mistake")
        answer.manual_score, answer.needs_manual_grade = 1.0, False
        book.db.commit()
    runner = Noting()
    again = grade(root, CHAPTER, students=["mistake"], force=True, limits=LIMITS, workers=runner)
    assert [task.student for task in runner.ran] == ["mistake"]
    assert len(again.results) == len(first.results)
    points = result_of(first, "mistake").points
    assert result_of(again, "mistake").points == {**points, "written": 1.0}


def test_grade_runs_only_what_changed(ready, submit, right):
    submit(ready, "ada")
    submit(ready, "bob", {})
    grade(ready, CHAPTER)
    submit(ready, "bob", {"double": right["double"]})
    runner = Noting()
    steps = []
    outcome = grade(ready, CHAPTER, workers=runner, progress=lambda *step: steps.append(step[:2]))
    assert [task.student for task in runner.ran] == ["bob"]
    assert steps == [(1, 2), (2, 2)]
    assert [(r.student, r.total, r.fresh) for r in outcome.results] == [
        ("ada", 5.0, False),
        ("bob", 2.0, True),
    ]


def test_grade_of_a_worse_resubmission_leaves_no_old_points(ready, submit):
    folder = submit(ready, "ada")
    assert grade(ready, CHAPTER).results[0].total == 5
    (folder / "tiny.ipynb").write_text("{")
    (result,) = grade(ready, CHAPTER).results
    assert (result.status, result.total) == ("unreadable", 0)
    assert not (ready / "autograded/ada" / CHAPTER).exists()
    assert not (ready / "feedback/ada" / CHAPTER).exists()


def test_grade_goes_on_when_grading_itself_fails(ready, submit, monkeypatch):
    submit(ready, "ada")
    submit(ready, "bob", {})

    def broken(notebook, released):
        if "2 * x" in str(notebook):
            raise RuntimeError("a mistake of ours")
        return real(notebook, released)

    real = grader_module.repair
    monkeypatch.setattr(grader_module, "repair", broken)
    ada, bob = grade(ready, CHAPTER).results
    assert (ada.status, ada.points) == ("not graded", {})
    assert gradebook_total(ready, "ada") is None
    assert ada.remarks == ("Grading failed. RuntimeError: a mistake of ours",)
    assert bob.status == "graded"
    monkeypatch.setattr(grader_module, "repair", real)
    assert grade(ready, CHAPTER).results[0].status == "graded"


def gradebook_total(root, student):
    """Return the points in nbgrader's gradebook; None where it has no submission."""
    with opened(Course.find(root)) as book:
        try:
            return book.find_submission(CHAPTER, student).score
        except MissingEntry:
            return None


def test_grade_that_fails_leaves_the_points_of_the_grading_before_everywhere(
    ready, submit, monkeypatch
):
    submit(ready, "ada")
    first = grade(ready, CHAPTER).results[0]
    page = (ready / first.feedback).read_bytes()
    submit(ready, "ada", {})
    monkeypatch.setattr(grader_module, "repair", lambda *_: 1 / 0)
    outcome = grade(ready, CHAPTER)
    (ada,) = outcome.results
    assert (ada.status, ada.points, ada.feedback) == ("not graded", first.points, first.feedback)
    assert ada.remarks[1] == "The points are still those of the grading before."
    assert ada.total == gradebook_total(ready, "ada") == 5
    assert "\r\nada,2.0,3.0,,,,5.0," in outcome.table.read_bytes().decode()
    assert (ready / ada.feedback).read_bytes() == page
    submit(ready, "bob")
    bob = grade(ready, CHAPTER, students=["bob"])
    assert result_of(bob, "ada").points == first.points


def test_grade_makes_a_page_of_a_text_that_lost_its_picture(ready, submit):
    def edit(notebook):
        by_id(notebook, "written").source = "![lost](attachment:lost.png) Because."

    submit(ready, "ada", edit=edit)
    (ada,) = grade(ready, CHAPTER, workers=Standing()).results
    assert "Because." in (ready / ada.feedback).read_text(encoding="utf-8")


def test_grade_without_a_feedback_page_is_a_grade(ready, submit, monkeypatch):
    def endless(*_):
        while True:
            pass

    submit(ready, "ada")
    monkeypatch.setattr(grader_module.steps, "generate_feedback", endless)
    monkeypatch.setattr(grader_module, "FEEDBACK_SECONDS", 2)
    (ada,) = grade(ready, CHAPTER).results
    assert (ada.status, ada.total, ada.feedback) == ("graded", 5, "")
    assert ada.remarks[-1].startswith("The feedback page could not be made.")
    assert "no end after 2 seconds" in ada.remarks[-1]
    assert not grade(ready, CHAPTER, workers=Standing()).results[0].fresh


def test_grade_takes_the_time_limit_from_the_configuration(ready, submit):
    def seeing(notebook, task):
        seen.append(task.limits.cell_seconds)
        return notebook, ()

    seen = []
    submit(ready, "ada")
    for value in ("None", "2.5"):
        with (ready / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.Execute.timeout = {value}\n")
        grade(ready, CHAPTER, workers=Standing(seeing))
    assert seen == [None, 2.5]


def test_grade_writes_the_notebook_whatever_lies_in_its_place(ready, submit):
    folder = submit(ready, "ada", name="final.ipynb")
    (folder / "tiny.ipynb").mkdir()
    (folder / "tiny.ipynb" / "notes.txt").touch()
    (ready / "precious").write_text("kept")
    (folder / "link.txt").symlink_to(ready / "precious")
    (ada,) = grade(ready, CHAPTER, workers=Standing()).results
    assert ada.status == "check failed"
    assert (ready / "autograded/ada" / CHAPTER / "tiny.ipynb").is_file()
    assert (ready / "precious").read_text() == "kept"


KILLED = """
import os, sys
from support.runners import Standing
import pytest
from support.sandboxed import code_counts_as_unchanged, grade

def killed(notebook, task):
    if task.student == "ada":
        os._exit(9)
    return notebook, ()

code_counts_as_unchanged(pytest.MonkeyPatch())
grade(sys.argv[1], "01_tiny", workers=Standing(killed))
"""


def test_grade_that_was_killed_names_the_submission_and_sets_it_aside_the_second_time(
    ready, submit
):
    for student in ("ada", "bob"):
        submit(ready, student)
    for graded in ([], ["bob"]):
        command = [sys.executable, "-c", KILLED, str(ready)]
        assert subprocess.run(command, env=SUPPORT).returncode == 9
        there = [name for name in ("ada", "bob") if (ready / "feedback" / name).exists()]
        assert there == graded
    outcome = grade(ready, CHAPTER, workers=Standing())
    note = "An earlier grading was killed while it ran the submission of ada; it comes last now."
    assert outcome.notes == (note,)
    assert [(r.student, r.status) for r in outcome.results] == [
        ("ada", "set aside"),
        ("bob", "check failed"),
    ]
    assert "killed 2 times" in result_of(outcome, "ada").remarks[0]
    assert not list((ready / ".cvgen").glob("run-*"))
    outcome = grade(ready, CHAPTER, students=["ada"], workers=Standing())
    assert result_of(outcome, "ada").status == "check failed"
    assert grade(ready, CHAPTER, workers=Standing()).notes == ()


def test_grade_and_release_refuse_while_another_one_is_at_work(ready, submit):
    submit(ready, "ada")
    with alone(Course.find(ready)):
        with pytest.raises(CourseError, match="another `cvgen grade`, `cvgen release` or"):
            grade(ready, CHAPTER, workers=Standing())
        with pytest.raises(CourseError, match="wait until it has ended"):
            release(ready)
    assert len(grade(ready, CHAPTER, workers=Standing()).results) == 1


def test_grade_says_what_is_missing(ready, submit):
    with pytest.raises(CourseError, match="submitted/ is empty"):
        grade(ready, CHAPTER)
    submit(ready, "ada")
    with pytest.raises(CourseError, match="expected one of ada, got eve"):
        grade(ready, CHAPTER, students=["eve"])
    shutil.rmtree(ready / "lectures")
    with pytest.raises(CourseError, match="run: cvgen release 01_tiny"):
        grade(ready, CHAPTER)


def test_grade_refuses_a_gradebook_of_another_lecture(ready, submit):
    submit(ready, "ada")
    with opened(Course.find(ready)) as book:
        book.update_or_create_student("ada")
        book.update_or_create_submission(CHAPTER, "ada")
        book.db.commit()
    source = ready / "solutions" / CHAPTER / "tiny.md"
    source.write_text(source.read_text().partition("## Question")[0])
    release(ready)
    with pytest.raises(CourseError, match="other graded cells"):
        grade(ready, CHAPTER)


GRADE = """
import sys
import pytest
from support.sandboxed import code_counts_as_unchanged, grade
code_counts_as_unchanged(pytest.MonkeyPatch())
grade(sys.argv[1], "01_tiny", progress=lambda *step: print(step[2].student, flush=True))
"""


def is_at_work(grading):
    """Return whether a submission's kernel has come to the endless answer, sandboxed or not."""
    with suppress(psutil.NoSuchProcess):
        processes = psutil.Process(grading).children(recursive=True)
        return any(process.name() == "at work" for process in processes)
    return False


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_grade_that_was_stopped_goes_on_from_there(ready, submit, right, stop):
    submit(ready, "ada")
    named = "open('/proc/self/comm', 'w').write('at work')"
    endless = f"def double(x):\n    {named}\n    while True: pass"
    submit(ready, "bob", {**right, "double": endless})
    command = [sys.executable, "-c", GRADE, str(ready)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=SUPPORT) as process:
        assert process.stdout.readline() == "ada\n"
        while not is_at_work(process.pid):
            time.sleep(0.1)
        process.send_signal(stop)
        _, errors = process.communicate(timeout=200)
    assert process.returncode != 0
    if stop == signal.SIGINT:
        assert errors.strip().endswith("KeyboardInterrupt"), errors
        assert not (ready / "autograded/bob" / CHAPTER).exists()
    submit(ready, "bob")
    outcome = grade(ready, CHAPTER)
    assert [(r.student, r.status, r.total, r.fresh) for r in outcome.results] == [
        ("ada", "graded", 5.0, False),
        ("bob", "graded", 5.0, True),
    ]
    assert os.listdir(ready / "autograded/bob" / CHAPTER)
