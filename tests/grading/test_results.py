import json

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cvgen_course.grading.course import Course
from cvgen_course.grading.results import (
    Result,
    first_error,
    load_result,
    number,
    read_reports,
    record_path,
    save_result,
)
from cvgen_course.reports import MIME, Report, Row

REPORT = Report("double", "Double", 2.0, 2.0, (Row("zero", True, 1.0),), "d")


@pytest.fixture
def chapter(course):
    return Course.find(course).chapter("01_tiny")


def autograded(place, *outputs):
    shown = [new_output("display_data", data={MIME: data}) for data in outputs]
    flags = {"grade": True, "solution": False, "grade_id": "test_double"}
    cell = new_code_cell("check()", outputs=shown, metadata={"nbgrader": flags})
    (place / "x.ipynb").write_text(json.dumps(new_notebook(cells=[cell])), encoding="utf-8")
    return place / "x.ipynb"


def test_read_reports_keeps_what_a_check_reported(tmp_path):
    assert read_reports(autograded(tmp_path, REPORT.to_json())) == {"test_double": REPORT}


@pytest.mark.parametrize(
    "data", [None, 3, "text", json.dumps(REPORT.to_json()), [], {}, {"rows": []}, {"rows": [1]}]
)
def test_read_reports_leaves_other_forms_out(tmp_path, data):
    assert read_reports(autograded(tmp_path, data)) == {}


def test_read_reports_leaves_out_a_second_report_of_one_check(tmp_path):
    assert read_reports(autograded(tmp_path, REPORT.to_json(), REPORT.to_json())) == {}


def test_load_result_returns_what_was_saved_for_the_same_fingerprint(chapter):
    result = Result(
        "Zoë/..", "repaired", ("one", "two"), {"a": 1.5, "b": None}, ("b",),
        {"a": REPORT}, 1.25, "feedback/x.html",
    )  # fmt: skip
    save_result(chapter, result, "print")
    loaded = load_result(chapter, "Zoë/..", "print")
    assert not loaded.fresh
    assert loaded == Result(**{**vars(result), "fresh": False})
    assert load_result(chapter, "Zoë/..", "other") is None
    assert load_result(chapter, "Zoë/..", None) == loaded
    assert load_result(chapter, "Zoe", None) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2, "fingerprint": "p"}'])
def test_load_result_forgets_a_damaged_record(chapter, content):
    path = record_path(chapter, "ada")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert load_result(chapter, "ada", "p") is None


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2"), (1.5, "1.5"), (2 / 3, "0.67"), (0.0, "0"), (None, "–")]
)
def test_number_is_short(value, text):
    assert number(value) == text
    assert number(10.0) == "10"


def test_total_sums_what_is_known():
    assert Result("a", "graded", points={"x": 1.0, "y": None, "z": 0.5}).total == 1.5
    assert Result("a", "graded", points={"y": None}).total is None


def failing(ename, **metadata):
    output = new_output("error", ename=ename, evalue="no such package", traceback=[])
    return new_code_cell("import x", outputs=[output], metadata=metadata)


def test_first_error_names_the_cell_that_explains_the_rest():
    cells = [new_code_cell("1"), failing("ModuleNotFoundError"), failing("NameError")]
    (sentence,) = first_error(new_notebook(cells=cells))
    assert "cell 2" in sentence
    assert "ModuleNotFoundError: no such package" in sentence


def test_first_error_leaves_out_blanks_examples_and_checks():
    check = failing("NameError", nbgrader={"grade": True, "solution": False})
    example = failing("NameError", tags=["raises-exception"])
    cells = [failing("NotImplementedError"), failing("KeyboardInterrupt"), example, check]
    assert first_error(new_notebook(cells=cells)) == []


def test_first_error_blames_nothing_behind_a_cell_that_was_not_run():
    cells = [failing("NotRun"), failing("NameError")]
    assert first_error(new_notebook(cells=cells)) == []
    (sentence,) = first_error(new_notebook(cells=[failing("NameError"), *cells]))
    assert "cell 1" in sentence
