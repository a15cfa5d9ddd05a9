"""What must hold of an authored notebook before students get it."""

from __future__ import annotations

import math
from collections import Counter

from nbformat import NotebookNode

from cvgen_course.grading.find_exercise import find_exercise
from cvgen_course.grading.promised import broken_promises
from cvgen_course.notebooks.cells import (
    check_call,
    grade_id,
    is_check,
    is_graded,
    is_solution,
    points,
)
from cvgen_course.notebooks.regions import BEGIN, END, regions

SKIP = "skip-execution"


def lint(notebook: NotebookNode) -> list[str]:
    """Return what is wrong with a chapter's source; empty where all is well.

    nbgrader gives FULL points where a grade cell's last line shows no number, so that line must be
    a check, and nothing may hide its value.
    """
    problems = []
    names = Counter(filter(None, map(grade_id, notebook.cells)))
    problems += [f"grade_id {name!r} is there {n} times" for name, n in names.items() if n > 1]
    for number, cell in enumerate(notebook.cells, start=1):
        found = _lint_cell(cell)
        if is_check(cell):
            found += _lint_check(cell)
        where = f"cell {number} ({grade_id(cell) or cell.cell_type})"
        problems += [f"{where}: {problem}" for problem in found]
    return problems + broken_promises(notebook)


def _lint_cell(cell: NotebookNode) -> list[str]:
    """Return what is wrong with any cell: flags, markers, tags."""
    flags = cell.metadata.get("nbgrader", {})
    problems = []
    if SKIP in cell.metadata.get("tags", []):
        problems.append(f"the tag {SKIP} gives full points; remove it")
    if is_graded(cell) and not (math.isfinite(points(cell)) and points(cell) > 0):
        problems.append(f"points: expected more than 0, got {points(cell)}")
    if is_graded(cell) and flags.get("schema_version") != 3:
        problems.append(f"schema_version: expected 3, got {flags.get('schema_version')}")
    if is_solution(cell) and flags.get("locked"):
        problems.append("a cell that students fill in must not be locked")
    problems += _lint_markers(cell)
    if cell.cell_type == "markdown" and is_graded(cell) != is_solution(cell):
        problems.append("a written question must be grade: true and solution: true")
    return problems


def _lint_markers(cell: NotebookNode) -> list[str]:
    """Return what is wrong with the markers around a cell's answer."""
    try:
        answers = [lines for inside, lines in regions(cell.source) if inside]
    except ValueError as error:
        return [str(error)]
    if is_solution(cell) and not answers:
        return [f"expected an answer between ### {BEGIN} and ### {END}"]
    if answers and not is_solution(cell):
        return ["an answer stands in a cell that is not marked as a solution"]
    return []


def _lint_check(cell: NotebookNode) -> list[str]:
    """Return what is wrong with a grade cell: lock, last line, points."""
    problems = []
    if not cell.metadata["nbgrader"].get("locked"):
        problems.append("a grade cell must be locked")
    if cell.source.rstrip().endswith(";"):
        problems.append("the trailing ';' hides the points, and nbgrader then gives all of them")
    call = check_call(cell.source)
    if call is None:
        return [*problems, 'the last line must be a call check("name", …)']
    exercise = find_exercise(call.module, call.name)
    if isinstance(exercise, str):
        problems.append(exercise)
    elif exercise is not None and float(exercise.points) != points(cell):
        problems.append(f"points: expected the exercise's {exercise.points}, got {points(cell)}")
    return problems
