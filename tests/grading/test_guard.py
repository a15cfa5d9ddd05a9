import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade

from cvgen_course.grading.guard import guard
from cvgen_course.reports import MIME, Report, Row


def result(text):
    return new_output("execute_result", data={"text/plain": text})


@pytest.fixture
def executed(lecture):
    """The lecture after a run: both checks showed full points."""
    notebook = nbformat.from_dict(lecture)
    for cell in notebook.cells:
        flags = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and flags.get("grade"):
            cell.outputs = [result(f"{float(flags['points'])}")]
    return notebook


def check(notebook):
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    return notebook.cells[names.index("test_double")]


@pytest.mark.parametrize("text", ["2.0", "0.0", "1.5", "1e-05", "2"])
def test_guard_lets_points_be(executed, text):
    check(executed).outputs = [new_output("display_data"), result(text)]
    assert guard(executed) == []
    assert determine_grade(check(executed)) == (float(text), 2.0)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [result("nan")],
        [result("inf")],
        [result("-1.0")],
        [result("3.0")],
        [result("True")],
        [result("tensor(2.)")],
        [result("np.float64(2.0)")],
        [result(["2.0", "\n2.0"])],
        [result("2.0"), result("0.0")],
        [new_output("execute_result", data={})],
        [new_output("stream", text="2.0")],
    ],
)
def test_guard_gives_nothing_for_anything_else(executed, outputs):
    check(executed).outputs = outputs
    (remark,) = guard(executed)
    assert remark.startswith("The check of double ")
    assert determine_grade(check(executed)) == (0, 2.0)


def test_guard_leaves_a_failed_check_alone(executed):
    failed = [new_output("error", ename="E", evalue="", traceback=[])]
    check(executed).outputs = failed
    assert guard(executed) == []
    assert check(executed).outputs == failed


def reported(points, *passed):
    rows = tuple(Row(f"case {i}", ok, 1.0) for i, ok in enumerate(passed))
    report = Report("double", "Double", points, 2.0, rows)
    return new_output("display_data", data={MIME: report.to_json()})


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (reported(2.0, True, True), "2.0"),
        (reported(0.66, True, False, False), "0.66"),
        (reported(0.0, False), "0.0"),
    ],
)
def test_guard_says_nothing_of_points_that_follow_from_their_table(executed, report, text):
    check(executed).outputs = [report, result(text)]
    assert guard(executed) == []


@pytest.mark.parametrize(
    "report", [reported(0.0, False, False), reported(2.0, False, True), reported(1.0, True, True)]
)
def test_guard_says_where_points_differ_from_their_table(executed, report):
    check(executed).outputs = [report, result("2.0")]
    (remark,) = guard(executed)
    assert "The check of double gave 2 points, but its table says" in remark
    assert determine_grade(check(executed)) == (2.0, 2.0)
