import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cvgen_course.grading.course import Course
from cvgen_course.grading.results import (
    Case,
    CaseReport,
    Result,
    first_error,
    load_result,
    number,
    parse_report,
    record_path,
    save_result,
)

REPORT = {"title": "Double", "rows": [{"title": "zero", "passed": True}], "diagnosis": "d"}


@pytest.fixture
def chapter(course):
    return Course.find(course).chapter("01_tiny")


def test_parse_report_keeps_titles_and_diagnosis():
    wanted = CaseReport("Double", (Case("zero", True),), "d")
    assert parse_report(REPORT) == wanted
    assert parse_report('{"rows": []}') == CaseReport("", (), "")


@pytest.mark.parametrize(
    "data",
    [None, 3, "text", "[" * 100_000, [], {}, {"rows": 1}, {"rows": [1]}, {"rows": [{"passed": 1}]}],
)
def test_parse_report_refuses_other_forms(data):
    assert parse_report(data) is None


def test_parse_report_bounds_what_it_keeps():
    rows = [{"title": "x" * 10_000 + "\n", "passed": False}] * 1000
    report = parse_report({"title": 7, "rows": rows, "diagnosis": ["no text"]})
    assert (report.title, report.diagnosis) == ("", "")
    assert len(report.cases) == 200
    assert len(report.cases[0].title) == 400


def test_load_result_returns_what_was_saved_for_the_same_fingerprint(chapter):
    result = Result(
        "Zoë/..", "repaired", ("one", "two"), {"a": 1.5, "b": None}, ("b",),
        {"a": CaseReport("A", (Case("zero", False),), "why")}, 1.25, "feedback/x.html",
    )  # fmt: skip
    save_result(chapter, result, "print")
    loaded = load_result(chapter, "Zoë/..", "print")
    assert not loaded.fresh
    assert loaded == Result(**{**vars(result), "fresh": False})
    assert load_result(chapter, "Zoë/..", "other") is None
    assert load_result(chapter, "Zoë/..", None) == loaded
    assert load_result(chapter, "Zoe", None) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 1, "fingerprint": "p"}'])
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
