import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from cvgen_course.errors import SubmissionError
from cvgen_course.grading.renew import renew, renew_file

ANSWER = "def double(x):\n    return 2 * x"


def index(notebook, name):
    flags = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return next(i for i, each in enumerate(flags) if each.get("grade_id") == name)


@pytest.fixture
def mine(lecture):
    """The lecture with one answer and two cells of the student's own around it."""
    notebook = copy.deepcopy(lecture)
    place = index(notebook, "double")
    notebook.cells[place].source = ANSWER
    notebook.cells.insert(place + 1, new_code_cell("double(3)  # a try of mine"))
    notebook.cells.insert(0, new_markdown_cell("My notes"))
    return notebook


@pytest.fixture
def update(lecture):
    """A later release: other words, and one new cell at the top."""
    notebook = copy.deepcopy(lecture)
    notebook.cells[0].source += "\n\nA sentence that was missing."
    notebook.cells.insert(1, new_markdown_cell("A new paragraph"))
    return notebook


def test_renew_puts_the_answer_into_the_update(mine, update):
    before = copy.deepcopy(mine)
    renewed, remarks = renew(mine, update)
    assert renewed.cells[index(renewed, "double")].source == ANSWER
    update.cells[index(update, "double")].source = ANSWER
    own = ("My notes", "double(3)  # a try of mine")
    assert [c.source for c in renewed.cells if c.source not in own] == [
        c.source for c in update.cells
    ]
    assert remarks[0].startswith("1 of")
    assert "double" in remarks[0]
    assert mine == before
    nbformat.validate(renewed)


def test_renew_keeps_own_cells_in_their_places(mine, update):
    renewed, remarks = renew(mine, update)
    assert renewed.cells[0].source == "My notes"
    assert renewed.cells[index(renewed, "double") + 1].source == "double(3)  # a try of mine"
    assert remarks[-1] == "2 cells that the lecture does not have were kept in their places."


def test_renew_of_a_lecture_without_answers_changes_nothing(lecture):
    renewed, remarks = renew(lecture, lecture)
    assert renewed.cells == lecture.cells
    assert "Still empty: double" in remarks[1]


@pytest.mark.parametrize("damage", ["lost name", "deleted check", "doubled", "raw cell"])
def test_renew_mends_a_broken_notebook(mine, lecture, damage):
    place = index(mine, "double")
    if damage == "lost name":
        mine.cells[place].metadata = {}
        mine.cells[place].id = "other"
    elif damage == "deleted check":
        del mine.cells[index(mine, "test_double")]
    elif damage == "doubled":
        mine.cells.append(copy.deepcopy(lecture.cells[index(lecture, "double")]))
    else:
        mine.cells[place].cell_type = "raw"
    renewed, _ = renew(mine, lecture)
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in renewed.cells]
    released = [c.metadata.get("nbgrader", {}).get("grade_id") for c in lecture.cells]
    assert [n for n in names if n] == [n for n in released if n]
    solution = renewed.cells[index(renewed, "double")]
    assert (solution.source, solution.cell_type) == (ANSWER, "code")


def test_renew_file_leaves_the_old_file_and_writes_the_new_one(tmp_path, mine, update):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    nbformat.write(mine, old)
    nbformat.write(update, fresh)
    before = old.read_bytes()
    renew_file(old, fresh)
    assert old.read_bytes() == before
    assert ANSWER in [cell.source for cell in nbformat.read(fresh, 4).cells]
    again = fresh.read_bytes()
    renew_file(old, fresh)  # the same answers once more
    assert fresh.read_bytes() == again


def test_renew_file_overwrites_no_other_answer(tmp_path, mine, update):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    nbformat.write(mine, old)
    update.cells[index(update, "double")].source = "def double(x):\n    return x + x"
    nbformat.write(update, fresh)
    before = fresh.read_bytes()
    with pytest.raises(SubmissionError, match="other answers to double"):
        renew_file(old, fresh)
    assert fresh.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"<<<<<<< HEAD\n{}", b"[]", b"\xff\xfe"])
def test_renew_file_says_what_can_not_be_read(tmp_path, lecture, content):
    old, fresh = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    old.write_bytes(content)
    nbformat.write(lecture, fresh)
    with pytest.raises(SubmissionError, match=r"mine\.ipynb: The .*checkpoints"):
        renew_file(old, fresh)
    with pytest.raises(SubmissionError, match="no such file"):
        renew_file(tmp_path / "none.ipynb", fresh)
