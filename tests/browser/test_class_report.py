"""The class report of a chapter with many exercises: all of them in an ordinary window."""

import pytest

from cvgen_course.grading.gradebook import Column, Name
from cvgen_course.grading.report import write_report
from cvgen_course.grading.results import ClassResult, Result

pytestmark = [pytest.mark.browser, pytest.mark.follows_from("cvgen_course.grading")]
COLUMNS = tuple(
    Column(f"test_{i}", f"average_exercise_{i}", 2.0, by_hand=i == 14) for i in range(15)
)


@pytest.mark.parametrize("width", [1300, 1000])
def test_class_report_shows_every_exercise(page, tmp_path, width):
    points = {column.grade_id: 1.33 for column in COLUMNS} | {"test_14": None}
    results = tuple(
        Result(f"s{i:07}", "graded", ("A remark.",), points, ("average_exercise_14",), late=9.0 * i)
        for i in range(9)
    )
    names = {result.student: Name("Maximiliane", "Berghe-Kowalski") for result in results}
    place = tmp_path / "index.html"
    write_report(ClassResult("02_x", COLUMNS, results, (), place, place, names), tmp_path)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(place.as_uri())
    hidden = page.evaluate(
        "(t => t.scrollWidth - t.clientWidth)(document.querySelector('.scroll'))"
    )
    assert hidden == 0
    assert page.get_by_text("average exercise 14 / 2").bounding_box()["x"] < width
