"""The course's notebooks, and each of them executed once for all tests and the book."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nbformat

from cvgen_course.book.execute import execute, executed_folder

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
LECTURES = sorted((ROOT / "lectures").glob("*/*.ipynb"))


def name_of(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.parent.name}"


@cache
def executed(path: Path, data: str = "", my_code: bool = False) -> nbformat.NotebookNode:
    """Return a notebook as it is after Run All in profile smoke, from the cache or run now.

    Args:
        path: the notebook.
        data: the data set; the notebook's own where it is empty.
        my_code: whether its networks train with what stands in the solution cells.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):  # as papermill would
            cell.source += f"\nDATA = {data!r}" if data else ""
            cell.source += "\nUSE_MY_CODE = True" if my_code else ""
    return execute(notebook, path, executed_folder(ROOT), "smoke").notebook
