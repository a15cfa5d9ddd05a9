"""A check's points count only where it shows one plain number in range."""

from __future__ import annotations

import math
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from cvgen_course.grading.results import agrees, number, report_of
from cvgen_course.notebooks.cells import exercise_name, is_check, points


def guard(notebook: NotebookNode) -> list[str]:
    """Put an error into every grade cell that shows no valid points: nbgrader then gives it none.

    nbgrader itself gives FULL points for no result, for NaN, and for any text that is no number.

    Args:
        notebook: an executed notebook; changed in place.

    Returns:
        One sentence per cell.
    """
    remarks = []
    for cell in filter(is_check, notebook.cells):
        problem = _result_problem(cell)
        if problem:
            remarks.append(f"The check of {exercise_name(cell)} {problem}; it counts as 0.")
            error = new_output("error", ename="NoPoints", evalue=problem, traceback=[problem])
            cell.outputs = [error, *cell.outputs]
        elif contradiction := _contradiction(cell):
            remarks.append(f"The check of {exercise_name(cell)} {contradiction}.")
    return remarks


def _contradiction(cell: NotebookNode) -> str:
    """Return in what a grade cell's result and its table differ; empty where they don't."""
    shown = [o for o in cell.outputs if o.output_type == "execute_result"]
    report = report_of(cell)
    if not shown or report is None or any(o.output_type == "error" for o in cell.outputs):
        return ""
    value = float(_as_text(shown[0]["data"]["text/plain"]))
    if agrees(report, value):
        return ""
    passed = sum(row.passed for row in report.rows)
    return (
        f"gave {number(value)} points, but its table says {number(report.points)}, with {passed} "
        f"of {len(report.rows)} cases passed: they come from the student's process; look at it"
    )


def _result_problem(cell: NotebookNode) -> str:
    """Return what is wrong with a grade cell's result; empty where it is right, or failed."""
    if any(output.output_type == "error" for output in cell.outputs):
        return ""
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    if len(results) != 1:
        return f"showed {len(results)} results instead of one"
    shown = _as_text(results[0].get("data", {}).get("text/plain"))
    try:
        value = float(shown)
    except ValueError:
        return "did not show a number"
    if not math.isfinite(value) or not 0 <= value <= points(cell):
        return f"showed {value} of {points(cell)} points"
    return ""


def _as_text(data: Any) -> str:
    """Return an output's text; nbformat allows a list of lines."""
    if isinstance(data, list):
        return "".join(part for part in data if isinstance(part, str))
    return data if isinstance(data, str) else ""
