"""A submitted notebook beside the released one: the student's work stays, the rest is put back."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable
from typing import Any

import nbformat
from nbformat import NotebookNode

from cvgen_course.grading.submissions import printable
from cvgen_course.notebooks.cells import grade_id, is_check, is_solution

CELL_TYPES = ("code", "markdown", "raw")


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
    result = [_restored(cell, chosen.get(i), wanted, remarks) for i, cell in enumerate(cells)]
    anchored = [(chosen.get(i, ""), cell) for i, cell in enumerate(result) if cell is not None]
    anchored = _ordered(anchored, list(wanted), remarks)
    anchored = _completed(anchored, wanted, remarks)
    final = _with_lecture_code([cell for _, cell in anchored], released, remarks)
    _restore_tags(final, released)
    number_cells(final)
    notebook = nbformat.v4.new_notebook(cells=final, metadata=copy.deepcopy(released.metadata))
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook, remarks


def cleaned(cell: Any) -> NotebookNode | None:
    """Return a valid cell with a student's source, flags and id, or None where that is no cell.

    The flags stay in ``metadata.nbgrader`` until `_restored` replaces them.
    """
    if not isinstance(cell, dict) or cell.get("cell_type") not in CELL_TYPES:
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    new = _new_cell(cell["cell_type"], source.encode("utf-8", "replace").decode("utf-8"))
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


def _new_cell(cell_type: str, source: str) -> NotebookNode:
    """Return an empty cell of a type."""
    return getattr(nbformat.v4, f"new_{cell_type}_cell")(source=source)


def match(
    cells: list[NotebookNode],
    released: NotebookNode,
    wanted: dict[str, NotebookNode],
    remarks: list[str],
) -> dict[int, str]:
    """Return which submitted cell stands for which graded one: position → ``grade_id``.

    A cell is known by its name in the gradebook, else by its id, else by its locked source, else by
    the function that it defines.
    """
    claims: dict[str, list[int]] = {name: [] for name in wanted}
    for i, cell in enumerate(cells):
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in claims:
            claims[name].append(i)
        elif name and cell.metadata["nbgrader"]["grade"]:
            remarks.append(f"A cell calls itself graded as {_shorten(name)}; it is not.")
    taken = {i for positions in claims.values() for i in positions}
    for name, cell in wanted.items():
        if claims[name]:
            continue
        found = [i for i, c in enumerate(cells) if i not in taken and _stands_for(c, cell)]
        if found:
            claims[name] = found[-1:]
            taken.add(found[-1])
            remarks.append(f"The cell {name} had lost its name; it was recognised.")
    chosen = {}
    for name, positions in claims.items():
        if len(positions) > 1:
            remarks.append(f"The cell {name} was there {len(positions)} times; one counts.")
        if positions:
            chosen[_pick(cells, positions, wanted[name])] = name
    return chosen


def _stands_for(cell: NotebookNode, wanted: NotebookNode) -> bool:
    """Return whether a cell without a known name is a graded cell all the same."""
    if cell.id and cell.id == wanted.get("id"):
        return True
    if not is_solution(wanted):
        return bool(cell.source.strip()) and cell.source.strip() == wanted.source.strip()
    if wanted.cell_type != "code":
        return False
    return bool(set(_definitions(wanted.source)) & set(_definitions(cell.source)))


def _definitions(source: str) -> list[str]:
    """Return the functions and classes that a source defines; it need not be valid Python."""
    try:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return [node.name for node in ast.parse(source).body if isinstance(node, kinds)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.findall(r"^(?:async )?(?:def|class)\s+(\w+)", source, re.MULTILINE)


def _pick(cells: list[NotebookNode], positions: list[int], wanted: NotebookNode) -> int:
    """Return the copy that counts: the last that a student wrote in, else the released one."""
    if is_solution(wanted):
        written = [i for i in positions if cells[i].source.strip() != wanted.source.strip()]
        return (written or positions)[-1]
    original = [i for i in positions if cells[i].id == wanted.get("id")]
    return (original or positions)[0]


def _restored(
    cell: NotebookNode, name: str | None, wanted: dict[str, NotebookNode], remarks: list[str]
) -> NotebookNode | None:
    """Return a cell with its type, flags and locked source put back; None drops it."""
    claimed = cell.metadata.pop("nbgrader", {}).get("grade_id")
    if name is None:
        if claimed in wanted and not is_solution(wanted[claimed]):
            return None  # the copy of a locked cell: running it twice says nothing new
        return cell
    original = wanted[name]
    if cell.cell_type != original.cell_type:
        remarks.append(f"The cell {name} was turned into {cell.cell_type}; it was turned back.")
        attachments = cell.get("attachments")
        cell = _new_cell(original.cell_type, cell.source)
        if attachments and original.cell_type == "markdown":
            cell.attachments = attachments
    if not is_solution(original) and cell.source != original.source:
        remarks.append(f"The locked cell {name} was edited; it was put back.")
        cell.source = original.source
    cell.metadata = copy.deepcopy(original.metadata)
    cell.id = original.id
    return cell


Anchored = list[tuple[str, NotebookNode]]


def _ordered(anchored: Anchored, names: list[str], remarks: list[str]) -> Anchored:
    """Return the graded cells in the release's order, each with the extra ones that followed it."""
    present = [name for name, _ in anchored if name]
    if present == sorted(present, key=names.index):
        return anchored
    remarks.append("Graded cells had changed places; their order was put back.")
    groups: dict[str, Anchored] = {"": []}
    current = ""
    for name, cell in anchored:
        current = name or current
        groups.setdefault(current, []).append((name, cell))
    return [pair for name in ["", *names] for pair in groups.get(name, [])]


def _completed(anchored: Anchored, wanted: dict[str, NotebookNode], remarks: list[str]) -> Anchored:
    """Return the cells with missing graded ones put back behind the graded cell before them."""
    anchored = list(anchored)
    place = -1
    for name, original in wanted.items():
        positions = [i for i, (there, _) in enumerate(anchored) if there == name]
        if positions:
            place = positions[0]
            continue
        missing = copy.deepcopy(original)
        if not is_solution(original):
            remarks.append(f"The cell {name} was missing; it was put back.")
        elif _defined_in(anchored, original):
            missing.source = "# The answer stands in another cell."
            remarks.append(f"The answer {name} was found in another cell.")
        else:
            remarks.append(f"The answer {name} was missing; an empty one was put back.")
        # A check follows the student's own cells: they may be what it checks.
        if is_check(original):
            while place + 1 < len(anchored) and not anchored[place + 1][0]:
                place += 1
        place += 1
        anchored.insert(place, (name, missing))
    return anchored


def _defined_in(anchored: Anchored, original: NotebookNode) -> bool:
    """Return whether some code cell defines what a missing answer cell should."""
    wanted = set(_definitions(original.source)) if original.cell_type == "code" else set()
    code = (cell.source for _, cell in anchored if cell.cell_type == "code")
    return bool(wanted) and wanted <= {name for source in code for name in _definitions(source)}


def _with_lecture_code(
    cells: list[NotebookNode], released: NotebookNode, remarks: list[str]
) -> list[NotebookNode]:
    """Return the cells with the lecture's other code cells, such as its imports, put back."""
    cells, missing, place = list(cells), 0, -1
    for original in released.cells:
        text = original.source.strip()
        there = [i for i, c in enumerate(cells) if c.id == original.id or c.source.strip() == text]
        if there:
            place = there[0]
        elif original.cell_type == "code":
            place += 1
            cells.insert(place, copy.deepcopy(original))
            missing += 1
    if missing:
        remarks.append(f"{missing} of the lecture's code cells were missing; they were put back.")
    return cells


def _restore_tags(cells: Iterable[NotebookNode], released: NotebookNode) -> None:
    """Give the lecture's ungraded cells their tags back, e.g. ``raises-exception``."""
    plain = [cell for cell in released.cells if not grade_id(cell)]
    by_id = {cell.id: cell for cell in plain}
    by_source = {cell.source: cell for cell in plain if cell.source.strip()}
    for cell in cells:
        if grade_id(cell):
            continue
        original = by_id.get(cell.id) or by_source.get(cell.source)
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


def _shorten(text: str, length: int = 60) -> str:
    """Return a student's text for use within a sentence."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
