"""The Formgrader as a teacher uses it: see the class, read an answer, give points."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect
from support.command import cvgen
from support.jupyter_lab import jupyter_lab

from cvgen_course.demo.cohort import CHAPTER, NOTEBOOK, QUESTION, answered, own_answers
from cvgen_course.demo.show import copy_course
from cvgen_course.grading import gradebook
from cvgen_course.grading.course import Course

ROOT = Path(__file__).resolve().parents[2]
RIGHT, BLANK = "right", "blank"
GIVEN = 4.5

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.nbgrader,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def course(chromium, tmp_path):
    """A course with a graded class of two: all right, and nothing at all."""
    place = copy_course(ROOT, tmp_path / "course")
    lecture = nbformat.read(place / "lectures" / CHAPTER / NOTEBOOK, as_version=4)
    right = own_answers(nbformat.read(place / "solutions" / CHAPTER / NOTEBOOK, as_version=4))
    for student, answers in {RIGHT: right, BLANK: {}}.items():
        folder = place / "submitted" / student / CHAPTER
        folder.mkdir(parents=True)
        nbformat.write(answered(lecture, answers), folder / NOTEBOOK)
    cvgen("grade", CHAPTER, folder=place)
    return place


@pytest.fixture
def lab(course, tmp_path):
    with jupyter_lab(course, tmp_path / "home") as address:
        yield address


def row(frame, text):
    return frame.get_by_role("row").filter(has_text=text)


def is_saved_grade(response):
    """Whether a grade was saved (JupyterLab itself sends PUT for its workspace, too)."""
    return response.request.method == "PUT" and "/api/grade/" in response.url


def test_teacher_sees_the_class_and_grades_a_written_answer(page, lab, course):
    chapter = Course.find(course).chapter(CHAPTER)
    before = gradebook.scores(chapter, RIGHT)
    assert before[QUESTION].pending
    total = sum(score.points or 0 for score in before.values())
    full = total + 6

    page.goto(lab)
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).click()
    frame = page.frame_locator("iframe")
    expect(row(frame, CHAPTER)).to_contain_text("2")
    frame.get_by_role("link", name="Manage Students").click()
    expect(row(frame, RIGHT)).to_contain_text(f"{total:g} / {full:g}")
    expect(row(frame, BLANK)).to_contain_text(f"0 / {full:g}")

    frame.get_by_role("link", name="Manual Grading").click()
    frame.get_by_role("link", name=CHAPTER).click()
    frame.get_by_role("link", name=Path(NOTEBOOK).stem, exact=True).click()
    submission = row(frame, f"{total:g} / {full:g}")
    submission.get_by_role("link", name="Submission").click()
    points = frame.locator(f"#{QUESTION}")
    # nbgrader marks the field when it has fetched the grades; what is typed before is lost.
    expect(points).to_contain_class("needs_manual_grade")
    expect(points).to_have_value("")
    points.fill(f"{GIVEN:g}")
    with page.expect_response(is_saved_grade):
        points.press("Tab")

    frame.get_by_role("link", name=Path(NOTEBOOK).stem, exact=True).click()
    expect(row(frame, f"{total + GIVEN:g} / {full:g}")).to_be_visible()
    frame.get_by_role("link", name="Manage Students").click()
    expect(row(frame, RIGHT)).to_contain_text(f"{total + GIVEN:g} / {full:g}")
    after = gradebook.scores(chapter, RIGHT)
    assert after[QUESTION] == gradebook.Score(GIVEN, pending=False)
    assert sum(score.points for score in after.values()) == total + GIVEN
