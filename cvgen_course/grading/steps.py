"""nbgrader's own steps for one submission, through its API: autograde and feedback."""

from __future__ import annotations

import copy
import html
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import CheckCellMetadata, Execute, SaveAutoGrades
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config.loader import Config

from cvgen_course.errors import SubmissionError
from cvgen_course.grading import gradebook, no_room
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.guard import guard
from cvgen_course.grading.logs import captured
from cvgen_course.grading.page import FeedbackPage
from cvgen_course.grading.read_answers import Marked, keep_marks, note_work
from cvgen_course.grading.remarks import bounded
from cvgen_course.grading.results import first_error
from cvgen_course.grading.task import Finished

TEMPLATES = Path(__file__).with_name("templates")
CODE_CELL = re.compile(r"\bcode cell (\d+)", re.IGNORECASE)
Resources = dict[str, Any]


def autograde(
    chapter: ChapterFiles,
    student: str,
    repaired: Path,
    finished: Finished,
    notes: list[str],
    marked: dict[str, Marked],
) -> tuple[list[str], list[str]]:
    """Run nbgrader's autograde on one repaired submission that was run before.

    Its steps are nbgrader's own; only the running of the notebook is left out, and a look at the
    checks' results comes before points are saved. A teacher's marks stand where what they were
    given for is unchanged.

    Args:
        chapter: the chapter.
        student: the student's name.
        repaired: a tree like ``submitted/`` that holds this submission; below the course's root.
        finished: what came of its run.
        notes: sentences for the student, shown at the top of the feedback.
        marked: the marks that a teacher had given before it ran.

    Returns:
        The first error, and remarks on the checks' results.

    Raises:
        SubmissionError: nbgrader can't grade it.
    """
    first: list[str] = []
    remarks: list[str] = []
    outputs = {cell.id: cell for cell in nbformat.reads(finished.notebook, as_version=4).cells}

    def take(notebook: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        for cell in notebook.cells:
            ran = outputs[cell.id]
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
        folder = Path(chapter.course.root, resources["metadata"]["path"])
        _make_way(folder / f"{chapter.notebook}.ipynb")
        return notebook, resources

    def look(notebook: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        first.extend(first_error(notebook))
        remarks.extend(guard(notebook))
        notebook.metadata.cvgen_graded = date.today().isoformat()
        notebook.metadata.cvgen_ran = all(map(_has_run, notebook.cells))
        told = [*notes, *(event.message for event in finished.events), *first, *remarks]
        if told:
            notebook.cells.insert(0, _note_cell(told))
        return notebook, resources

    known = Autograde(config=chapter.course.config)
    steps: list[Any] = []
    for step in filter(_is_needed, known.autograde_preprocessors):
        if step is SaveAutoGrades:
            steps.append(look)
        steps.append(take if step is Execute else step)
    submitted = os.path.relpath(repaired, chapter.course.root)
    directory = chapter.course.directory(submitted_directory=submitted)
    _convert(
        _OneAutograde,
        chapter,
        student,
        directory,
        sanitize_preprocessors=list(filter(_is_needed, known.sanitize_preprocessors)),
        autograde_preprocessors=steps,
    )
    keep_marks(chapter, student, marked)
    note_work(chapter, student)
    return first, remarks


def _has_run(cell: NotebookNode) -> bool:
    """Return whether a cell was run, or there is nothing in it to run."""
    return cell.cell_type != "code" or bool(cell.execution_count or cell.outputs) or not cell.source


def _is_needed(step: Any) -> bool:
    """Return whether a step of nbgrader's is needed: a repaired notebook's flags are right."""
    return step is not CheckCellMetadata


def _make_way(path: Path) -> None:
    """Let a notebook be written, whatever its code left there: nothing, a link, a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def generate_feedback(chapter: ChapterFiles, student: str) -> Path:
    """Run nbgrader's generate_feedback for one student.

    Returns:
        The page.

    Raises:
        SubmissionError: nbgrader can't make it.
    """
    config = copy.deepcopy(chapter.course.config)  # not nbgrader_config.py: the Formgrader reads it
    config.HTMLExporter.template_name = "cvgen_feedback"
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    _convert(
        _OneFeedback,
        chapter,
        student,
        chapter.course.directory(),
        config=config,
        exporter_class=FeedbackPage,
    )
    return folder_of(chapter, student, "feedback") / f"{chapter.notebook}.html"


class _OneSubmission(BaseConverter):
    """Makes a converter take one submission by name.

    nbgrader reads names as glob patterns, twice: one with ``[`` or ``*`` in it is never found.
    """

    submission = ("", "", "")

    def init_notebooks(self) -> None:
        """Choose the notebook, without looking for it."""
        assignment, student, notebook = self.submission
        folder = self._format_source(assignment, student)
        self.assignments = {folder: [os.path.join(folder, f"{notebook}.ipynb")]}


class _OneAutograde(_OneSubmission, Autograde):
    """nbgrader's autograde for one submission."""


class _OneFeedback(_OneSubmission, GenerateFeedback):
    """nbgrader's generate_feedback for one submission."""


def _convert(
    kind: type[_OneSubmission],
    chapter: ChapterFiles,
    student: str,
    directory: CourseDirectory,
    config: Config | None = None,
    **settings: Any,
) -> None:
    """Run one of nbgrader's converters, with the course's configuration or another one.

    Raises:
        SubmissionError: it failed; the reason is in the message.
    """
    config = copy.deepcopy(config or chapter.course.config)
    config.Exporter.optimistic_validation = True  # once, behind the last step
    with captured(logging.ERROR) as log, _surroundings_kept():
        converter = kind(
            coursedir=directory,
            config=config,
            force=True,
            log=log.logger,
            **settings,
        )
        converter.submission = (chapter.name, student, chapter.notebook)
        try:
            converter.start()
        except NbGraderException as error:
            if isinstance(error.__context__, SQLAlchemyError):
                raise gradebook.unusable(chapter.course, error.__context__) from error
            no_room.refuse(log.complaint)
            gradebook.refuse_locked(chapter.course, log.complaint)
            raise SubmissionError(f"nbgrader: {log.complaint}") from error


@contextmanager
def _surroundings_kept() -> Iterator[None]:
    """Put back what nbgrader leaves changed when it fails: the folder, ``NBGRADER_EXECUTION``."""
    folder, before = Path.cwd(), os.environ.get("NBGRADER_EXECUTION")
    try:
        with gradebook.quiet():
            yield
    finally:
        os.chdir(folder)
        if before is None:
            os.environ.pop("NBGRADER_EXECUTION", None)
        else:
            os.environ["NBGRADER_EXECUTION"] = before


def folder_of(chapter: ChapterFiles, student: str, step: str) -> Path:
    """Return a submission's folder in one of nbgrader's trees."""
    return chapter.course.tree(step) / student / chapter.name


def forget(chapter: ChapterFiles, student: str) -> None:
    """Remove what an earlier grading of a submission left on disk."""
    for step in ("autograded", "feedback"):
        shutil.rmtree(folder_of(chapter, student, step), ignore_errors=True)


def _note_cell(sentences: list[str]) -> NotebookNode:
    """Return a cell that tells the student what was put right or went wrong.

    Code cells that it names are links: the feedback page numbers them.
    """
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in bounded(sentences))
    linked = CODE_CELL.sub(r'<a href="#code-cell-\1">\g<0></a>', items)
    return new_markdown_cell(f"<b>Notes from grading</b><ul>{linked}</ul>")
