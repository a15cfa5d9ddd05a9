"""The whole thing once in a real kernel: tables, points, silence."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cvgen_course.reports import MIME, Report, html_table, text_table

CELLS = [
    """
from support.toy_exercises import EXERCISES
from cvgen_course.checks import check_by_name
def check(name): return check_by_name(EXERCISES, name, globals())
""",
    """
import os, sys, warnings
from IPython.display import display
import matplotlib.pyplot as plt
def nearest(x):
    print("out"); print("err", file=sys.stderr); os.write(2, b"from C"); os.system("echo shell >&2")
    warnings.warn("careful"); display("shown"); plt.plot([1]); plt.show()
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
""",
    "check('nearest')",
    "def nearest(x):\n    return x[100]",
    "check('nearest')",
    "print('still here')",
    "os.environ['NBGRADER_VALIDATING'] = '1'; check('nearest')",
    "del nearest, os.environ['NBGRADER_VALIDATING']",
    "def nearest(x)\n    return x",
    "check('nearest')",
]

pytestmark = pytest.mark.follows_from("tests/support/toy_exercises.py", "cvgen_course.checks")


@pytest.mark.notebook
def test_check_by_name_in_a_kernel(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3").execute()
    nbformat.validate(notebook)
    outputs = [cell.outputs for cell in notebook.cells]

    shown, result = outputs[2]
    assert shown.output_type == "display_data"
    report = Report.from_json(shown.data[MIME])
    assert report.points == 3.0
    assert shown.data["text/plain"] == text_table(report)
    assert shown.data["text/html"] == html_table(report)
    assert result.output_type == "execute_result"
    assert result.data["text/plain"] == "3.0"

    shown, result = outputs[4]
    assert "IndexError" in shown.data["text/plain"]
    assert "In your line `return x[100]`" in shown.data["text/plain"]
    assert result.data["text/plain"] == "0.0"

    assert [output.text for output in outputs[5]] == ["still here\n"]
    (error,) = outputs[6]
    assert error.ename == "PointsMissing"
    assert error.evalue.startswith("nearest: Nearest-neighbour")
    assert error.traceback == [error.evalue]

    note = Report.from_json(outputs[9][0].data[MIME]).note
    assert note.startswith("`nearest` does not exist yet: the cell above has an error in line 1")
