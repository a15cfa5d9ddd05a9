"""A notebook's cell as Python, where IPython understands more than that."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from cvgen_course.grading.match import parsed

LONGEST = 200_000
"""More characters of code than anybody writes; looking through them would take too long."""

PYTHON_MAGICS = ("time", "timeit", "capture", "prun")
MAGIC_LINE = re.compile(r"\s*(?:[\w, ]+=\s*)?[!%]|.*\?\s*$")


def too_long(notebook: NotebookNode) -> bool:
    """Return whether a notebook has more code than can be looked through."""
    return sum(len(cell.source) for cell in notebook.cells if cell.cell_type == "code") > LONGEST


def as_python(source: str) -> str:
    """Return a cell's source with magics and shell lines as the calls that IPython makes of them.

    Nothing is run. What can't be read is returned as it is. Line by line: for a cell of many such
    lines, IPython takes a time that grows with their square.
    """
    if parsed(source) is not None:
        return source
    if source.lstrip().startswith("%%"):
        return _transformed(source)
    lines = source.split("\n")
    for i, line in enumerate(lines):
        if MAGIC_LINE.match(line):
            end = i + 1
            while lines[end - 1].endswith("\\") and end < len(lines):
                end += 1
            indent = line[: len(line) - len(line.lstrip())]
            told = " ".join(each.rstrip("\\").strip() for each in lines[i:end])
            lines[i:end] = [indent + _transformed(told).rstrip("\n"), *[""] * (end - i - 1)]
    return "\n".join(lines)


def _transformed(source: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, RuntimeError, MemoryError):
        return source


def python_within(node: ast.stmt) -> Iterator[str]:
    """Yield the Python that the magics of a statement are given, e.g. ``%time f()``."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            said = [str(each.value) for each in call.args if isinstance(each, ast.Constant)]
            if call.func.attr.endswith("_magic") and said and said[0] in PYTHON_MAGICS:
                yield said[-1]
