"""The lecture's cells in the lecture's order again, with a student's own cells where they work."""

from __future__ import annotations

import symtable
import warnings
from bisect import bisect_left
from typing import NamedTuple

from nbformat import NotebookNode

from cvgen_course.notebooks.cells import check_call, grade_id


class Placed(NamedTuple):
    """A cell of a submission.

    Attributes:
        cell: the cell.
        place: its position in the lecture; None for a student's own cell.
    """

    cell: NotebookNode
    place: int | None


def put_in_order(cells: list[Placed], remarks: list[str]) -> list[Placed]:
    """Return the cells with the lecture's ones in the lecture's order.

    As few of them as possible move. A student's own cell stays behind the cell that it followed,
    unless that would part it from what it uses, or what uses it from it. Where all code is in order
    nothing moves.
    """
    code = [p.place for p in cells if p.place is not None and _runs(p.cell)]
    if code == sorted(code):
        return cells
    graded = [p.place for p in cells if p.place is not None and grade_id(p.cell)]
    what = "Cells of the lecture" if graded == sorted(graded) else "Graded cells"
    remarks.append(f"{what} had changed places; their order was put back.")
    anchors = _anchors(cells)
    order = sorted(
        range(len(cells)),
        key=lambda i: (anchors[i], cells[i].place is None, i),
    )
    return [cells[i] for i in order]


def _runs(cell: NotebookNode) -> bool:
    """Return whether a cell's place matters."""
    return cell.cell_type == "code" or bool(grade_id(cell))


def _anchors(cells: list[Placed]) -> list[int]:
    """Return for each cell the place in the lecture that it gets, or that it comes behind."""
    anchors = _followed(cells)
    names = [_names(p.cell) for p in cells]
    lecture = [(i, p.place, names[i]) for i, p in enumerate(cells) if p.place is not None]
    read_behind: dict[str, int] = {}  # where the first own cell stands that reads a name
    for i in reversed(range(len(cells))):
        if cells[i].place is not None:
            continue
        binds, uses = names[i]
        # Behind the lecture's cells that it followed and that bind what it uses, or binds again …
        before = [(p, n.binds) for k, p, n in lecture if k < i and n.binds & (binds | uses)]
        rebound = set[str]().union(*(bound for _, bound in before))
        lowest = max((place for place, _ in before), default=-1)
        # … and before all cells that read what it binds.
        readers = [
            place - 1
            for k, place, n in lecture
            if n.uses & binds - rebound or (n.uses & binds and k > i and place > lowest)
        ]
        readers += [read_behind[name] for name in binds & read_behind.keys()]
        anchors[i] = max(lowest, min([anchors[i], *readers]))
        read_behind |= {name: min(read_behind.get(name, anchors[i]), anchors[i]) for name in uses}
    return anchors


def _followed(cells: list[Placed]) -> list[int]:
    """Return each cell's place in the lecture, or that of the cell which an own cell follows.

    Of a cell that moves, only such own cells follow that stand between it and the one that comes
    next in the lecture.
    """
    known = [(i, p.place) for i, p in enumerate(cells) if p.place is not None]
    stay = {known[k][0] for k in _longest_increasing([place for _, place in known])}
    following = dict(
        zip(sorted(p for _, p in known), sorted(p for _, p in known)[1:], strict=False)
    )
    anchors, last, last_staying = [], -1, -1
    upcoming = iter([place for _, place in known] + [None])
    after = next(upcoming)
    for i, (_, place) in enumerate(cells):
        if place is not None:
            last, after = place, next(upcoming)
            last_staying = place if i in stay else last_staying
            anchors.append(place)
        else:
            together = last in following and following[last] == after
            anchors.append(last if together else last_staying)
    return anchors


def _longest_increasing(values: list[int]) -> list[int]:
    """Return the positions of a longest increasing subsequence (by patience sorting)."""
    tails: list[int] = []  # the smallest last value of a subsequence of each length
    ends: list[int] = []  # and where it stands
    previous = [-1] * len(values)
    for i, value in enumerate(values):
        length = bisect_left(tails, value)
        previous[i] = ends[length - 1] if length else -1
        tails[length : length + 1] = [value]
        ends[length : length + 1] = [i]
    chain = []
    i = ends[-1] if ends else -1
    while i >= 0:
        chain.append(i)
        i = previous[i]
    return chain[::-1]


class _Names(NamedTuple):
    """The global names that a cell binds and uses, within functions too."""

    binds: set[str]
    uses: set[str]


def _names(cell: NotebookNode) -> _Names:
    """Return a cell's global names; none where it is no valid Python."""
    if cell.cell_type != "code":
        return _Names(set(), set())
    lines = (line for line in cell.source.split("\n") if not line.startswith(("%", "!")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable("\n".join(lines), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Names(set(), set())
    binds = {
        s.get_name()
        for s in top.get_symbols()
        if s.is_assigned() or s.is_imported() or s.is_namespace()
    }
    uses = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        inner += table.get_children()
        uses |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    call = check_call(cell.source)  # a check takes the student's function by its name
    return _Names(binds, uses | ({call.name} if call else set()))
