"""The authored Markdown and its notebook: the same cells, stable ids, no outputs."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from pathlib import Path

import jupytext
import nbformat
from jupytext.combine import combine_inputs_with_outputs
from nbformat import NotebookNode

from cvgen_course.errors import ReleaseError
from cvgen_course.notebooks.cells import grade_id

FORMATS = "ipynb,md:myst"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
JUPYTEXT_VERSION = re.compile(r"^ *jupytext_version: .*\n", re.MULTILINE)


def read_markdown(markdown: Path) -> NotebookNode:
    """Return the notebook that an authored Markdown file is, as Jupytext reads it.

    A byte order mark and Windows' line ends, which some editors write, are no part of the text.

    Raises:
        ReleaseError: the text is no Jupytext MyST notebook.
    """
    try:
        return jupytext.reads(markdown.read_text(encoding="utf-8-sig"), fmt="md:myst")
    except Exception as error:
        raise ReleaseError(f"{markdown}: expected a Jupytext MyST notebook: {error}") from error


def read_source(markdown: Path, notebook: Path) -> NotebookNode:
    """Return the notebook of an authored Markdown file.

    Args:
        markdown: the authored text; it alone says what the cells are.
        notebook: its pair, if there is one: cells that stand there already keep their ids.

    Raises:
        ReleaseError: the text is no Jupytext MyST notebook.
    """
    source = read_markdown(markdown)
    before = _read_notebook(notebook)
    if before is not None:
        source = combine_inputs_with_outputs(source, before, fmt="md:myst")
    source.metadata.setdefault("jupytext", {}).setdefault("formats", FORMATS)
    return tidied(source, keep_ids=before is not None and {cell.id for cell in before.cells})


def _read_notebook(path: Path) -> NotebookNode | None:
    """Return a notebook in today's format, or None where there is no readable one."""
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if content.get("nbformat") != 4 or content.get("nbformat_minor", 0) < 5:
            return None
        return nbformat.reads(text, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return None


def tidied(notebook: NotebookNode, keep_ids: set[str] | bool = False) -> NotebookNode:
    """Return a notebook without outputs, with ids that the next run makes again.

    Args:
        notebook: any notebook.
        keep_ids: the ids that stay (True: all); others are made from the cells' content.
    """
    cells: list[NotebookNode] = []
    used: set[str] = set()
    for cell in copy.deepcopy(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        stays = keep_ids is True or (keep_ids and cell.get("id") in keep_ids)
        if not stays or cell.id in used:
            cell.id = _new_id(cell, used)
        used.add(cell.id)
        cells.append(cell)
    settings = dict(notebook.metadata.get("jupytext", {}))
    settings.pop("text_representation", None)
    metadata = {
        "jupytext": settings,
        "kernelspec": dict(notebook.metadata.get("kernelspec", KERNEL)),
    }
    tidy = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    tidy.nbformat_minor = 5
    return tidy


def _new_id(cell: NotebookNode, used: set[str]) -> str:
    """Return a cell id that follows from the cell: its name in the gradebook, else its text."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", grade_id(cell))[:50]
    stem = name or hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
    number, candidate = 1, stem
    while candidate in used:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def to_json(notebook: NotebookNode) -> str:
    """Return a notebook as the text of an ``.ipynb`` file, the same for the same notebook."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4) + "\n"


def to_markdown(notebook: NotebookNode) -> str:
    """Return a notebook's Jupytext pair.

    Raises:
        ReleaseError: a cell does not survive the way to Markdown and back.
    """
    text = JUPYTEXT_VERSION.sub("", jupytext.writes(copy.deepcopy(notebook), fmt="md:myst"))
    back = jupytext.reads(text, fmt="md:myst").cells
    for cell, again in zip(notebook.cells, back, strict=False):
        if (cell.cell_type, cell.source, cell.metadata) != (
            again.cell_type,
            again.source,
            again.metadata,
        ):
            raise ReleaseError(
                f"a {cell.cell_type} cell does not survive Markdown (is it empty, does it hold "
                f"a line '+++' or begin with a blank one?): {cell.source[:80]!r}"
            )
    if len(back) != len(notebook.cells):
        raise ReleaseError(f"Markdown: expected {len(notebook.cells)} cells, got {len(back)}")
    return text if text.endswith("\n") else f"{text}\n"
