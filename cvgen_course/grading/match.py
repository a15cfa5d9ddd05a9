"""Which cell of a submitted notebook is which cell of the lecture."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

import nbformat
from nbformat import NotebookNode

from cvgen_course.grading.remarks import listed, printable, shortened
from cvgen_course.notebooks.cells import grade_id, is_solution, is_written, plain, unix_lines

CELL_TYPES = ("code", "markdown", "raw")


def cleaned(cell: Any) -> NotebookNode | None:
    """Return a valid cell with a student's source, flags and id, or None where that is no cell.

    The source's lines end as the lecture's do. The flags stay in ``metadata.nbgrader`` until the
    cell gets those of the release.
    """
    if not isinstance(cell, dict) or cell.get("cell_type") not in CELL_TYPES:
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    source = unix_lines(source.encode("utf-8", "replace").decode("utf-8"))
    new = new_cell(cell["cell_type"], source)
    new.id = cell["id"] if isinstance(cell.get("id"), str) else ""
    metadata = cell.get("metadata")
    flags = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(flags, dict) and isinstance(flags.get("grade_id"), str):
        new.metadata["nbgrader"] = {
            "grade_id": flags["grade_id"],
            "grade": bool(flags.get("grade")),
        }
    attachments = cell.get("attachments")
    if cell["cell_type"] == "markdown" and _valid_attachments(attachments):
        new.attachments = attachments
    return new


def _valid_attachments(attachments: Any) -> bool:
    """Return whether pictures in a Markdown cell have nbformat's form: name → MIME type → text."""
    return isinstance(attachments, dict) and all(
        isinstance(bundle, dict) and all(isinstance(data, str) for data in bundle.values())
        for bundle in attachments.values()
    )


def new_cell(cell_type: str, source: str) -> NotebookNode:
    """Return a cell of a type, for a notebook that gives it an id and is looked at as a whole."""
    cell: dict[str, Any] = {"cell_type": cell_type, "id": "", "metadata": {}, "source": source}
    if cell_type == "code":
        cell |= {"outputs": [], "execution_count": None}
    return nbformat.from_dict(cell)


def claimed(cell: NotebookNode) -> str:
    """Return the name in the gradebook that a student's cell gives itself, or an empty text."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def match(
    cells: list[NotebookNode],
    released: NotebookNode,
    wanted: dict[str, NotebookNode],
    remarks: list[str],
) -> dict[int, str]:
    """Return which submitted cell stands for which graded one: position → ``grade_id``.

    A cell is known by its name in the gradebook, else by its id, else by its locked source, else by
    the function that it defines. Of several copies of an answer the last counts that a student
    wrote in.
    """
    claims: dict[str, list[int]] = {name: [] for name in wanted}
    strangers = []
    solutions = [cell for cell in wanted.values() if is_solution(cell)]
    answers = {n for c in solutions if c.cell_type == "code" for n in definitions(c.source)}
    for i, cell in enumerate(cells):
        name = claimed(cell)
        locked = name in wanted and not is_solution(wanted[name])
        if locked and cell.cell_type == "code" and answers & set(definitions(cell.source)):
            del cell.metadata["nbgrader"]  # an answer, whatever it calls itself
            continue
        if name in claims:
            claims[name].append(i)
        elif name and cell.metadata["nbgrader"]["grade"]:
            strangers.append(shortened(printable(name), 60))
    if len(strangers) == 1:
        remarks.append(f"A cell calls itself graded as {strangers[0]}; it is not.")
    elif strangers:
        remarks.append(f"Cells call themselves graded as {listed(strangers)}; they are not.")
    taken = {i for positions in claims.values() for i in positions}
    names: dict[int, set[str]] = {}
    if not all(claims.values()):
        code = ((i, cell) for i, cell in enumerate(cells) if i not in taken)
        names = {i: set(definitions(cell.source)) for i, cell in code}
    for name, cell in wanted.items():
        if claims[name]:
            continue
        asked = set(definitions(cell.source)) if cell.cell_type == "code" else set()
        found = [
            i for i in names if i not in taken and _stands_for(cells[i], cell, names[i], asked)
        ]
        if found:
            claims[name] = found[:1] if is_written(cell) else found[-1:]
            taken.update(claims[name])
            remarks.append(f"The cell {name} had lost its name; it was recognised.")
    chosen = {}
    for name, positions in claims.items():
        texts = {plain(cells[i].source) for i in positions} - {plain(wanted[name].source), ""}
        if len(positions) > 1 and not (is_written(wanted[name]) and len(texts) > 1):
            remarks.append(f"The cell {name} was there {len(positions)} times; one counts.")
        if positions:
            chosen[_pick(cells, positions, wanted[name])] = name
    return chosen


def _stands_for(
    cell: NotebookNode, wanted: NotebookNode, defined: set[str], asked: set[str]
) -> bool:
    """Return whether a cell without a known name is a graded cell all the same."""
    if cell.id and cell.id == wanted.get("id"):
        return True
    if is_written(wanted):  # one as it was released: any other may be anything
        return plain(cell.source) == plain(wanted.source)
    if not is_solution(wanted):
        return bool(plain(cell.source)) and plain(cell.source) == plain(wanted.source)
    return bool(asked & defined)


def definitions(source: str) -> list[str]:
    """Return the functions and classes that a source defines; it need not be valid Python."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    tree = parsed(source)
    if tree is None:
        return re.findall(r"^(?:async )?(?:def|class)\s+(\w+)", source, re.MULTILINE)
    return [node.name for node in tree.body if isinstance(node, kinds)]


def parsed(source: str) -> ast.Module | None:
    """Return a student's source as a tree, or None where it is no valid Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's "\d" is no business of a teacher's screen
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _pick(cells: list[NotebookNode], positions: list[int], wanted: NotebookNode) -> int:
    """Return the copy that counts: the last that a student wrote in, else the released one."""
    if is_solution(wanted):
        written = [i for i in positions if plain(cells[i].source) != plain(wanted.source)]
        return (written or positions)[-1]
    original = [i for i in positions if cells[i].id == wanted.get("id")]
    return (original or positions)[0]


def lecture_places(
    cells: list[NotebookNode], chosen: dict[int, str], released: NotebookNode
) -> list[int | None]:
    """Return each cell's position in the lecture; None for a student's own cells.

    A graded cell is known as `match` chose it; another by its id, else by its source. Each cell of
    the lecture is found once.
    """
    by_name = {grade_id(cell): i for i, cell in enumerate(released.cells) if grade_id(cell)}
    places: list[int | None] = [
        by_name[chosen[i]] if i in chosen else None for i in range(len(cells))
    ]
    others = [i for i, cell in enumerate(released.cells) if not grade_id(cell)]
    for key in (lambda cell: cell.get("id", ""), lambda cell: plain(cell.source)):
        found = {i for i in places if i is not None}
        missing: dict[str, list[int]] = {}
        for i in others:
            if i not in found:
                missing.setdefault(key(released.cells[i]), []).append(i)
        for i, cell in enumerate(cells):
            if places[i] is None and key(cell) and missing.get(key(cell)):
                places[i] = missing[key(cell)].pop(0)
    return places
