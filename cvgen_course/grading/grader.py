"""One submission after the other: read, repaired, run, saved, kept."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from time import monotonic

import nbformat
from nbformat import NotebookNode

from cvgen_course.errors import CourseError, SubmissionError
from cvgen_course.grading import attempts, gradebook, steps
from cvgen_course.grading.companions import copy_companions, regular_files
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.current import refuse_outdated
from cvgen_course.grading.execute import Executor, Limits
from cvgen_course.grading.marks import with_marks
from cvgen_course.grading.remarks import bounded
from cvgen_course.grading.repair import repair
from cvgen_course.grading.results import Result, load_result, read_reports, save_result
from cvgen_course.grading.secret import grading_seed, read_secret
from cvgen_course.grading.submissions import (
    Submission,
    UnreadableError,
    read_submission,
)
from cvgen_course.notebooks.cells import check_call, is_check
from cvgen_course.notebooks.pairing import to_json
from cvgen_course.provenance import code_hash

WORST_FIRST = ("gradebook changed", "kernel died", "timeout", "output cut")
NOTHING_TO_GRADE = ("bad name", "not submitted")
CHANGED = "The submission or the course changed after this grading."
EARLIER = "The points are still those of the grading before."
SET_ASIDE = (
    "The grading was killed {} times while it ran this submission, which was set aside; "
    "to try it again: --student {!r}, or hand in another one."
)
FEEDBACK_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Grader:
    """What grading needs for every submission of a chapter.

    Attributes:
        chapter: the chapter.
        released: its lecture.
        executor: runs notebooks.
        limits: time and output.
        secret: the teacher's.
        code: a hash of the code that points follow from.
    """

    chapter: ChapterFiles
    released: NotebookNode
    executor: Executor
    limits: Limits
    secret: bytes
    code: str

    @classmethod
    def start(cls, chapter: ChapterFiles, executor: Executor, limits: Limits | None) -> Grader:
        """Read the lecture and make it known to the gradebook; no other grader may be at work.

        Raises:
            CourseError: there is no lecture, the chapter changed since it was made, or the
                gradebook has other graded cells.
        """
        if not chapter.released.is_file():
            raise CourseError(f"{chapter.released} is missing; run: cvgen release {chapter.name}")
        released = nbformat.read(chapter.released, as_version=4)
        code = _code_of_checks(released)
        refuse_outdated(chapter, code)
        gradebook.register(chapter, released)
        for left in chapter.course.private.glob("run-*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        if limits is None:
            limits = Limits(cell_seconds=chapter.course.cell_seconds)
        secret = read_secret(chapter.course.private)
        return cls(chapter, released, executor, limits, secret, code)

    def grade(self, submission: Submission, force: bool, insist: bool = False) -> Result:
        """Grade one submission, or return its kept result where nothing changed.

        Args:
            submission: the submission.
            force: grade it also if nothing changed.
            insist: grade it also if it was set aside.
        """
        student = submission.student
        fingerprint = self.fingerprint(submission)
        kept = None if force else load_result(self.chapter, student, fingerprint)
        if kept is not None and self.still_there(kept):
            return self.with_points(kept)
        before = self.scores(student)
        killed = attempts.unfinished(self.chapter, student, fingerprint)
        if killed >= attempts.MOST and not force and not insist:
            why = SET_ASIDE.format(killed, student)
            return self.without_a_run(student, "set aside", why, before)
        start = monotonic()
        try:
            with attempts.begun(self.chapter, student, fingerprint):
                result = self.run(submission)
        except UnreadableError as error:
            result = self.unreadable(submission, error)
        except CourseError as error:
            if not isinstance(error, SubmissionError):
                raise  # the gradebook or the secret: nobody can be graded
            return self.without_a_run(student, "not graded", f"Grading failed. {error}", before)
        except Exception as error:  # whatever it is, the next student is graded
            why = f"Grading failed. {type(error).__name__}: {error}"
            return self.without_a_run(student, "not graded", why, before)
        result = dataclasses.replace(result, seconds=round(monotonic() - start, 2))
        save_result(self.chapter, result, fingerprint)
        return result

    def was_killed(self, submission: Submission) -> bool:
        """Return whether a grading of this very submission was killed the last time."""
        if not attempts.note_path(self.chapter, submission.student).exists():
            return False
        fingerprint = self.fingerprint(submission)
        return attempts.unfinished(self.chapter, submission.student, fingerprint) > 0

    def scores(self, student: str) -> dict[str, gradebook.Score]:
        """Return what the gradebook has."""
        return gradebook.scores(self.chapter, student)

    def run(self, submission: Submission) -> Result:
        """Repair, run and save one submission."""
        student = submission.student
        notebook, path, remarks = read_submission(submission, self.chapter)
        repaired, more = repair(notebook, self.released)
        remarks += more
        _fill_lost_attachments(repaired)
        with tempfile.TemporaryDirectory(dir=self.chapter.course.private, prefix="run-") as folder:
            place = Path(folder) / student / self.chapter.name
            place.mkdir(parents=True)
            remarks += copy_companions(submission.folder, path, place)
            (place / f"{self.chapter.notebook}.ipynb").write_text(to_json(repaired), "utf-8")
            seed = grading_seed(self.secret, student, self.chapter.name)
            events, first, late = steps.autograde(
                self.chapter, student, Path(folder), self.executor, seed, self.limits, remarks
            )
        feedback, lost = self.feedback(student)
        statuses = {event.status for event in events}
        well = "check failed" if late else "repaired" if remarks else "graded"
        remarks += lost
        result = Result(
            student,
            next((s for s in WORST_FIRST if s in statuses), well),
            tuple(bounded([event.message for event in events] + late + first + remarks)),
            reports=read_reports(self.autograded(student)),
            feedback=feedback,
        )
        return self.with_points(result)

    def feedback(self, student: str) -> tuple[str, list[str]]:
        """Make a student's feedback page.

        Returns:
            Its place, relative to the course, or an empty text; and a remark where there is none.
        """
        try:
            with _within(FEEDBACK_SECONDS):
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
        return with_marks(result, self.chapter, gradebook.columns(self.released))

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
        """Return a hash of what a result follows from: submission, lecture, limits, seed, code."""
        digest = hashlib.sha256(self.code.encode())
        digest.update(to_json(self.released).encode())
        digest.update(repr(self.limits).encode())
        digest.update(grading_seed(self.secret, submission.student, self.chapter.name).encode())
        if submission.folder.is_dir() and not submission.folder.is_symlink():
            for path in regular_files(submission.folder):
                name = str(path.relative_to(submission.folder)).encode("utf-8", "surrogateescape")
                try:
                    with path.open("rb") as file:
                        content = hashlib.file_digest(file, "sha256").digest()
                except OSError:
                    content = b"unreadable"
                digest.update(len(name).to_bytes(8, "big") + name + content)
        return digest.hexdigest()


def _fill_lost_attachments(notebook: NotebookNode) -> None:
    """Put an empty picture where a text shows an attachment that it lost: no page could be made."""
    for cell in notebook.cells:
        names = re.findall(r"\battachment:([^)\s\"'>]+)", cell.source)
        if names and cell.cell_type == "markdown":
            kept = cell.get("attachments", {})
            cell.attachments = {name: {"image/png": ""} for name in names} | kept


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Raise a TimeoutError when a block takes too long, where the system has alarms.

    A student's text can keep the conversion to HTML busy for hours.
    """
    if not hasattr(signal, "SIGALRM") or current_thread() is not main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"no end after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _code_of_checks(released: NotebookNode) -> str:
    """Return a hash of the code that a lecture's points follow from: its checks, and grading."""
    calls = [check_call(cell.source) for cell in released.cells if is_check(cell)]
    modules = {call.module for call in calls if call is not None}
    ours = {module for module in modules if module.startswith("cvgen_course.")}
    return code_hash(__name__, *sorted(ours))
