"""A notebook's cell as Python, where IPython understands more than that."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager

from cvgen_course.grading.match import parsed

LONGEST = 200_000
PYTHON_MAGICS = ("time", "timeit", "capture", "prun")


def as_python(source: str) -> str:
    """Return a cell's source with magics and shell lines as the calls that IPython makes of them.

    Nothing is run. What can't be read is returned as it is.
    """
    if parsed(source) is not None or len(source) > LONGEST:
        return source
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
