"""Every notebook runs as a reader, a student and an autograder would run it, in profile smoke.

Each is executed once for all tests that only look at it, and for the book; see `support.notebooks`.
"""

import ast
import math
import os
from pathlib import Path

import nbformat
import pytest
from support.notebooks import LECTURES, SOLUTIONS, executed, name_of

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(1200)]

PHOTOGRAPHS = {
    "segmentation": "camvid",
    "detection": "bccd",
    "autoencoders": "mnist",
    "pixelcnn": "mnist",
    "gan": "mnist",
    "evaluation": "mnist",
}
"""A chapter's real data set, in the folder that CVGEN_DATA names."""


def grade_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    return [c for c in cells if c.metadata.get("nbgrader", {}).get("grade")]


def errors(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    outputs = [(c, o) for c in notebook.cells for o in c.get("outputs", [])]
    return [(o.ename, c.source) for c, o in outputs if o.output_type == "error"]


def returned(cell: nbformat.NotebookNode) -> float:
    (result,) = [o for o in cell.outputs if o.output_type == "execute_result"]
    value = ast.literal_eval(result.data["text/plain"])
    assert type(value) is float
    return value


def test_every_solution_has_its_lecture():
    assert SOLUTIONS
    names = [(path.parent.name, path.name) for path in SOLUTIONS]
    assert names == [(path.parent.name, path.name) for path in LECTURES]


@pytest.mark.parametrize("path", SOLUTIONS, ids=name_of)
def test_solution_runs_without_an_error(path):
    assert errors(executed(path)) == []


@pytest.mark.data
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_networks_train_with_the_solutions_on_photographs(name):
    """Data set and own parts are two switches of the notebook: one execution for both."""
    data = PHOTOGRAPHS[name]
    if not Path(os.environ.get("CVGEN_DATA", ""), data).is_dir():
        pytest.skip(f"CVGEN_DATA names no folder with {data}")
    (path,) = (path for path in SOLUTIONS if path.stem == name)
    notebook = executed(path, data=data, my_code=True)
    assert errors(notebook) == []
    if data == "camvid":
        shown = "".join(str(o) for c in notebook.cells for o in c.get("outputs", []))
        assert "true 82" in shown  # per cent of the street that is no sky, CamVid's first class


@pytest.mark.skipif(bool(os.environ.get("CVGEN_DATA")), reason="they train on photographs")
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_networks_train_with_the_solutions(name):
    (path,) = (path for path in SOLUTIONS if path.stem == name)
    assert errors(executed(path, my_code=True)) == []


@pytest.mark.parametrize("path", SOLUTIONS, ids=name_of)
def test_solution_gets_full_points_as_a_builtin_float(path):
    for cell in grade_cells(executed(path)):
        assert returned(cell) == cell.metadata.nbgrader.points, cell.source
        assert not [o for o in cell.outputs if o.get("name") == "stderr"], cell.source


@pytest.mark.parametrize("path", LECTURES, ids=name_of)
def test_lecture_runs_to_its_end_with_not_implemented_as_the_only_error(path):
    notebook = executed(path)
    for name, source in errors(notebook):
        assert name == "NotImplementedError", source
    last = [c for c in notebook.cells if c.cell_type == "code"][-1]
    assert last.execution_count is not None


@pytest.mark.parametrize("path", LECTURES, ids=name_of)
def test_lecture_stops_nowhere_in_jupyterlab(path):
    """JupyterLab's Run All stops at the first error of a cell without the tag raises-exception."""
    for cell in executed(path).cells:
        if any(o.output_type == "error" for o in cell.get("outputs", [])):
            assert "raises-exception" in cell.metadata.get("tags", []), cell.source


@pytest.mark.parametrize("path", LECTURES, ids=name_of)
def test_blank_lecture_gets_a_finite_float_below_the_points_and_a_table(path):
    for cell in grade_cells(executed(path)):
        value = returned(cell)
        assert math.isfinite(value)
        assert value == 0.0, cell.source
        tables = [o for o in cell.outputs if o.output_type == "display_data"]
        assert "Not solved yet" in tables[0].data["text/plain"]


@pytest.mark.parametrize("path", SOLUTIONS + LECTURES, ids=name_of)
def test_notebook_is_stored_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert cell.id


@pytest.mark.parametrize("path", SOLUTIONS, ids=name_of)
def test_cells_are_short_enough_to_read(path):
    notebook = nbformat.read(path, as_version=4)
    code = [len(c.source.splitlines()) for c in notebook.cells if c.cell_type == "code"]
    assert max(code) <= 40
    assert sorted(code)[len(code) // 2] <= 10
