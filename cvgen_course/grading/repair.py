"""A submitted notebook beside the released one: the student's work stays, the rest is put back."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable

import nbformat
from nbformat import NotebookNode

from cvgen_course.grading.match import (
    claimed,
    cleaned,
    definitions,
    lecture_places,
    match,
    new_cell,
    parsed,
)
from cvgen_course.grading.order import Placed, put_in_order
from cvgen_course.grading.remarks import bounded
from cvgen_course.grading.written import gather_written
from cvgen_course.notebooks.cells import grade_id, is_check, is_solution, is_written, plain
from cvgen_course.notebooks.regions import TEXT_STUB


def repair(submitted: NotebookNode, released: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return a notebook that can be graded, made from what a student handed in.

    Students' sources and extra cells stay, in their order. Cells that nbgrader knows get their
    type, flags, tags and, if locked, their source from the release; missing ones come back, copies
    lose their flags. All other metadata goes: the tag ``skip-execution`` would give full points.

    Args:
        submitted: any object with a list of ``cells``; nothing else is taken for granted.
        released: the lecture.

    Returns:
        A new valid notebook without outputs, and one sentence per thing that was put right.
    """
    remarks: list[str] = []
    cells = [clean for cell in submitted.cells if (clean := cleaned(cell)) is not None]
    if len(cells) < len(submitted.cells):
        remarks.append(f"{len(submitted.cells) - len(cells)} cells could not be read.")
    wanted = {grade_id(cell): cell for cell in released.cells if grade_id(cell)}
    chosen = match(cells, released, wanted, remarks)
    cells, chosen = gather_written(cells, chosen, released, remarks)
    places = lecture_places(cells, chosen, released)
    result = [_restored(cell, chosen.get(i), wanted, remarks) for i, cell in enumerate(cells)]
    placed = [Placed(c, p) for c, p in zip(result, places, strict=True) if c is not None]
    final = [cell for cell, _ in put_in_order(placed, remarks)]
    final = _completed(final, wanted, remarks)
    final = _with_lecture_code(final, released, remarks)
    _restore_tags(final, released)
    number_cells(final)
    notebook = nbformat.v4.new_notebook(cells=final, metadata=copy.deepcopy(released.metadata))
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook, bounded(remarks)


def _restored(
    cell: NotebookNode, name: str | None, wanted: dict[str, NotebookNode], remarks: list[str]
) -> NotebookNode | None:
    """Return a cell with its type, flags and locked source put back; None drops it."""
    known = claimed(cell)
    cell.metadata.pop("nbgrader", None)
    if name is None:
        if known in wanted and not is_solution(wanted[known]):
            return None  # the copy of a locked cell: running it twice says nothing new
        return cell
    original = wanted[name]
    if cell.cell_type != original.cell_type:
        remarks.append(f"The cell {name} was turned into {cell.cell_type}; it was turned back.")
        attachments = cell.get("attachments")
        cell = new_cell(original.cell_type, cell.source)
        if attachments and original.cell_type == "markdown":
            cell.attachments = attachments
    if not is_solution(original):
        if not _says_the_same(cell, original):
            remarks.append(f"The locked cell {name} was edited; it was put back.")
        cell.source = original.source
    elif is_written(original) and plain(cell.source) in ("", TEXT_STUB):
        cell.source = original.source  # nobody need read an answer that is none
    cell.metadata = copy.deepcopy(original.metadata)
    cell.id = original.id
    return cell


def _says_the_same(cell: NotebookNode, original: NotebookNode) -> bool:
    """Return whether a locked cell differs from the released one at most in its layout."""
    if plain(cell.source) == plain(original.source):
        return True
    if cell.cell_type != "code":
        return False
    mine, theirs = parsed(cell.source), parsed(original.source)
    return mine is not None and theirs is not None and ast.dump(mine) == ast.dump(theirs)


def _completed(
    cells: list[NotebookNode], wanted: dict[str, NotebookNode], remarks: list[str]
) -> list[NotebookNode]:
    """Return the cells with missing graded ones put back behind the graded cell before them."""
    cells = list(cells)
    place = -1
    for name, original in wanted.items():
        positions = [i for i, cell in enumerate(cells) if grade_id(cell) == name]
        if positions:
            place = positions[0]
            continue
        missing = copy.deepcopy(original)
        if not is_solution(original):
            remarks.append(f"The cell {name} was missing; it was put back.")
        elif _defined_in(cells, original):
            missing.source = "# The answer stands in another cell."
            remarks.append(f"The answer {name} was found in another cell.")
        else:
            remarks.append(f"The answer {name} was missing; an empty one was put back.")
        # A check follows the student's own cells: they may be what it checks.
        if is_check(original):
            while place + 1 < len(cells) and not grade_id(cells[place + 1]):
                place += 1
        place += 1
        cells.insert(place, missing)
    return cells


def _defined_in(cells: list[NotebookNode], original: NotebookNode) -> bool:
    """Return whether some code cell defines what a missing answer cell should."""
    wanted = set(definitions(original.source)) if original.cell_type == "code" else set()
    code = (cell.source for cell in cells if cell.cell_type == "code")
    return bool(wanted) and wanted <= {name for source in code for name in definitions(source)}


def _with_lecture_code(
    cells: list[NotebookNode], released: NotebookNode, remarks: list[str]
) -> list[NotebookNode]:
    """Return the cells with the lecture's other code cells, such as its imports, put back."""
    cells, missing, place = list(cells), 0, -1
    keys = [_keys(cell) for cell in cells]
    known = set().union(*keys)
    for original in released.cells:
        mine = _keys(original)
        if mine & known:
            place = next(i for i, theirs in enumerate(keys) if mine & theirs)
        elif original.cell_type == "code":
            place += 1
            cells.insert(place, copy.deepcopy(original))
            keys.insert(place, mine)
            known |= mine
            missing += 1
    if missing:
        remarks.append(f"{missing} of the lecture's code cells were missing; they were put back.")
    return cells


def _keys(cell: NotebookNode) -> set[tuple[str, str, str]]:
    """Return what a cell is known by: its id and its text, each with its type."""
    return {(cell.cell_type, "id", cell.id), (cell.cell_type, "text", plain(cell.source))}


def _restore_tags(cells: Iterable[NotebookNode], released: NotebookNode) -> None:
    """Give the lecture's ungraded cells their tags back, e.g. ``raises-exception``."""
    own = [cell for cell in released.cells if not grade_id(cell)]
    by_id = {cell.id: cell for cell in own}
    by_source = {plain(cell.source): cell for cell in own if plain(cell.source)}
    for cell in cells:
        if grade_id(cell):
            continue
        original = by_id.get(cell.id) or by_source.get(plain(cell.source))
        if original is not None and original.cell_type == cell.cell_type:
            cell.metadata = copy.deepcopy(original.metadata)


def number_cells(cells: Iterable[NotebookNode]) -> None:
    """Give every cell a valid id that no other cell has; graded ones keep theirs."""
    cells = list(cells)
    used = {cell.id for cell in cells if grade_id(cell)}
    for number, cell in enumerate(cells):
        if grade_id(cell):
            continue
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.id) or cell.id in used:
            cell.id = f"extra-{number}"
            while cell.id in used:
                cell.id += "-"
        used.add(cell.id)
