"""Why a name is not there yet: its cell was not run, or could not be."""

from __future__ import annotations

import ast
import re
from typing import Any

from cvgen_course.checks.words import shorten

_RUN_IT = "run the cell above that defines it, then this one."


def not_run(name: str, namespace: dict[str, Any]) -> str:
    """Return what to do about a name that is missing in a notebook.

    Args:
        name: what the notebook should define.
        namespace: its ``globals()``; IPython keeps the text of all cells that were run there, as
            ``In``, also of those with an error in their syntax.
    """
    cells = namespace.get("In")
    defines = re.compile(rf"^\s*(?:(?:async\s+)?def|class)\s+{name}\b|^{name}\s*=", re.MULTILINE)
    for cell in reversed(cells if type(cells) is list else []):
        if type(cell) is str and defines.search(cell):
            error = _syntax_error(cell)
            return f"{error} Mend it, run that cell, then this one." if error else _RUN_IT
    return _RUN_IT


def _syntax_error(cell: str) -> str:
    """Return a sentence on the first error in a cell's syntax; empty where there is none."""
    try:
        ast.parse(cell)
    except SyntaxError as error:
        lines = cell.splitlines()
        number = min(error.lineno or 1, len(lines))
        line = shorten(lines[number - 1].strip(), 80).replace("`", "'")
        where = f"line {number}, `{line}`" if line else f"line {number}"
        return f"the cell above has an error in {where} ({shorten(error.msg, 80)})."
    except (ValueError, RecursionError, MemoryError):
        pass
    return ""
