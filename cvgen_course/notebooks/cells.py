"""What nbgrader's metadata says about a cell, what a grade cell calls, which sources are equal."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from nbformat import NotebookNode


def grade_id(cell: NotebookNode) -> str:
    """Return a cell's name in the gradebook, or an empty text."""
    flags = cell.metadata.get("nbgrader", {})
    marked = flags.get("grade") or flags.get("solution") or flags.get("locked") or flags.get("task")
    return str(flags.get("grade_id", "")) if marked else ""


def is_graded(cell: NotebookNode) -> bool:
    """Return whether a cell carries points."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def is_solution(cell: NotebookNode) -> bool:
    """Return whether students write in a cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    """Return whether a cell is graded by running it."""
    return cell.cell_type == "code" and is_graded(cell) and not is_solution(cell)


def points(cell: NotebookNode) -> float:
    """Return the full points of a graded cell."""
    return float(cell.metadata["nbgrader"].get("points", 0))


class CheckCall(NamedTuple):
    """The call that ends a grade cell: ``from module import check`` and ``check("name", …)``."""

    module: str
    name: str


def is_written(cell: NotebookNode) -> bool:
    """Return whether a cell holds an answer in words, which a teacher reads."""
    return cell.cell_type == "markdown" and is_graded(cell) and is_solution(cell)


def unix_lines(source: str) -> str:
    r"""Return a source with ``\n`` at the end of each line, as the lectures have it."""
    return re.sub(r"\r+\n|\r", "\n", source)


def plain(source: str) -> str:
    """Return a source without what editors and file systems change of their own accord.

    Sources are compared in this form: two that differ in line ends, in blanks at the end of a line
    or in empty lines around them are the same.
    """
    return "\n".join(line.rstrip() for line in unix_lines(source).split("\n")).strip()


def check_call(source: str) -> CheckCall | None:
    """Return what a grade cell calls last, or None where its last line is no such call.

    The module is empty where the cell does not import the function itself.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    call = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or not call.args:
        return None
    if call.func.id != "check" or not isinstance(call.args[0], ast.Constant):
        return None
    imports = [
        node.module or ""
        for node in body
        if isinstance(node, ast.ImportFrom) and any(a.name == "check" for a in node.names)
    ]
    return CheckCall(imports[-1] if imports else "", str(call.args[0].value))


def exercise_name(cell: NotebookNode) -> str:
    """Return a graded cell's title: the name in its check call, else the one in the gradebook."""
    call = check_call(cell.source) if is_check(cell) else None
    return call.name if call else grade_id(cell)
