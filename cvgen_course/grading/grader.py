"""One submission after the other: read, repaired, run, saved, kept."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from time import monotonic

import nbformat
from nbformat import NotebookNode

from cvgen_course.errors import CourseError, SubmissionError
from cvgen_course.grading import attempts, gradebook, no_room, steps
from cvgen_course.grading.alike import fingerprints
from cvgen_course.grading.companions import companions, regular_files
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.current import refuse_outdated
from cvgen_course.grading.doors import ways_around
from cvgen_course.grading.execute import Limits
from cvgen_course.grading.fingerprint import hash_of_course, hash_of_work
from cvgen_course.grading.lean import needed
from cvgen_course.grading.marks import with_marks
from cvgen_course.grading.read_answers import Marked, marked
from cvgen_course.grading.remarks import bounded
from cvgen_course.grading.repair import repair
from cvgen_course.grading.results import Result, load_result, read_reports, save_result
from cvgen_course.grading.secret import grading_seed, read_secret
from cvgen_course.grading.submissions import (
    Submission,
    UnreadableError,
    read_submission,
)
from cvgen_course.grading.task import Finished, Task, code_of, imported
from cvgen_course.grading.time_limited import time_limited
from cvgen_course.notebooks.cells import is_check
from cvgen_course.notebooks.pairing import to_json

WORST_FIRST = ("tampering", "gradebook changed", "kernel died", "timeout", "output cut")
COSTS_NOTHING = ("kernel died", "timeout")
NOTHING_TO_GRADE = ("bad name", "not submitted")
CHANGED = "The submission or the course changed after this grading."
EARLIER = "The points are still those of the grading before."
SET_ASIDE = (
    "The grading was killed {} times while it ran this submission, which was set aside; "
    "to try it again: --student {!r}, or hand in another one."
)
FEEDBACK_SECONDS = 60
GRADEBOOK_CHANGED = (
    "While this notebook ran, the gradebook changed: {}. Were you at work in the Formgrader then? "
    "If not, the notebook did it: put a copy of the gradebook back, and grade all others again."
)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A submission that is ready to run.

    Attributes:
        submission: the submission.
        fingerprint: of all that its result follows from.
        before: what the gradebook had.
        marked: the marks that a teacher had given.
        notebook: repaired.
        remarks: what was put right.
        task: what runs.
        begin: when it was begun.
    """

    submission: Submission
    fingerprint: str
    before: dict[str, gradebook.Score]
    marked: dict[str, Marked]
    notebook: NotebookNode
    remarks: list[str]
    task: Task
    begin: float


@dataclasses.dataclass(frozen=True)
class Grader:
    """What grading needs for every submission of a chapter.

    Attributes:
        chapter: the chapter.
        released: its lecture.
        isolated: whether submissions run in a sandbox.
        limits: what they may use.
        secret: the teacher's.
        code: a hash of the code that points follow from.
        modules: what the lecture imports.
    """

    chapter: ChapterFiles
    released: NotebookNode
    isolated: bool
    limits: Limits
    secret: bytes
    code: str
    modules: tuple[str, ...]

    @classmethod
    def start(cls, chapter: ChapterFiles, isolated: bool, limits: Limits | None) -> Grader:
        """Read the lecture and make it known to the gradebook; no other grader may be at work.

        Raises:
            CourseError: there is no lecture, the chapter changed since it was made, or the
                gradebook has other graded cells.
        """
        if not chapter.released.is_file():
            raise CourseError(f"{chapter.released} is missing; run: cvgen release {chapter.name}")
        released = nbformat.read(chapter.released, as_version=4)
        code = code_of(filter(is_check, released.cells))
        refuse_outdated(chapter, code)
        gradebook.register(chapter, released)
        for left in chapter.course.private.glob("run-*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        if limits is None:
            limits = Limits(cell_seconds=chapter.course.cell_seconds)
        secret = read_secret(chapter.course.private)
        return cls(chapter, released, isolated, limits, secret, code, imported(released))

    def prepare(
        self, submission: Submission, force: bool, insist: bool = False
    ) -> Result | Prepared:
        """Make a submission ready to run, or return its result where there is nothing to run.

        Args:
            submission: the submission.
            force: grade it also if nothing changed.
            insist: grade it also if it was set aside.
        """
        student, fingerprint = submission.student, self.fingerprint(submission)
        kept = None if force else load_result(self.chapter, student, fingerprint)
        if kept is not None and self.still_there(kept):
            return self.with_points(kept)
        before = self.scores(student)
        killed = attempts.unfinished(self.chapter, student, fingerprint)
        if killed >= attempts.MOST and not force and not insist:
            why = SET_ASIDE.format(killed, student)
            return self.without_a_run(student, "set aside", why, before)
        try:
            return self.read(submission, fingerprint, before)
        except UnreadableError as error:
            result = self.unreadable(submission, error)
            save_result(self.chapter, result, fingerprint)
            return result
        except Exception as error:  # whatever it is, the next student is graded
            why = f"Grading failed. {type(error).__name__}: {error}"
            return self.without_a_run(student, "not graded", why, before)

    def read(
        self, submission: Submission, fingerprint: str, before: dict[str, gradebook.Score]
    ) -> Prepared:
        """Read and repair a submission; nothing is written.

        Args:
            submission: the submission.
            fingerprint: of all that its result follows from.
            before: what the gradebook has.

        Raises:
            UnreadableError: there is nothing that can be run.
        """
        begin, student = monotonic(), submission.student
        notebook, path, remarks = read_submission(submission, self.chapter)
        repaired, more = repair(notebook, self.released)
        _fill_lost_attachments(repaired)
        files, left_out = companions(submission.folder, path)
        task = Task(
            student,
            to_json(repaired),
            files | self.beside,
            grading_seed(self.secret, student, self.chapter.name),
            self.modules,
            frozenset(needed(repaired, self.released)),
            self.isolated,
            self.limits,
            self.code,
        )
        remarks = [*remarks, *more, *left_out]
        read = marked(self.chapter, student)
        return Prepared(submission, fingerprint, before, read, repaired, remarks, task, begin)

    def finish(self, prepared: Prepared, finished: Finished | Exception, changed: str) -> Result:
        """Save what came of a submission's run.

        Args:
            prepared: the submission.
            finished: what came of its run; an error where it could not be run.
            changed: what changed in the gradebook meanwhile; empty where nothing did.

        Raises:
            CourseError: nobody can be graded, as the gradebook can't be used.
        """
        student = prepared.submission.student
        try:
            if isinstance(finished, Exception):
                raise finished
            with no_room.told():
                result = self.saved(prepared, finished)
        except (CourseError, SubmissionError) as error:
            if not isinstance(error, SubmissionError):
                raise  # the gradebook or the sandbox: nobody can be graded
            why = f"Grading failed. {error}"
            if changed:
                why += " " + GRADEBOOK_CHANGED.format(changed)
            return self.without_a_run(student, "not graded", why, prepared.before)
        except Exception as error:  # whatever it is, the next student is graded
            why = f"Grading failed. {type(error).__name__}: {error}"
            return self.without_a_run(student, "not graded", why, prepared.before)
        if changed:
            told = (GRADEBOOK_CHANGED.format(changed), *result.remarks)
            result = dataclasses.replace(result, status="gradebook changed", remarks=told)
        result = dataclasses.replace(result, seconds=round(monotonic() - prepared.begin, 2))
        save_result(self.chapter, result, prepared.fingerprint)
        return result

    @cached_property
    def beside(self) -> dict[str, bytes]:
        """What lies beside the lecture: pictures and small data."""
        folder = self.chapter.release_folder
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in regular_files(folder)
            if path.suffix not in (".ipynb", ".md")
        }

    def was_killed(self, submission: Submission) -> bool:
        """Return whether a grading of this very submission was killed the last time."""
        if not attempts.note_path(self.chapter, submission.student).exists():
            return False
        fingerprint = self.fingerprint(submission)
        return attempts.unfinished(self.chapter, submission.student, fingerprint) > 0

    def scores(self, student: str) -> dict[str, gradebook.Score]:
        """Return what the gradebook has."""
        return gradebook.scores(self.chapter, student)

    def saved(self, prepared: Prepared, finished: Finished) -> Result:
        """Save points, the executed notebook and the feedback page of one submission."""
        student, remarks = prepared.submission.student, prepared.remarks
        with tempfile.TemporaryDirectory(dir=self.chapter.course.private, prefix="run-") as folder:
            place = Path(folder) / student / self.chapter.name
            for name, content in prepared.task.files.items():
                path = place / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{self.chapter.notebook}.ipynb").write_text(
                to_json(prepared.notebook), "utf-8"
            )
            first, late = steps.autograde(
                self.chapter, student, Path(folder), finished, remarks, prepared.marked
            )
        feedback, lost = self.feedback(student)
        statuses = {event.status for event in finished.events}
        if not finished.undecided:
            statuses -= set(COSTS_NOTHING)
        if finished.tampering:
            statuses.add("tampering")
        well = "check failed" if late else "repaired" if remarks else "graded"
        told = [*finished.tampering, *(event.message for event in finished.events)]
        result = Result(
            student,
            next((s for s in WORST_FIRST if s in statuses), well),
            tuple(bounded([*told, *late, *first, *remarks, *lost])),
            reports=read_reports(self.autograded(student)) | finished.reports,
            feedback=feedback,
            answers=fingerprints(prepared.notebook),
            flags=tuple(ways_around(prepared.notebook, self.released)),
        )
        return self.with_points(result)

    def feedback(self, student: str) -> tuple[str, list[str]]:
        """Make a student's feedback page.

        Returns:
            Its place, relative to the course, or an empty text; and a remark where there is none.
        """
        try:
            with time_limited(FEEDBACK_SECONDS):
                page = steps.generate_feedback(self.chapter, student)
            return page.relative_to(self.chapter.course.root).as_posix(), []
        except (SubmissionError, TimeoutError) as error:
            return "", [f"The feedback page could not be made. {error}"]

    def without_a_run(
        self, student: str, status: str, why: str, before: dict[str, gradebook.Score]
    ) -> Result:
        """Note a submission that should have been graded; the next run tries again.

        Points, table and feedback page go on telling the same: those of an earlier grading stay
        in all of them, and where there are none, nothing is left of this one.
        """
        if all(score.points is None for score in before.values()):
            steps.forget(self.chapter, student)
            gradebook.remove_submission(self.chapter, student)
            return Result(student, status, (why,))
        page = steps.folder_of(self.chapter, student, "feedback") / f"{self.chapter.notebook}.html"
        told: tuple[str, ...] = (why, EARLIER)
        if self.scores(student) != before:  # points were saved before it failed
            page.unlink(missing_ok=True)
            told = (why,)
        feedback = page.relative_to(self.chapter.course.root).as_posix() if page.is_file() else ""
        return self.with_points(Result(student, status, told, feedback=feedback))

    def unreadable(self, submission: Submission, error: UnreadableError) -> Result:
        """Note a submission that can't be run: 0 points where something was handed in."""
        student = submission.student
        if error.status in NOTHING_TO_GRADE:
            return Result(student, error.status, (str(error),))
        steps.forget(self.chapter, student)
        gradebook.register_student(self.chapter, student)
        return self.with_points(Result(student, error.status, (str(error),)))

    def with_points(self, result: Result) -> Result:
        """Return a result with the points that stand in the gradebook now, a teacher's included."""
        standing = gradebook.standing(self.chapter, result.student)
        return with_marks(result, self.chapter, standing, gradebook.columns(self.released))

    def earlier(self, submission: Submission) -> Result | None:
        """Return the result of an earlier run; where things changed since, a remark says so."""
        kept = load_result(self.chapter, submission.student, None)
        if kept is None or (kept.points and not self.scores(submission.student)):
            return None
        if kept.feedback and not (self.chapter.course.root / kept.feedback).is_file():
            kept = dataclasses.replace(kept, feedback="")
        if load_result(self.chapter, submission.student, self.fingerprint(submission)) is None:
            kept = dataclasses.replace(kept, remarks=(*kept.remarks, CHANGED))
        return self.with_points(kept)

    def still_there(self, kept: Result) -> bool:
        """Return whether an earlier run's notebook, feedback and gradebook entry are there."""
        if not kept.points:
            return kept.status in NOTHING_TO_GRADE
        known = bool(self.scores(kept.student))
        if not kept.feedback:
            return known
        page = self.chapter.course.root / kept.feedback
        return known and page.is_file() and self.autograded(kept.student).is_file()

    def autograded(self, student: str) -> Path:
        """Return the autograded notebook."""
        folder = steps.folder_of(self.chapter, student, "autograded")
        return folder / f"{self.chapter.notebook}.ipynb"

    def fingerprint(self, submission: Submission) -> str:
        """Return a hash of what a result follows from: the course's, a dash, the submission's."""
        return f"{self.course_hash}-{self._work_hash(submission)}"

    @cached_property
    def course_hash(self) -> str:
        """A hash of what all results follow from."""
        return hash_of_course(self.code, self.released, self.limits, self.beside)

    def _work_hash(self, submission: Submission) -> str:
        """Return a hash of what was handed in, and of the questions that it is asked."""
        seed = grading_seed(self.secret, submission.student, self.chapter.name)
        return hash_of_work(submission.folder, seed)


def _fill_lost_attachments(notebook: NotebookNode) -> None:
    """Put an empty picture where a text shows an attachment that it lost: no page could be made."""
    for cell in notebook.cells:
        names = re.findall(r"\battachment:([^)\s\"'>]+)", cell.source)
        if names and cell.cell_type == "markdown":
            kept = cell.get("attachments", {})
            cell.attachments = {name: {"image/png": ""} for name in names} | kept
