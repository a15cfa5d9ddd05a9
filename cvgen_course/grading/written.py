"""An answer in words that stands outside its cell: it goes where a teacher reads it.

nbgrader gives 0 points for an answer's cell that is as it was released, and shows it to nobody. So
a text that may be the answer has to stand in that cell.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from nbformat import NotebookNode

from cvgen_course.grading.match import claimed, lecture_places, new_cell, parsed
from cvgen_course.notebooks.cells import grade_id, is_written, plain
from cvgen_course.notebooks.regions import TEXT_STUB

PROSE = re.compile(r"[^\W\d_]+(?:,? +[^\W\d_]+){4}")  # five words in a row, as code seldom has them


class _Piece(NamedTuple):
    """A text that may be an answer, or a part of one.

    Attributes:
        position: of the cell that it stands in.
        text: in Markdown.
        moves: whether it is all that the cell holds, so that the cell need not stay.
    """

    position: int
    text: str
    moves: bool


def gather_written(
    cells: list[NotebookNode], chosen: dict[int, str], released: NotebookNode, remarks: list[str]
) -> tuple[list[NotebookNode], dict[int, str]]:
    """Put what may be a written answer into the answer's cell, where that is empty or missing.

    It is looked for in the student's own cells beside the question and at the notebook's end, and
    in what was written into the lecture's cells beside it. Copies of an answer's cell with several
    texts, as splitting it makes them, are put together.

    Args:
        cells: the student's cells.
        chosen: which of them are graded cells, as `match` returns it.
        released: the lecture.
        remarks: one sentence is added for each answer that was put together.

    Returns:
        The cells, and which of them are graded cells.
    """
    slots = [[(chosen.get(i, ""), cell)] for i, cell in enumerate(cells)]
    known = {name: i for i, name in chosen.items()}
    taken: set[int] = set()
    for place in (i for i, cell in enumerate(released.cells) if is_written(cell)):
        name = grade_id(released.cells[place])
        own = known.get(name)
        pieces = _copies(cells, name)
        if len(pieces) > 1:
            remarks.append(f"The answer {name} stood in {len(pieces)} cells; all of it counts.")
        elif own is not None and not _is_empty(cells[own]):
            continue
        else:
            found = _pieces(cells, chosen, released, place)
            pieces = [piece for piece in found if piece.position not in taken]
            if not pieces:
                continue
            where = f"{len(pieces)} other cells" if len(pieces) > 1 else "another cell"
            remarks.append(
                f"The cell of the answer {name} was {'missing' if own is None else 'empty'}; what "
                f"may be the answer was found in {where} and put there for a teacher to read."
            )
        answer = _joined(pieces, cells)
        taken |= {piece.position for piece in pieces}
        for piece in pieces:
            if piece.moves:
                slots[piece.position] = []
        if own is None:
            slots[pieces[0].position].append((name, answer))
        else:
            answer.id, answer.metadata = cells[own].id, copy.deepcopy(cells[own].metadata)
            slots[own] = [(name, answer)]
    pairs = [pair for slot in slots for pair in slot]
    return [cell for _, cell in pairs], {i: name for i, (name, _) in enumerate(pairs) if name}


def _is_empty(cell: NotebookNode) -> bool:
    """Return whether nobody has written into an answer's cell."""
    return plain(cell.source) in ("", TEXT_STUB)


def _copies(cells: list[NotebookNode], name: str) -> list[_Piece]:
    """Return the different texts in the copies of an answer's cell."""
    texts = {
        plain(cell.source): _Piece(i, _as_markdown(cell), True)
        for i, cell in enumerate(cells)
        if claimed(cell) == name and not _is_empty(cell)
    }
    return list(texts.values())


def _pieces(
    cells: list[NotebookNode], chosen: dict[int, str], released: NotebookNode, place: int
) -> Iterator[_Piece]:
    """Yield what may be the answer whose cell has this place in the lecture."""
    lecture = released.cells
    text = [i for i, c in enumerate(lecture) if c.cell_type == "markdown" and not grade_id(c)]
    question = max((i for i in text if i < place), default=place)
    end = len(lecture)
    places = lecture_places(cells, chosen, released)
    missing = place not in places  # whoever removed the cell has written elsewhere, if at all
    for i in {question - 1, question, place + 1, end - 1} & set(text) - set(places):
        _find_edited(cells, places, lecture[i], i)
    before = accumulate(places, lambda last, p: last if p is None else p, initial=-1)
    after = accumulate(reversed(places), lambda last, p: last if p is None else p, initial=end)
    copied = {plain(cell.source) for cell in lecture}
    names = {grade_id(cell) for cell in lecture} - {""}
    around = zip(places, before, list(after)[-2::-1], strict=False)
    for i, (there, last, following) in enumerate(around):
        cell = cells[i]
        if there in (question, place + 1) and there in text:
            added = _added(cell.source, lecture[there].source, above=there > place)
            if added:
                yield _Piece(i, added, False)
        elif there is None and claimed(cell) not in names and plain(cell.source) not in copied:
            inside = question <= last <= place and following < end
            beside = last <= place and following >= question
            near = inside or ((beside or following == end) and (missing or _is_text(cell)))
            if near and re.search(r"\w", cell.source):
                yield _Piece(i, _as_markdown(cell), cell.cell_type != "code")


def _find_edited(
    cells: list[NotebookNode], places: list[int | None], original: NotebookNode, place: int
) -> None:
    """Note the place of a cell of the lecture's text that was edited and has lost its id."""
    words = _words(original.source)
    for i, cell in enumerate(cells):
        if places[i] is not None or cell.cell_type != "markdown" or claimed(cell):
            continue
        if 2 * (words & _words(cell.source)).total() > words.total():
            places[i] = place
            return


def _is_text(cell: NotebookNode) -> bool:
    """Return whether a cell holds words and nothing that computes."""
    if cell.cell_type != "code":
        return True
    tree = parsed(cell.source)
    if tree is None:
        return PROSE.search(cell.source) is not None
    return all(_is_shown_text(node) for node in tree.body)


def _is_shown_text(node: ast.stmt) -> bool:
    """Return whether a statement is a text, or gives one a name or to a function: `print("…")`."""
    if not isinstance(node, ast.Expr | ast.Assign) or node.value is None:
        return False
    value = node.value
    if isinstance(value, ast.Call) and len(value.args) == 1 and not value.keywords:
        value = value.args[0]
    return isinstance(value, ast.Constant | ast.JoinedStr) and not isinstance(
        getattr(value, "value", ""), int | float | complex
    )


def _added(source: str, original: str, above: bool) -> str:
    """Return the lines that a student wrote into a cell of the lecture's text.

    A line of the lecture that was only reworded, as by an update of the lecture, is not among them:
    it lost words, where somebody who answers in it adds some.

    Args:
        source: the student's cell.
        original: the lecture's.
        above: only those above the lecture's first line.
    """
    theirs = [_bare(line) for line in original.split("\n")]
    theirs = [line for line in theirs if line]
    their_words = [_words(line) for line in theirs]
    found, counts = [], False
    for line in plain(source).split("\n"):
        bare = _bare(line)
        if bare in theirs and above:
            break
        if bare in theirs or bare == TEXT_STUB:
            continue
        words = Counter(bare.split())
        near = [w for w in their_words if 2 * (w & words).total() > w.total()]
        if any((words - w).total() <= 3 * (w - words).total() for w in near):
            continue
        found.append(line if bare else "")
        counts = counts or re.search(r"\w", bare) is not None
    return "\n".join(found).strip() if counts else ""


def _words(text: str) -> Counter[str]:
    """Return how often each word stands in a text."""
    return Counter(text.split())


def _bare(line: str) -> str:
    """Return a line without Markdown's marks of quotes, headings and stress."""
    return " ".join(re.sub(r"[>#*_~`]", " ", line).split())


def _as_markdown(cell: NotebookNode) -> str:
    """Return what a cell shows, for a cell of text; code in a fence that it does not close."""
    if cell.cell_type != "code":
        return str(cell.source).strip("\n")
    longest = max((len(run) for run in re.findall("`+", cell.source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}python\n{cell.source}\n{fence}"


def _joined(pieces: list[_Piece], cells: list[NotebookNode]) -> NotebookNode:
    """Return one cell of text with all pieces and the pictures in them."""
    texts: list[str] = []
    pictures: dict[str, dict[str, str]] = {}
    for piece in pieces:
        text = piece.text
        for name, picture in cells[piece.position].get("attachments", {}).items():
            free = name
            while pictures.get(free, picture) != picture:
                free = f"_{free}"
            pictures[free] = picture
            text = text.replace(f"attachment:{name}", f"attachment:{free}")
        texts.append(text)
    cell = new_cell("markdown", "\n\n".join(texts))
    if pictures:
        cell.attachments = pictures
    return cell
