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
from cvgen_course.grading.match import cleaned, lecture_places, match, parsed
from cvgen_course.grading.remarks import bounded
from cvgen_course.grading.repair import number_cells
from cvgen_course.grading.submissions import parse_notebook, read_bytes
from cvgen_course.grading.written import gather_written
from cvgen_course.notebooks.cells import grade_id, is_solution, plain, unix_lines
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
    for cell in fresh.cells:
        cell.source = unix_lines(cell.source)
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
    cells, chosen = gather_written(cells, chosen, lecture, remarks)
    answers = {
        name: cells[i]
        for i, name in chosen.items()
        if is_solution(wanted[name]) and not _is_blank(cells[i])
    }
    own = _own_cells(cells, chosen, lecture)
    result = copy.deepcopy(lecture)
    for cell in cells:
        cell.metadata.pop("nbgrader", None)
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
        *_changes(cells, chosen, lecture, answers),
        *bounded(remarks),
    ]


def _own_cells(
    cells: list[NotebookNode], chosen: dict[int, str], lecture: NotebookNode
) -> dict[str, list[NotebookNode]]:
    """Return the cells that only the student has, by the id of the lecture's cell before them.

    Pieces of an answer cell that was split are among them, and answers that are no longer asked.
    """
    copied = {plain(cell.source) for cell in lecture.cells}
    found: dict[str, list[NotebookNode]] = {}
    place = ""
    for cell, there in zip(cells, lecture_places(cells, chosen, lecture), strict=True):
        flags = cell.metadata.get("nbgrader", {})
        is_old_check = cell.cell_type == "code" and flags.get("grade", False)
        if there is not None:
            place = lecture.cells[there].id
        elif is_old_check or plain(cell.source) in copied or (flags and _is_blank(cell)):
            continue
        elif plain(cell.source):
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
    cells: list[NotebookNode],
    chosen: dict[int, str],
    lecture: NotebookNode,
    answers: dict[str, NotebookNode],
) -> list[str]:
    """Return what reads differently in the lecture than in the student's notebook."""
    remarks = []
    for cell in lecture.cells:
        name = grade_id(cell)
        if name in answers:
            mine = _heads(answers[name].source)
            if any(mine.get(asked) != head for asked, head in _heads(cell.source).items()):
                remarks.append(f"{name}: compare its first line and docstring with the lecture's.")
    places = lecture_places(cells, chosen, lecture)
    other = sum(
        plain(cell.source) != plain(lecture.cells[place].source)
        for cell, place in zip(cells, places, strict=True)
        if place is not None and not grade_id(lecture.cells[place])
    )
    if other:
        remarks.append(
            f"{other} of the lecture's own cells read differently in your notebook (changed by you "
            "or by the update); the lecture's are taken."
        )
    return remarks


Definition = ast.FunctionDef | ast.AsyncFunctionDef


def _heads(source: str) -> dict[str, tuple[str, str | None]]:
    """Return the functions and methods that a source offers: arguments and docstring by name."""
    tree = parsed(source)
    owners: list[tuple[str, list[ast.stmt]]] = [("", tree.body)] if tree else []
    owners += [
        (node.name, node.body)
        for node in (tree.body if tree else [])
        if isinstance(node, ast.ClassDef)
    ]
    return {
        f"{owner}.{node.name}": (ast.unparse(node.args), ast.get_docstring(node))
        for owner, body in owners
        for node in body
        if isinstance(node, Definition)
    }


def _is_blank(cell: NotebookNode) -> bool:
    """Return whether an answer cell is empty, or as it was released: nothing can be lost there."""
    if cell.cell_type != "code":
        return plain(cell.source) in ("", TEXT_STUB)
    tree = parsed(cell.source)
    if tree is None:
        return False
    answered = [node for node in tree.body if not _is_docstring(node)]
    return not plain(cell.source) or (bool(answered) and all(map(_is_stub, answered)))


def _is_stub(node: ast.stmt) -> bool:
    """Return whether a statement is as the lecture has it before somebody answers."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, Definition | ast.ClassDef):
        body = [inner for inner in node.body if not _is_docstring(inner)]
        return bool(body) and all(map(_is_stub, body))
    return ast.unparse(node) == BLANK


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
