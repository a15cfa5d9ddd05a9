import copy
import sys
from types import SimpleNamespace

import pytest

from cvgen_course.grading.lint import lint
from cvgen_course.notebooks.pairing import read_source


@pytest.fixture(scope="module")
def authored(released_course):
    folder = released_course / "solutions/01_tiny"
    return read_source(folder / "tiny.md", folder / "tiny.ipynb")


@pytest.fixture
def source(authored):
    return copy.deepcopy(authored)


def cell_of(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def test_lint_finds_nothing_in_a_right_chapter(source):
    assert lint(source) == []


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("test_double", {"locked": False}, "must be locked"),
        ("test_double", {"points": 0}, "expected more than 0"),
        ("test_double", {"points": float("nan")}, "expected more than 0"),
        ("test_double", {"schema_version": 2}, "schema_version: expected 3, got 2"),
        ("double", {"locked": True}, "must not be locked"),
        ("double", {"solution": False}, "not marked as a solution"),
        ("square", {"grade_id": "double"}, "'double' is there 2 times"),
        ("written", {"solution": False}, "grade: true and solution: true"),
    ],
)
def test_lint_refuses_wrong_flags(source, name, flags, message):
    cell_of(source, name).metadata.nbgrader.update(flags)
    assert message in "\n".join(lint(source))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('from toy import check\ncheck("double", globals());', "trailing ';'"),
        ('from toy import check\npoints = check("double", globals())', "last line must be a call"),
        ('from toy import check\ncheck("double", globals())\nprint()', "last line must be a call"),
        ("from toy import check\n%time check()", "last line must be a call"),
        ("", "last line must be a call"),
    ],
)
def test_lint_refuses_a_grade_cell_that_shows_no_points(source, code, message):
    cell_of(source, "test_double").source = code
    assert message in "\n".join(lint(source))


def test_lint_refuses_an_answer_without_markers_and_a_skipped_cell(source):
    cell_of(source, "double").source = "def double(x):\n    return 2 * x"
    source.cells[1].metadata["tags"] = ["skip-execution"]
    text = "\n".join(lint(source))
    assert "between ### BEGIN SOLUTION and ### END SOLUTION" in text
    assert "skip-execution gives full points" in text


def test_lint_holds_points_to_the_exercise(source, monkeypatch):
    exercises = {"double": SimpleNamespace(points=2.0), "square": SimpleNamespace(points=4)}
    monkeypatch.setitem(sys.modules, "toy", SimpleNamespace(EXERCISES=exercises))
    assert lint(source) == ["cell 9 (test_square): points: expected the exercise's 4, got 3.0"]
    del exercises["square"]
    assert "expected an exercise of toy (double), got 'square'" in "\n".join(lint(source))
