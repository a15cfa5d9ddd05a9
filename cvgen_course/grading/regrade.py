"""`cvgen regrade`: an exercise was mended; whose points change is shown before it is written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from cvgen_course.errors import CourseError, SubmissionError
from cvgen_course.grading import gradebook
from cvgen_course.grading.cohort import OnResult, at_work, run_all, write_class
from cvgen_course.grading.execute import Limits
from cvgen_course.grading.grader import Grader, Prepared
from cvgen_course.grading.guard import guard
from cvgen_course.grading.remarks import bounded, listed, printable
from cvgen_course.grading.results import (
    NOT_GRADED,
    ClassResult,
    Result,
    kept_fingerprint,
    load_result,
    number,
    report_of,
    save_result,
)
from cvgen_course.grading.submissions import Submission, UnreadableError, find_submissions
from cvgen_course.grading.task import Finished
from cvgen_course.grading.workers import Workers
from cvgen_course.notebooks.cells import grade_id, is_check
from cvgen_course.notebooks.pairing import to_json
from cvgen_course.reports import Report

LEFT = (
    "Left to cvgen grade, as never graded, handed in again since, or no longer complete on disk: {}"
)
OTHERS = (
    "{} would change as well, for {}; it stays as it is. "
    "To change it: --exercise {}, or cvgen grade"
)


@dataclasses.dataclass(frozen=True)
class PointChange:
    """One student's automatic points in one exercise.

    Attributes:
        student: the name.
        exercise: its name.
        before: in the gradebook; None: none.
        after: by the exercise as it is now.
        remark: why the student's total may not follow; empty where it does.
    """

    student: str
    exercise: str
    before: float | None
    after: float
    remark: str


@dataclasses.dataclass(frozen=True)
class Changes:
    """What a regrade found; nothing of it is written yet.

    Attributes:
        chapter: its name.
        rows: the points that change.
        unchanged: how many students keep theirs in the exercises that were asked for.
        reworded: how many of them get another table of the check's cases.
        notes: sentences on submissions that are left out, and on other exercises.
    """

    chapter: str
    rows: tuple[PointChange, ...]
    unchanged: int
    reworded: int
    notes: tuple[str, ...]


class _Shown(NamedTuple):
    """What a check shows after a run."""

    points: float
    report: Report | None


@dataclasses.dataclass(frozen=True)
class _Again:
    """A submission that was run again.

    Attributes:
        prepared: the submission.
        finished: what came of it, with what all other exercises had before.
        changed: what changed in the gradebook meanwhile.
        rows: the points that change.
    """

    prepared: Prepared
    finished: Finished
    changed: str
    rows: list[PointChange]


def regrade(
    root: Path | str,
    chapter: str,
    exercises: Collection[str],
    agree: Callable[[Changes], bool],
    *,
    isolated: bool = True,
    workers: Workers | None = None,
    limits: Limits | None = None,
    progress: OnResult | None = None,
) -> ClassResult | None:
    """Run graded submissions again, and give the points of some exercises as they are now.

    All other exercises keep points and tables, and a teacher's marks stay. Stopped at any point,
    the next call finds what is left to be done.

    Args:
        root: the course's folder, or one inside it.
        chapter: its name.
        exercises: names of exercises that programs check.
        agree: gets what would change, and says whether to write it.
        isolated: run submissions in a sandbox; else with this user's rights.
        workers: how many submissions run at a time; by default one, in this process.
        limits: what one may use.
        progress: called after each submission.

    Returns:
        The class as it is now; None where nothing was written.

    Raises:
        CourseError: as `cohort.grade`, or there is no such exercise.
    """
    with at_work(root, chapter, isolated, limits) as grader:
        submissions, notes = find_submissions(grader.chapter)
        look = _SecondLook(grader, _names(grader, exercises))
        run_all(grader, submissions, look.prepare, look.compare, workers, progress)
        if not agree(look.changes()):
            return None
        return write_class(grader, submissions, look.write(), notes)


def _names(grader: Grader, exercises: Iterable[str]) -> dict[str, str]:
    """Return the exercises' names by ``grade_id``.

    Raises:
        CourseError: there is none of that name that a program checks.
    """
    checked = {c.title: c.grade_id for c in gradebook.columns(grader.released) if not c.by_hand}
    unknown = [name for name in exercises if name not in checked]
    if unknown or not exercises:
        raise CourseError(
            f"--exercise: expected one of {', '.join(checked)}, got {', '.join(unknown) or 'none'}"
        )
    return {checked[name]: name for name in exercises}


class _SecondLook:
    """Collects what comes of the second run of a class.

    Args:
        grader: the chapter's.
        names: of the exercises that were asked for, by ``grade_id``.
    """

    def __init__(self, grader: Grader, names: dict[str, str]):
        self._grader, self._names = grader, names
        self._kept: dict[str, Result] = {}
        self._again: list[_Again] = []
        self._same: list[tuple[Result, str]] = []
        self._unchanged = 0
        self._left: list[str] = []
        self._failed: list[str] = []
        self._others: dict[str, list[str]] = {}

    def prepare(self, submission: Submission) -> Result | Prepared:
        """Make a submission ready to run, where it was graded and did not change since."""
        grader, student = self._grader, submission.student
        fingerprint = grader.fingerprint(submission)
        kept = load_result(grader.chapter, student, None)
        earlier = kept_fingerprint(grader.chapter, student)
        if (
            kept is None
            or _work(earlier) != _work(fingerprint)
            or kept.status in NOT_GRADED
            or not grader.still_there(kept)
        ):
            self._left.append(printable(student))
            return Result(student, "not graded")
        if not grader.autograded(student).is_file():  # there was nothing to run, and there is none
            self._same.append((kept, fingerprint))
            return kept
        self._kept[student] = kept
        try:
            return grader.read(submission, fingerprint, grader.scores(student))
        except UnreadableError as error:
            return self._fail(student, error)

    def compare(self, prepared: Prepared, finished: Finished | Exception, changed: str) -> Result:
        """Compare the points of a second run with those in the gradebook."""
        student = prepared.submission.student
        if isinstance(finished, CourseError) and not isinstance(finished, SubmissionError):
            raise finished  # nobody can be graded
        if isinstance(finished, Exception):
            return self._fail(student, finished)
        kept, now = self._kept[student], _shown(finished)
        rows = []
        for name, score in prepared.before.items():
            if name not in now or _equal(score.auto, now[name].points):
                continue
            if name in self._names:
                title, remark = self._names[name], _remark(kept, score)
                rows.append(PointChange(student, title, score.auto, now[name].points, remark))
            else:
                self._others.setdefault(name, []).append(printable(student))
                earlier = kept_fingerprint(self._grader.chapter, student)
                prepared = dataclasses.replace(prepared, fingerprint=earlier)
        self._unchanged += not rows
        asked = {name: now[name] for name in self._names if name in now}
        if rows or changed or not all(_is_kept(kept, name, asked[name]) for name in asked):
            finished = self._with_earlier_others(student, finished)
            self._again.append(_Again(prepared, finished, changed, rows))
        else:
            self._same.append((kept, prepared.fingerprint))
        return kept

    def changes(self) -> Changes:
        """Return what would be written."""
        rows = [row for again in self._again for row in again.rows]
        notes = [LEFT.format(listed(sorted(self._left)))] if self._left else []
        for column in gradebook.columns(self._grader.released):
            if students := self._others.get(column.grade_id):
                who = listed(sorted(students))
                notes.append(OTHERS.format(column.title, who, column.title))
        return Changes(
            self._grader.chapter.name,
            tuple(sorted(rows, key=lambda row: (row.exercise, row.student))),
            self._unchanged,
            sum(not again.rows for again in self._again),
            (*notes, *bounded(sorted(self._failed))),
        )

    def write(self) -> list[Result]:
        """Save what changed, and note of all others that they are as the course is now."""
        for kept, fingerprint in self._same:
            save_result(self._grader.chapter, kept, fingerprint)
        return [self._grader.finish(a.prepared, a.finished, a.changed) for a in self._again]

    def _fail(self, student: str, error: Exception) -> Result:
        """Note a submission that could not be run."""
        self._failed.append(f"{printable(student)} stays as it is, and could not be run: {error}")
        return Result(student, "not graded", (str(error),))

    def _with_earlier_others(self, student: str, finished: Finished) -> Finished:
        """Return what came of a run, with what all other exercises' checks showed before."""
        path = self._grader.autograded(student)
        before = {grade_id(c): c.outputs for c in _checks(nbformat.read(path, as_version=4))}
        notebook = nbformat.reads(finished.notebook, as_version=4)
        for cell in _checks(notebook):
            if grade_id(cell) not in self._names:
                cell.outputs = before.get(grade_id(cell), cell.outputs)
        reports = {name: r for name, r in finished.reports.items() if name in self._names}
        return dataclasses.replace(finished, notebook=to_json(notebook), reports=reports)


def _checks(notebook: NotebookNode) -> list[NotebookNode]:
    return list(filter(is_check, notebook.cells))


def _work(fingerprint: str) -> str:
    """Return what of a fingerprint stands for the submission."""
    return fingerprint.partition("-")[2]


def _shown(finished: Finished) -> dict[str, _Shown]:
    """Return what the checks of a run show, by ``grade_id``; points are those nbgrader gives."""
    notebook = nbformat.reads(finished.notebook, as_version=4)
    for cell in _checks(notebook):  # as the course's configuration has nbgrader do
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    guard(notebook)
    return {
        grade_id(cell): _Shown(float(determine_grade(cell)[0] or 0), report_of(cell))
        for cell in _checks(notebook)
    }


def _is_kept(kept: Result, name: str, now: _Shown) -> bool:
    """Return whether a check's points and table are those that were kept."""
    return _equal((kept.auto or {}).get(name), now.points) and kept.reports.get(name) == now.report


def _remark(kept: Result, score: gradebook.Score) -> str:
    """Return why a student's total may not follow an exercise's points."""
    if score.manual is not None:
        return f"{number(score.manual)} by hand stand in its place: nothing changes"
    if kept.penalty:
        return f"late: {number(kept.penalty)} points were taken off, worked out anew"
    return ""


def _equal(one: float | None, other: float) -> bool:
    return one is not None and math.isclose(one, other, abs_tol=1e-9)
