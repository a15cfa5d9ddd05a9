"""A student's answers in a fresh copy of the lecture: after an update, or when a notebook broke."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines

from ..errors import SubmissionError
from .cells import grade_id, is_solution
from .course import write_atomically
from .repair import cleaned, match, number_cells
from .submissions import parse_notebook, read_bytes

STUBS = ("YOUR CODE HERE", "YOUR ANSWER HERE")


def renew_file(mine: Path, lecture: Path) -> list[str]:
    """Write a student's answers into a fresh lecture. The student's own file stays as it is.

    Args:
        mine: the notebook with the answers.
        lecture: the notebook as it was released; it is replaced in one step.

    Returns:
        Sentences on what was taken over and what needs a look.

    Raises:
        SubmissionError: one of them is no notebook, or ``lecture`` holds other answers already.
    """
    old, fresh = read(mine), rejoin_lines(read(lecture))
    notebook, remarks = renew(old, fresh)
    written = {c.id: c.source for c in fresh.cells if is_solution(c) and not blank(c)}
    lost = [grade_id(c) for c in notebook.cells if written.get(c.id, c.source) != c.source]
    if lost:
        raise SubmissionError(
            f"{lecture}: expected a lecture without answers, got one with other answers to "
            f"{', '.join(lost)}. Nothing was written; take a fresh copy of the lecture."
        )
    write_atomically(lecture, nbformat.writes(notebook) + "\n")
    return remarks


def renew(mine: NotebookNode, lecture: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return the lecture with a student's answers and own cells in it.

    Everything else (text, examples, checks) is the lecture's. An answer is known by its name in
    the gradebook, else by its cell's id or by the function that it defines.

    Returns:
        A new notebook without outputs, and sentences on what was taken over.
    """
    cells = [clean for cell in mine.cells if (clean := cleaned(cell)) is not None]
    wanted = {grade_id(cell): cell for cell in lecture.cells if grade_id(cell)}
    chosen = match(cells, lecture, wanted, remarks=[])
    answers = {name: cells[i] for i, name in chosen.items() if is_solution(wanted[name])}
    own = own_cells(cells, chosen, lecture)
    result = copy.deepcopy(lecture)
    final = list(own.get("", []))
    for cell in result.cells:
        answer = answers.get(grade_id(cell))
        if answer is not None:
            cell.source = answer.source
            if "attachments" in answer and cell.cell_type == "markdown":
                cell.attachments = answer.attachments
        final += [cell, *own.get(cell.id, [])]
    number_cells(final)
    result.cells = final
    return result, remarks_on(answers, wanted, sum(map(len, own.values())))


def own_cells(
    cells: list[NotebookNode], chosen: dict[int, str], lecture: NotebookNode
) -> dict[str, list[NotebookNode]]:
    """Return the cells that a student added, by the id of the lecture's cell before them."""
    by_name = {grade_id(cell): cell.id for cell in lecture.cells if grade_id(cell)}
    ids = {cell.id for cell in lecture.cells}
    by_source = {cell.source: cell.id for cell in lecture.cells}
    found: dict[str, list[NotebookNode]] = {}
    place = ""
    for i, cell in enumerate(cells):
        flags = cell.metadata.pop("nbgrader", {})
        if i in chosen:
            place = by_name[chosen[i]]
        elif cell.id in ids or cell.source in by_source:
            place = cell.id if cell.id in ids else by_source[cell.source]
        elif cell.source.strip() and not flags:
            found.setdefault(place, []).append(cell)
    return found


def remarks_on(
    answers: dict[str, NotebookNode], wanted: dict[str, NotebookNode], extra: int
) -> list[str]:
    """Return what a student should know about a renewed notebook."""
    solved = [name for name, cell in answers.items() if not blank(cell)]
    names = [name for name, cell in wanted.items() if is_solution(cell)]
    remarks = [f"{len(solved)} of {len(names)} answers taken over: {', '.join(solved) or 'none'}."]
    empty = [name for name in names if name not in solved]
    if empty:
        remarks.append(f"Still empty: {', '.join(empty)}.")
    if extra:
        remarks.append(f"{extra} cells that the lecture does not have were kept in their places.")
    return remarks


def blank(cell: NotebookNode) -> bool:
    """Return whether nobody has written in a solution cell."""
    return not cell.source.strip() or any(stub in cell.source for stub in STUBS)


def read(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises:
        SubmissionError: there is none, or it can't be read.
    """
    if not path.exists():
        raise SubmissionError(f"{path}: no such file")
    try:
        return parse_notebook(read_bytes(path))
    except SubmissionError as error:
        raise SubmissionError(
            f"{path}: {error} JupyterLab keeps the last saved state in .ipynb_checkpoints/ beside "
            "it; try that file."
        ) from error
