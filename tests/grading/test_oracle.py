"""The oracle decides, and names what a check's cell shows that no check shows."""

import pytest
from nbformat.v4 import new_code_cell, new_output
from support.hostile_course import RIGHT

from cvgen_course.checks import answer_bytes
from cvgen_course.grading.oracle import NO_ANSWER, Oracle, oracles, record
from cvgen_course.reports import MIME, Report
from cvgen_course.segmentation.exercises import EXERCISES


def check(name, module="cvgen_course.segmentation.exercises", outputs=()):
    flags = {"grade_id": f"test_{name}", "grade": True, "solution": False, "points": 2}
    source = f"from {module} import check\n\ncheck({name!r}, globals())"
    return new_code_cell(source, metadata={"nbgrader": flags}, outputs=list(outputs))


def result(text):
    return new_output("execute_result", data={"text/plain": text})


@pytest.fixture
def oracle():
    return Oracle(EXERCISES["mean_iou"], "a student's own")


@pytest.fixture
def right(oracle):
    space = {}
    exec(RIGHT["mean_iou"], space)
    return answer_bytes(oracle.exercise, space, oracle.questions)


def test_decide_gives_right_answers_all_points_and_wrong_ones_none(oracle, right):
    assert oracle.decide(right).points == oracle.exercise.points
    wrong = answer_bytes(oracle.exercise, {"mean_iou": lambda confusion: -1.0}, oracle.questions)
    assert oracle.decide(wrong).points == 0
    assert oracle.decide(right[:-3]).points == 0
    assert oracle.decide(b"").points == 0


def test_answers_to_another_students_questions_earn_less(oracle, right):
    other = Oracle(oracle.exercise, "another student's")
    assert other.questions != oracle.questions
    assert other.decide(right).points < oracle.exercise.points


def test_oracles_are_for_exercises_that_can_be_found_outside_the_notebook():
    cells = [check("mean_iou"), check("no_such"), check("double", "toy"), new_code_cell("check(1)")]
    found = oracles(cells, "seed")
    assert list(found) == ["mean_iou"]
    assert (found["mean_iou"].exercise, found["mean_iou"].seed) == (EXERCISES["mean_iou"], "seed")


HONEST = [[result("0.0")], [result("0.000")], [result("0")], [], [new_output("stream", text="hi")]]


@pytest.mark.parametrize("outputs", HONEST)
def test_record_puts_the_report_in_the_place_of_what_a_check_shows(oracle, right, outputs):
    cell = check("mean_iou", outputs=outputs)
    report, sentence = record(cell, oracle.decide(right), oracle)
    assert sentence == ""
    shown, points = cell.outputs
    assert Report.from_json(shown.data[MIME]) == report
    assert points.data["text/plain"] == "2.0"


CLAIMS = {
    "shows '2.0'": [result("2.0")],
    "shows 'nan'": [result("nan")],
    "shows 2 results": [result("0.0"), result("0.0")],
    "shows a report": [new_output("display_data", data={MIME: {}}), result("0.0")],
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("answered", [True, False])
def test_record_names_what_no_check_shows(oracle, right, claim, answered):
    cell = check("mean_iou", outputs=CLAIMS[claim])
    report, sentence = record(cell, oracle.decide(right) if answered else None, oracle)
    assert report.points == (2.0 if answered else 0.0)
    assert sentence.startswith(f"The check of mean_iou {claim}, as no check does:")
    assert cell.outputs[-1].data["text/plain"] == repr(report.points)


def test_record_of_a_check_that_checked_nothing_says_so(oracle):
    cell = check("mean_iou")
    report, sentence = record(cell, None, oracle)
    assert (report.points, report.note) == (0.0, NO_ANSWER)
    assert "shows nothing" in sentence


def test_record_leaves_a_check_that_failed_as_it_is(oracle):
    outputs = [new_output("error", ename="NameError", evalue="", traceback=[])]
    cell = check("mean_iou", outputs=outputs)
    assert record(cell, None, oracle) == (None, "")
    assert cell.outputs == outputs
