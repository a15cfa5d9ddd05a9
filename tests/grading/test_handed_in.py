"""Odd submissions, graded from end to end: the right points, and no word of what nobody did."""

import csv
import os
import shutil

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from support.sandboxed import code_counts_as_unchanged, grade

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("handed_in"),
    pytest.mark.follows_from("nbgrader_config.py", "cvgen_course.checks"),
]
CHAPTER = "01_tiny"
ODD = "M\udcfcller"


def index(notebook, name):
    flags = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return next(i for i, each in enumerate(flags) if each.get("grade_id") == name)


def answered_below(notebook):
    notebook.cells[index(notebook, "written")].source = "YOUR ANSWER HERE"
    notebook.cells.append(new_markdown_cell("Because it is an addition."))


def windows(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")


def other_order(notebook):
    """Both exercises change places, each with cells of the student's own."""
    cells = notebook.cells
    one, two = (index(notebook, name) for name in ("double", "square"))
    cells[one].source = "def double(x):\n    return two() * x"
    cells[two].source = "def square(x):\n    return x**EXPONENT"
    exercise_one, exercise_two = cells[one - 1 : two - 1], cells[two - 1 : two + 2]
    exercise_one.insert(1, new_code_cell("def two():\n    return 2"))
    exercise_two.insert(1, new_code_cell("EXPONENT = 2"))
    exercise_two.append(new_code_cell("assert square(3) == 9  # mine"))
    cells[one - 1 : two + 2] = [*exercise_two, *exercise_one]


def flood(notebook):
    for i in range(300):
        cell = new_markdown_cell("x")
        cell.metadata["nbgrader"] = {"grade_id": f"mine {i}" * 40, "grade": True}
        notebook.cells.append(cell)


@pytest.fixture(scope="module")
def graded(released_course, submit, right, tmp_path_factory):
    """The class, graded twice."""
    root = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(released_course, root)
    submit(root, ODD)
    submit(root, "below", edit=answered_below)
    submit(root, "blank", {})
    submit(root, "windows", edit=windows)
    submit(root, "order", edit=other_order)
    files = submit(root, "files", edit=flood)
    for name in ("venv/pyvenv.cfg", "test/a.txt", "\udcfc.txt"):
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).touch()
    for i in range(3000):
        (files / "venv" / f"{i}.py").touch()
    with pytest.MonkeyPatch.context() as patch:
        code_counts_as_unchanged(patch)
        first = grade(root, CHAPTER)
        second = grade(root, CHAPTER)
        grade(root, CHAPTER, students=["below"])
    return root, first, second


def result_of(outcome, student):
    return next(result for result in outcome.results if result.student == student)


def test_grade_survives_a_folder_whose_name_is_not_utf8(graded):
    _, first, second = graded
    for outcome in (first, second):
        odd = result_of(outcome, ODD)
        assert (odd.status, odd.total) == ("bad name", None)
        assert len(outcome.results) == 6
    with second.table.open(encoding="utf-8-sig", newline="") as file:
        assert "M\\udcfcller" in [row["student"] for row in csv.DictReader(file)]
    assert "M\\udcfcller" in second.report.read_text(encoding="utf-8")


def test_grade_leaves_an_answer_below_the_stub_to_the_teacher(graded):
    below = result_of(graded[1], "below")
    assert below.pending == ("written",)
    assert below.total == 5
    assert result_of(graded[1], "blank").pending == ()


def test_grade_finds_nothing_edited_where_only_line_ends_are_others(graded):
    windows = result_of(graded[1], "windows")
    assert (windows.status, windows.total, windows.remarks) == ("graded", 5, ())


def test_grade_puts_the_order_back_so_that_all_cells_run(graded):
    order = result_of(graded[1], "order")
    assert order.total == 5
    assert order.remarks == ("Graded cells had changed places; their order was put back.",)


def test_grade_says_little_about_many_files_and_cells(graded):
    files = result_of(graded[1], "files")
    assert files.total == 5
    assert "venv/ is installed software; it was left out." in files.remarks
    assert len(" ".join(files.remarks)) < 1000
    folder = graded[0] / "autograded/files" / CHAPTER
    assert not (folder / "venv").exists()
    assert {name for name in os.listdir(folder) if "ipynb" not in name} == {
        "test",
        "\udcfc.txt",
        "toy.py",
    }
