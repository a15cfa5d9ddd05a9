"""The Formgrader as a teacher uses it: see the class, read an answer, give points."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.demo_class import MADE_OF, demo_class
from support.jupyter_lab import jupyter_lab

from cvgen_course.demo.cohort import CHAPTER, NOTEBOOK, QUESTION
from cvgen_course.grading import gradebook
from cvgen_course.grading.course import Course

LOOPING, RIGHT, BLANK = "endless_loop", "all_right", "all_blank"
"""Three of the eight; nobody has as many points as the first."""
GIVEN = 4.5

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.nbgrader,
    pytest.mark.follows_from(*MADE_OF),
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("demo class"),
]


@pytest.fixture(scope="session")  # before the browser: Playwright and nbclient need a loop each
def graded(chromium, tmp_path_factory):
    return demo_class(tmp_path_factory.getbasetemp())[0]


@pytest.fixture
def course(graded, tmp_path):
    """The demonstration's course with its graded class, to give points in."""
    return shutil.copytree(graded, tmp_path / "course")


@pytest.fixture
def lab(course, tmp_path):
    with jupyter_lab(course, tmp_path / "home") as address:
        yield address


def row(frame, text):
    return frame.get_by_role("row").filter(has_text=text)


def points_of(scores):
    return sum(score.points or 0 for score in scores.values())


def is_saved_grade(response):
    """Whether a grade was saved (JupyterLab itself sends PUT for its workspace, too)."""
    return response.request.method == "PUT" and "/api/grade/" in response.url


def test_teacher_sees_the_class_and_grades_a_written_answer(page, lab, course):
    chapter = Course.find(course).chapter(CHAPTER)
    before = gradebook.scores(chapter, LOOPING)
    assert before[QUESTION].pending
    total = points_of(before)
    full = points_of(gradebook.scores(chapter, RIGHT)) + 6

    page.goto(lab)
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).click()
    frame = page.frame_locator("iframe")
    expect(row(frame, CHAPTER)).to_contain_text("8")
    frame.get_by_role("link", name="Manage Students").click()
    expect(row(frame, LOOPING)).to_contain_text(f"{total:g} / {full:g}")
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
    expect(row(frame, LOOPING)).to_contain_text(f"{total + GIVEN:g} / {full:g}")
    after = gradebook.scores(chapter, LOOPING)
    assert after[QUESTION] == gradebook.Score(GIVEN, pending=False, auto=None, manual=GIVEN)
    assert points_of(after) == total + GIVEN
