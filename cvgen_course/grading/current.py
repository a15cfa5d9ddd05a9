"""Whether the lecture is still what the authored chapter makes: points follow from both."""

from __future__ import annotations

import hashlib
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from cvgen_course.errors import ReleaseError
from cvgen_course.files import write
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.release import built
from cvgen_course.notebooks.cells import grade_id


def refuse_outdated(chapter: ChapterFiles, code: str) -> None:
    """Raise where a lecture is not what its authored chapter would make now.

    Looking takes seconds, so what was found right is remembered until something changes.

    Args:
        chapter: the chapter; its lecture is there.
        code: a hash of the code of its exercises.

    Raises:
        ReleaseError: the authored chapter or an exercise changed since the lecture was made, or no
            lecture can be made: nobody can be graded.
    """
    note = chapter.course.private / "released" / chapter.name
    state = _hash(code, chapter.source, chapter.source.with_suffix(".ipynb"), chapter.released)
    if note.is_file() and note.read_text(encoding="utf-8") == state:
        return
    try:
        with built(chapter) as build:
            wanted = nbformat.read(build.folder / chapter.released.name, as_version=4)
    except ReleaseError as error:
        raise ReleaseError(
            f"Nobody was graded. {error}\nMend it, then run: cvgen release {chapter.name}"
        ) from error
    difference = _difference(wanted, nbformat.read(chapter.released, as_version=4))
    if difference:
        raise ReleaseError(
            f"Nobody was graded. {chapter.source.name} was changed since the lecture was made: "
            f"{difference}. Run: cvgen release {chapter.name}"
        )
    write(note, state)


def _difference(wanted: NotebookNode, there: NotebookNode) -> str:
    """Return where two notebooks differ in text or flags; empty where they don't."""
    pairs = zip_longest(map(_said, wanted.cells), map(_said, there.cells))
    for number, (one, other) in enumerate(pairs, start=1):
        if one != other:
            cell = (wanted.cells[number - 1 :] or there.cells[-1:])[0]
            return f"cell {number} ({grade_id(cell) or cell.cell_type}) is another one"
    return ""


def _said(cell: NotebookNode) -> tuple[Any, ...]:
    """Return what grading takes from a cell."""
    return cell.cell_type, cell.source, cell.metadata.get("nbgrader", {})


def _hash(code: str, *paths: Path) -> str:
    """Return a hash of some files, and of the code."""
    digest = hashlib.sha256(code.encode())
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
