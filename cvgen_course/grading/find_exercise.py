"""The exercise that a grade cell checks."""

from __future__ import annotations

import importlib
from typing import Any

from nbformat import NotebookNode

from cvgen_course.notebooks.cells import check_call, is_check


def find_exercise(module: str, name: str) -> Any | str | None:
    """Return the exercise that a grade cell checks.

    Returns:
        An object with ``points``; None where the module is not to be found here or keeps no
        dictionary of exercises; a sentence where the dictionary has no such exercise.
    """
    try:
        exercises = getattr(importlib.import_module(module), "EXERCISES", None)
    except (ImportError, ValueError):
        return None
    if not isinstance(exercises, dict):
        return None
    if name not in exercises:
        return f"check: expected an exercise of {module} ({', '.join(exercises)}), got {name!r}"
    return exercises[name]


def checked(notebook: NotebookNode) -> dict[str, int]:
    """Return where each exercise of a notebook is checked: its name → the grade cell's position."""
    calls = ((i, check_call(c.source)) for i, c in enumerate(notebook.cells) if is_check(c))
    return {call.name: i for i, call in calls if call is not None}
