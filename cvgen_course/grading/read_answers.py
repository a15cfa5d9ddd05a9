"""A teacher's marks: each stands until what it was given for changes.

nbgrader itself puts every marked answer back on the list of those to be read, at every grading, by
`cvgen grade` or by its own command. The next `cvgen grade` puts that right.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry

from cvgen_course.files import write
from cvgen_course.grading import gradebook
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.gradebook import Score
from cvgen_course.grading.results import record_path
from cvgen_course.notebooks.cells import grade_id, is_check, is_graded, is_solution


class Marked(NamedTuple):
    """A teacher's mark, and what it was given for.

    Attributes:
        points: the mark.
        work: the student's cells that it rests on.
    """

    points: float
    work: tuple[str, ...]


def marked(chapter: ChapterFiles, student: str) -> dict[str, Marked]:
    """Return the marks that a teacher has given and need no second look, by ``grade_id``."""
    scores = settled(chapter, student, gradebook.scores(chapter, student))
    given = {
        name: score.manual
        for name, score in scores.items()
        if score.manual is not None and not score.pending
    }
    work = _work(chapter, student) if given else {}
    return {name: Marked(mark, work[name]) for name, mark in given.items() if name in work}


def keep_marks(chapter: ChapterFiles, student: str, before: dict[str, Marked]) -> None:
    """Take marked answers off nbgrader's list again, where mark and work are as they were."""
    if not before:
        return
    work = _work(chapter, student)
    with gradebook.opened(chapter.course) as book:
        for name, mark in before.items():
            try:
                grade = book.find_grade(name, chapter.notebook, chapter.name, student)
            except MissingEntry:
                continue
            if (grade.manual_score, work.get(name)) == mark:
                grade.needs_manual_grade = False
        book.db.commit()


def note_work(chapter: ChapterFiles, student: str) -> None:
    """Remember what was graded, and which marks of it were given for something earlier."""
    scores = gradebook.scores(chapter, student)
    old = {name: score.manual for name, score in scores.items() if score.pending}
    work = {name: (_hash(cells), old.get(name)) for name, cells in _work(chapter, student).items()}
    write(_note_path(chapter, student), json.dumps(work))


def settled(chapter: ChapterFiles, student: str, scores: dict[str, Score]) -> dict[str, Score]:
    """Return scores, those off nbgrader's list that only ``nbgrader autograde`` put there again.

    These are marks given since `cvgen grade` ran, for work that is what it was then.
    """
    waiting = {name for name, s in scores.items() if s.pending and s.manual is not None}
    noted = _noted(chapter, student) if waiting else {}
    work = _work(chapter, student) if noted else {}
    for name in waiting & noted.keys() & work.keys():
        cells, old = noted[name]
        if cells != _hash(work[name]) or old == scores[name].manual:
            continue
        with gradebook.opened(chapter.course) as book:
            grade = book.find_grade(name, chapter.notebook, chapter.name, student)
            grade.needs_manual_grade = False
            book.db.commit()
        scores = scores | {name: scores[name]._replace(pending=False)}
    return scores


def _noted(chapter: ChapterFiles, student: str) -> dict[str, tuple[str, float | None]]:
    """Return what `note_work` remembered."""
    try:
        noted = json.loads(_note_path(chapter, student).read_text(encoding="utf-8"))
        return {name: (cells, old) for name, (cells, old) in noted.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _note_path(chapter: ChapterFiles, student: str) -> Path:
    """Return where that lies, beside the student's kept result."""
    return record_path(chapter, student).with_suffix(".work")


def _hash(cells: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _work(chapter: ChapterFiles, student: str) -> dict[str, tuple[str, ...]]:
    """Return what each mark rests on: a written answer on itself, a check on all answers."""
    folder = chapter.course.tree("autograded") / student / chapter.name
    path = Path(folder, f"{chapter.notebook}.ipynb")
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError):  # none yet, or a killed run left half of it
        return {}
    code = tuple(_text(c) for c in cells if c.cell_type == "code" and not is_check(c))
    return {
        grade_id(cell): (_text(cell),) if is_solution(cell) else code
        for cell in cells
        if is_graded(cell)
    }


def _text(cell: NotebookNode) -> str:
    """Return a cell's text, with the pictures that were pasted into it."""
    return f"{cell.source}\n{cell.get('attachments', '')}"
