"""A student's answers in a fresh copy of the lecture: after an update, or when a notebook broke."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines

from cvgen_course.errors import SubmissionError
from cvgen_course.files import is_content, write
from cvgen_course.grading.repair import cleaned, match, number_cells
from cvgen_course.grading.submissions import parse_notebook, read_bytes
from cvgen_course.notebooks.cells import grade_id, is_solution
from cvgen_course.notebooks.regions import CODE_STUB, TEXT_STUB

BLANK = ast.unparse(ast.parse(CODE_STUB))


def renew_files(mine: Path, lecture: Path) -> Iterator[tuple[Path, list[str]]]:
    """Write a student's answers into fresh lectures. The student's own files stay as they are.

    Args:
        mine: a notebook with answers, or a folder that holds some as ``lectures/`` does.
        lecture: the notebook as it was released, or the folder of all; each file is replaced in
            one step.

    Yields:
        Each file that was written, with sentences on what was taken over and what needs a look.

    Raises:
        SubmissionError: there is nothing to renew, one file is no notebook, or a lecture holds
            other answers already.
    """
    if mine.is_dir() != lecture.is_dir():
        raise SubmissionError(f"{mine} and {lecture}: expected two notebooks or two folders")
    if not mine.is_dir():
        yield lecture, renew_file(mine, lecture)
        return
    places = [path.relative_to(lecture) for path in sorted(lecture.glob("*/*.ipynb"))]
    places = [place for place in places if is_content(place) and (mine / place).is_file()]
    if not places:
        raise SubmissionError(f"{mine}: expected <chapter>/<name>.ipynb as in {lecture}, got none")
    for place in places:
        yield lecture / place, renew_file(mine / place, lecture / place)


def renew_file(mine: Path, lecture: Path) -> list[str]:
    """Write a student's answers into one fresh lecture, as `renew_files` does."""
    old, fresh = _read(mine), rejoin_lines(_read(lecture))
    notebook, remarks = renew(old, fresh)
    written = {c.id: c.source for c in fresh.cells if is_solution(c) and not _is_blank(c)}
    lost = [grade_id(c) for c in notebook.cells if written.get(c.id, c.source) != c.source]
    if lost:
        raise SubmissionError(
            f"{lecture}: expected a lecture without answers, got one with other answers to "
            f"{', '.join(lost)}. Nothing was written; take a fresh copy of the lecture."
        )
    write(lecture, nbformat.writes(notebook) + "\n")
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
    remarks: list[str] = []
    chosen = match(cells, lecture, wanted, remarks)
    answers = {
        name: cells[i]
        for i, name in chosen.items()
        if is_solution(wanted[name]) and not _is_blank(cells[i])
    }
    own = _own_cells(cells, chosen, lecture)
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
    number = sum(map(len, own.values()))
    return result, [
        *_summary(answers, wanted, number),
        *_changes(cells, lecture, answers),
        *remarks,
    ]


def _own_cells(
    cells: list[NotebookNode], chosen: dict[int, str], lecture: NotebookNode
) -> dict[str, list[NotebookNode]]:
    """Return the cells that only the student has, by the id of the lecture's cell before them.

    Pieces of an answer cell that was split are among them, and answers that are no longer asked.
    """
    by_name = {grade_id(cell): cell.id for cell in lecture.cells if grade_id(cell)}
    ids = {cell.id for cell in lecture.cells if not grade_id(cell)}
    by_source = {cell.source: cell.id for cell in lecture.cells}
    found: dict[str, list[NotebookNode]] = {}
    place = ""
    for i, cell in enumerate(cells):
        flags = cell.metadata.pop("nbgrader", {})
        is_old_check = cell.cell_type == "code" and flags.get("grade", False)
        if i in chosen:
            place = by_name[chosen[i]]
        elif cell.id in ids or cell.source in by_source:
            place = cell.id if cell.id in ids else by_source[cell.source]
        elif cell.source.strip() and not is_old_check and not (flags and _is_blank(cell)):
            found.setdefault(place, []).append(cell)
    return found


def _summary(
    answers: dict[str, NotebookNode], wanted: dict[str, NotebookNode], number: int
) -> list[str]:
    """Return what was taken over: answers, and a number of the student's own cells."""
    names = [name for name, cell in wanted.items() if is_solution(cell)]
    remarks = [
        f"{len(answers)} of {len(names)} answers taken over: {', '.join(answers) or 'none'}."
    ]
    empty = [name for name in names if name not in answers]
    if empty:
        remarks.append(f"Still empty: {', '.join(empty)}.")
    if number:
        remarks.append(f"{number} cells that the lecture does not have were kept in their places.")
    return remarks


def _changes(
    cells: list[NotebookNode], lecture: NotebookNode, answers: dict[str, NotebookNode]
) -> list[str]:
    """Return what reads differently in the lecture than in the student's notebook."""
    remarks = []
    for cell in lecture.cells:
        name = grade_id(cell)
        if name in answers and _heads(cell.source) != _heads(answers[name].source):
            remarks.append(f"{name}: compare its first line and docstring with the lecture's.")
    theirs = {cell.id: cell.source for cell in lecture.cells if not grade_id(cell)}
    other = sum(theirs.get(cell.id, cell.source) != cell.source for cell in cells)
    if other:
        remarks.append(
            f"{other} of the lecture's own cells read differently in your notebook (changed by you "
            "or by the update); the lecture's are taken."
        )
    return remarks


def _heads(source: str) -> list[tuple[str, str | None]]:
    """Return what functions a source defines: their arguments and docstrings."""
    return [(ast.unparse(f.args), ast.get_docstring(f)) for f in _functions(source)]


def _functions(source: str) -> list[ast.FunctionDef]:
    """Return all functions that a source defines; none where it is no valid Python."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node for node in nodes if isinstance(node, ast.FunctionDef)]


def _is_blank(cell: NotebookNode) -> bool:
    """Return whether an answer cell is empty, or as it was released: nothing can be lost there."""
    if cell.cell_type != "code":
        return cell.source.strip() in ("", TEXT_STUB)
    bodies = [
        [node for node in function.body if not _is_docstring(node)]
        for function in _functions(cell.source)
    ]
    stubs = [len(body) == 1 and ast.unparse(body[0]) == BLANK for body in bodies]
    return not cell.source.strip() or (bool(stubs) and all(stubs))


def _is_docstring(node: ast.stmt) -> bool:
    """Return whether a statement is a text and nothing else."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _read(path: Path) -> NotebookNode:
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
            f"{path}: {error} JupyterLab keeps what you last saved yourself in .ipynb_checkpoints/ "
            "beside it; try that file."
        ) from error
