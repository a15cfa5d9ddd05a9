import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade

from cvgen_course.grading.guard import guard


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
