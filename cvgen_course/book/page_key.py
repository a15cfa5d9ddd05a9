"""What an executed notebook follows from, besides the code of its cells."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import nbformat

from cvgen_course.files import is_content
from cvgen_course.provenance import code_hash

MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


def page_key(notebook: nbformat.NotebookNode, profile: str) -> str:
    """Return a hash of what a notebook's outputs follow from: profile, library, packages, data.

    Of the library, only what the notebook's cells use counts; a docstring does not. The code of the
    cells themselves is in jupyter-cache's own key, too.

    Args:
        notebook: its code cells are read.
        profile: ``"smoke"``, ``"cpu"`` or ``"gpu"``.
    """
    imports = code_hash(sources=[python_of(notebook)])
    state = "\x1f".join([profile, imports, _data_state(os.environ.get("CVGEN_DATA"))])
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def python_of(notebook: nbformat.NotebookNode) -> str:
    """Return the code of all cells as Python: without IPython's magics."""
    cells = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    return "\n".join(MAGIC.sub(r"\1pass", source) for source in cells)


def _data_state(folder: str | None) -> str:
    """Return names, sizes and times of the files in a folder of real data.

    The embedded sets are made by the package, so that its code already stands for them.
    """
    if not folder:
        return ""
    root = Path(folder).expanduser()
    states = (
        (path.relative_to(root), path.stat()) for path in sorted(root.rglob("*")) if path.is_file()
    )
    return "\n".join(
        f"{path.as_posix()} {state.st_size} {state.st_mtime_ns}"
        for path, state in states
        if is_content(path)
    )
