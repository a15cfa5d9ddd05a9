"""`cvgen grade` refuses before it grades anybody by a lecture that its source no longer makes."""

import sys
from types import SimpleNamespace

import nbformat
import pytest
from support.sandboxed import grade

from cvgen_course.errors import ReleaseError
from cvgen_course.grading import current
from cvgen_course.grading.course import Course
from cvgen_course.grading.current import refuse_outdated

CHAPTER = "01_tiny"


@pytest.fixture
def chapter(ready):
    return Course.find(ready).chapter(CHAPTER)


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("points: 2", "points: 4", r"cell 6 \(test_double\)"),
        ("Why is doubling cheaper?", "Why?", r"cell 11 \(markdown\)"),
        ("## Question", "", "cell 11"),
    ],
)
def test_grade_refuses_a_lecture_older_than_its_source(ready, submit, before, after, where):
    submit(ready, "ada")
    source = ready / "solutions" / CHAPTER / "tiny.md"
    text = source.read_text()
    assert before in text
    source.write_text(text.replace(before, after, 1))
    with pytest.raises(ReleaseError, match=f"Nobody was graded.*{where}.*cvgen release 01_tiny"):
        grade(ready, CHAPTER)
    assert not (ready / "autograded").exists()


@pytest.mark.parametrize("points", [5.0, 3.0])
def test_grade_refuses_other_points_than_the_exercise_has(ready, submit, monkeypatch, points):
    submit(ready, "ada")
    exercises = {"double": SimpleNamespace(points=points), "square": SimpleNamespace(points=3.0)}
    monkeypatch.setitem(sys.modules, "toy", SimpleNamespace(EXERCISES=exercises))
    with pytest.raises(ReleaseError) as caught:
        grade(ready, CHAPTER)
    assert f"expected the exercise's {points}, got 2.0" in str(caught.value)
    assert "cvgen release 01_tiny" in str(caught.value)
    assert not (ready / "autograded").exists()


def test_a_changed_answer_or_opened_lecture_is_no_other_lecture(chapter):
    source = chapter.source.read_text()
    chapter.source.write_text(source.replace("twice_the_argument = x + x", "y = 2 * x; 1234567"))
    notebook = nbformat.read(chapter.released, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="run by the teacher")]
    nbformat.write(notebook, chapter.released)
    refuse_outdated(chapter, "")


def test_refuse_outdated_looks_again_only_where_something_changed(chapter, monkeypatch):
    looks = []
    real = current.built

    def counted(*arguments):
        looks.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(current, "built", counted)
    refuse_outdated(chapter, "code")
    refuse_outdated(chapter, "code")
    assert len(looks) == 1
    refuse_outdated(chapter, "other code")
    chapter.source.write_text(chapter.source.read_text() + "\n")
    refuse_outdated(chapter, "other code")
    assert len(looks) == 3
