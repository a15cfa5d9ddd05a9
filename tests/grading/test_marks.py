"""What stands in the gradebook is what the class's table says, and what nobody gave is named."""

import csv
import sqlite3

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.preprocessors import SaveAutoGrades
from support.runners import Standing
from support.sandboxed import code_counts_as_unchanged

from cvgen_course.grading.cohort import grade
from cvgen_course.grading.course import Course
from cvgen_course.grading.execute import Event
from cvgen_course.grading.gradebook import opened
from cvgen_course.grading.steps import folder_of, generate_feedback

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("marks"),
    pytest.mark.follows_from("nbgrader_config.py", "cvgen_course.checks"),
]
CHAPTER = "01_tiny"


@pytest.fixture(autouse=True)
def same_code(monkeypatch):
    """The package counts as unchanged, whoever works on it while the tests run."""
    code_counts_as_unchanged(monkeypatch)


def instant(meanwhile=lambda: None, events=()):
    """Return what gives every check two points without a kernel, and does something on the way."""

    def execute(notebook, task):
        meanwhile()
        give_points(notebook)
        return notebook, events

    return Standing(execute)


def give_points(notebook):
    """Let every check show two points."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("points") and cell.cell_type == "code":
            shown = nbformat.v4.new_output(
                "execute_result", data={"text/plain": "2.0"}, execution_count=1
            )
            cell.outputs = [shown]


def graded(root, runner=None, **how):
    """Grade as where there is no sandbox: a submission could write into the gradebook."""
    return grade(root, CHAPTER, isolated=False, workers=runner or instant(), **how)


def mark(root, student, points, extra=None, cell="written"):
    """Give a mark as the Formgrader does."""
    with opened(Course.find(root)) as book:
        row = book.find_grade(cell, "tiny", CHAPTER, student)
        row.manual_score, row.extra_credit, row.needs_manual_grade = points, extra, False
        book.db.commit()


def change(root, statement):
    with sqlite3.connect(root / "gradebook.db") as book:
        book.execute(statement)
    book.close()


def nbgraders(root, student):
    """Return points before penalty, penalty, and points as nbgrader's export counts them."""
    with opened(Course.find(root)) as book:
        found = book.find_submission(CHAPTER, student)
        penalty = found.late_submission_penalty
        return found.score, penalty, max(0.0, found.score - penalty)


def rows_of(outcome):
    with outcome.table.open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def by_name(outcome):
    return {result.student: result for result in outcome.results}


@pytest.mark.parametrize(
    ("cell", "manual", "extra", "total"),
    [
        ("written", None, None, 4.0),
        ("written", 1.0, 2.0, 7.0),
        ("written", 0.0, 0.5, 4.5),
        ("written", None, 2.0, 4.0),  # nbgrader counts no extra credit of an unread answer
        ("test_square", 3.0, None, 5.0),
        ("test_square", None, 1.0, 5.0),
    ],
)
def test_grade_counts_a_teachers_points_as_nbgrader_does(ready, submit, cell, manual, extra, total):
    submit(ready, "ada")
    graded(ready)
    mark(ready, "ada", manual, extra, cell)
    outcome = graded(ready)
    assert outcome.results[0].total == nbgraders(ready, "ada")[2] == total
    assert float(rows_of(outcome)["ada"]["total"]) == total


PENALTY = "c.LateSubmissionPlugin.penalty_method = 'zero'\n"


def late_class(root, submit):
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + PENALTY)
    for name, time in (("late", "2027-03-03 01:02:03 UTC"), ("early", "2027-03-01 10:00:00 UTC")):
        (submit(root, name) / "timestamp.txt").write_text(time)
    set_deadline(root, "2027-03-02 00:00:00")


def set_deadline(root, time):
    with opened(Course.find(root)) as book:
        book.update_or_create_assignment(CHAPTER, duedate=time)


def test_grade_shows_who_is_late_and_what_that_costs(ready, submit):
    late_class(ready, submit)
    outcome = graded(ready)
    late, early = by_name(outcome)["late"], by_name(outcome)["early"]
    assert (early.total, early.penalty, early.marks) == (4.0, 0.0, ())
    assert (late.total, late.penalty, late.status_word) == (0.0, 4.0, "graded, late")
    assert late.marks == ("Late by 1 d 1 h 3 min; a penalty of 4 points.",)
    row = rows_of(outcome)["late"]
    assert (row["late (hours)"], row["penalty"], row["total"]) == ("25.03", "4.0", "0.0")
    page = outcome.report.read_text(encoding="utf-8")
    assert "a penalty of 4 points" in page
    assert "graded, late" in page


def test_a_penalty_follows_a_teachers_marks_and_the_deadline_of_today(ready, submit):
    late_class(ready, submit)
    graded(ready)
    mark(ready, "late", 1.0)
    assert by_name(graded(ready))["late"].total == nbgraders(ready, "late")[2] == 0.0
    set_deadline(ready, "2027-03-04 00:00:00")
    late = by_name(graded(ready))["late"]
    assert (late.total, late.penalty, late.late) == (5.0, 0.0, 0.0)
    assert nbgraders(ready, "late") == (5.0, 0.0, 5.0)


def test_grade_lists_who_handed_nothing_in(ready, submit):
    submit(ready, "ada")
    with opened(Course.find(ready)) as book:
        book.update_or_create_student("bob")
    outcome = graded(ready)
    bob = by_name(outcome)["bob"]
    assert (bob.status, bob.total, bob.sentences) == ("not submitted", None, ())
    assert rows_of(outcome)["bob"]["status"] == "not submitted"
    assert outcome.submissions == 1
    assert "1 submission; 1 without one" in outcome.report.read_text(encoding="utf-8")


def test_grade_shows_automatic_points_that_no_run_gave(ready, submit):
    submit(ready, "ada")
    submit(ready, "bob")
    assert by_name(graded(ready))["ada"].marks == ()
    change(ready, "update grade set auto_score = 0 where auto_score = 2")
    outcome = graded(ready, students=["bob"], force=True)
    assert by_name(outcome)["bob"].marks == ()
    first, second = by_name(outcome)["ada"].marks
    assert first.startswith("double: the gradebook has 0 as automatic points, the last cvgen grade")
    assert "square" in second
    assert "changed from outside" in outcome.report.read_text(encoding="utf-8")
    assert "changed from outside" in rows_of(outcome)["ada"]["remarks"]
    assert by_name(graded(ready, force=True))["ada"].marks == ()


@pytest.mark.parametrize(
    ("cell", "points", "said"),
    [
        ("written", 1.0, None),
        ("written", 9.0, "written: 9 by hand, of 1."),
        ("test_double", 0.5, "double: 0.5 by hand stand in place of the check's 2."),
        ("test_double", 2.0, None),
    ],
)
def test_grade_names_marks_that_a_teacher_rarely_gives(ready, submit, cell, points, said):
    submit(ready, "ada")
    graded(ready)
    mark(ready, "ada", points, cell=cell)
    assert graded(ready).results[0].marks == ((said,) if said else ())


def test_grade_names_a_mark_for_a_blank_answer(ready, submit):
    submit(ready, "ada", {})
    graded(ready)
    mark(ready, "ada", 1.0)
    assert graded(ready).results[0].marks == ("written: 1 by hand for a blank answer.",)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update grade set manual_score = 1 where manual_score is null", "ada's test_double, "),
        ("update source_cell set source = 'x' where name = 'test_double'", "2 rows of source_cell"),
    ],
)
def test_grade_says_during_whose_run_the_gradebook_changed(ready, submit, statement, said):
    submit(ready, "ada")
    graded(ready)
    submit(ready, "eve")
    runner = instant(lambda: change(ready, statement))
    eve = by_name(graded(ready, runner=runner))["eve"]
    assert eve.status == "gradebook changed"
    assert f"the gradebook changed: {said}" in " ".join(eve.remarks)
    assert "gradebook" not in (ready / eve.feedback).read_text(encoding="utf-8")


def test_grade_says_during_whose_run_all_marks_went(ready, submit):
    submit(ready, "eve")
    graded(ready)
    runner = instant(lambda: change(ready, "delete from grade"))
    (eve,) = graded(ready, runner=runner, force=True).results
    assert eve.status == "not graded"
    assert "While this notebook ran, the gradebook changed: marks are gone" in eve.remarks[0]


def pending(root, student, cell="written"):
    with opened(Course.find(root)) as book:
        return bool(book.find_grade(cell, "tiny", CHAPTER, student).needs_manual_grade)


def test_a_mark_stands_until_the_answer_changes(ready, submit, right):
    submit(ready, "ada")
    graded(ready)
    assert pending(ready, "ada")
    mark(ready, "ada", 1.0)
    graded(ready, force=True)
    assert not pending(ready, "ada")
    submit(ready, "ada", {**right, "double": "def double(x):\n    return x"})
    graded(ready)
    assert not pending(ready, "ada")
    submit(ready, "ada", {**right, "written": "Another reason."})
    assert graded(ready).results[0].pending == ("written",)
    graded(ready, force=True)
    assert pending(ready, "ada")


def test_a_mark_in_place_of_a_check_stands_until_some_code_changes(ready, submit, right):
    submit(ready, "ada")
    graded(ready)
    mark(ready, "ada", 1.0, cell="test_double")
    graded(ready, force=True)
    assert not pending(ready, "ada", "test_double")
    submit(ready, "ada", {**right, "double": "def double(x):\n    return x"})
    graded(ready)
    assert pending(ready, "ada", "test_double")


def test_a_mark_that_came_while_the_notebook_ran_is_to_be_read(ready, submit):
    submit(ready, "ada")
    graded(ready)
    runner = instant(
        lambda: change(ready, "update grade set manual_score = 1, needs_manual_grade = 0")
    )
    graded(ready, runner=runner, force=True)
    assert pending(ready, "ada")


def nbgrader_autogrades(root, student):
    """Do to the gradebook and the graded notebook what ``nbgrader autograde --force`` does."""
    chapter = Course.find(root).chapter(CHAPTER)
    submitted = nbformat.read(
        chapter.course.tree("submitted") / student / CHAPTER / "tiny.ipynb", as_version=4
    )
    path = folder_of(chapter, student, "autograded") / "tiny.ipynb"
    give_points(submitted)
    nbformat.write(submitted, path)
    where = {"notebook": "tiny", "assignment": CHAPTER, "student": student}
    where["db_url"] = chapter.course.database
    SaveAutoGrades().preprocess(submitted, {"nbgrader": where})


@pytest.mark.parametrize("how", [{}, {"force": True}])
def test_a_mark_stands_after_nbgraders_own_autograde(ready, submit, how):
    submit(ready, "ada")
    graded(ready)
    mark(ready, "ada", 1.0)
    mark(ready, "ada", 2.5, cell="test_square")
    nbgrader_autogrades(ready, "ada")
    assert pending(ready, "ada")
    assert pending(ready, "ada", "test_square")
    outcome = graded(ready, **how)
    assert outcome.results[0].pending == ()
    assert not pending(ready, "ada")
    assert not pending(ready, "ada", "test_square")
    assert "to be read" not in outcome.report.read_text(encoding="utf-8")


def test_a_mark_for_another_text_stays_to_be_read_after_nbgraders_autograde(ready, submit, right):
    submit(ready, "ada")
    graded(ready)
    mark(ready, "ada", 1.0)
    submit(ready, "ada", {**right, "written": "Another reason."})
    nbgrader_autogrades(ready, "ada")  # before cvgen grade has seen the other text
    assert graded(ready).results[0].pending == ("written",)
    nbgrader_autogrades(ready, "ada")  # and after
    outcome = graded(ready)
    assert outcome.results[0].pending == ("written",)
    assert outcome.results[0].points["written"] == 1.0
    page = outcome.report.read_text(encoding="utf-8")
    assert '1 <span class="soft">to read</span>' in page
    assert "to be read: 1" in page
    mark(ready, "ada", 0.5)
    nbgrader_autogrades(ready, "ada")
    assert graded(ready).results[0].pending == ()


def test_feedback_says_to_be_read_and_runs_nobodys_script(ready, submit):
    def evil(notebook):
        notebook.cells.append(nbformat.v4.new_markdown_cell("<script>x()</script>\n\n$a<b$"))

    late_class(ready, submit)
    submit(ready, "late", edit=evil)
    late = by_name(graded(ready))["late"]
    page = (ready / late.feedback).read_text(encoding="utf-8")
    assert '<a href="#written">written</a>: to be read / 1.0' in page
    assert "01_tiny: 0.0 / 6.0" in page
    assert "4.0 points are taken off" in page
    assert "default-src 'none'" in page
    assert "&lt;script&gt;x()" in page
    assert "<script" not in page
    assert "<math><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>" in page


def test_feedback_says_whose_it_is_and_when_it_was_graded(ready, submit):
    submit(ready, "ada")
    with opened(Course.find(ready)) as book:
        book.update_or_create_student("ada", first_name="Ada <i>", last_name="Lovelace")
    place = ready / graded(ready).results[0].feedback
    assert "<b>Ada &lt;i&gt; Lovelace (ada)</b>, graded on 20" in place.read_text(encoding="utf-8")
    chapter = Course.find(ready).chapter(CHAPTER)
    path = folder_of(chapter, "ada", "autograded") / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.cvgen_graded = "2027-03-04"  # not today, when the page is made
    nbformat.write(notebook, path)
    assert ", graded on 2027-03-04</p>" in generate_feedback(chapter, "ada").read_text("utf-8")


def test_feedback_numbers_code_cells_as_its_notes_do(ready, submit):
    submit(ready, "ada")
    late = instant(events=[Event("timeout", "Code cell 2 did not end within 30 seconds.")])
    place = ready / graded(ready, late).results[0].feedback
    page = BeautifulSoup(place.read_text(encoding="utf-8"), "html.parser")
    (link,) = page.select("li a[href^='#code-cell-']")
    assert (link.text, link["href"]) == ("Code cell 2", "#code-cell-2")
    cell = page.find(id="code-cell-2")
    assert "code cell 2" in cell.text
    assert "def double" in cell.text
