"""`cvgen grade`: a whole class, one submission after the other."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from time import monotonic

import nbformat
from nbformat import NotebookNode

import cvgen_course

from ..errors import CourseError, SubmissionError
from . import gradebook, steps
from .course import Chapter, Course
from .execute import Executor, Limits, LocalExecutor
from .grades_csv import write_grades
from .pairing import to_json
from .repair import repair
from .report import write_report
from .results import ClassResult, Result, load_result, read_reports, save_result
from .secret import grading_seed, read_secret
from .submissions import (
    Submission,
    UnreadableError,
    copy_companions,
    find_submissions,
    read_submission,
    regular_files,
)

Progress = Callable[[int, int, Result], None]
WORST_FIRST = ("kernel died", "timeout", "output cut")


def grade(
    root: Path | str,
    chapter: str,
    *,
    students: Iterable[str] | None = None,
    force: bool = False,
    executor: Executor | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> ClassResult:
    """Grade all submissions of a chapter, save points and feedback, and write the class report.

    Submissions that did not change since they were graded are not run again. Each submission stands
    for itself: whatever is wrong with one is reported, and the next one is graded. Stopped at any
    point, the next call goes on from there.

    Args:
        root: the course's folder, or one inside it.
        chapter: its name, e.g. ``"01_segmentation"``.
        students: grade these only; the report has everyone who was graded. None for all.
        force: grade unchanged submissions too.
        executor: runs the notebooks; `LocalExecutor` by default.
        limits: time and output; by default the cell timeout of nbgrader's configuration.
        progress: called after each submission: how many are done, how many there are, the result.

    Raises:
        CourseError: no such course, chapter, lecture or student, or the gradebook can't be used.
    """
    course = Course.find(root)
    work = course.chapter(chapter)
    session = Session.start(work, executor or LocalExecutor(), limits)
    submissions, notes = find_submissions(work)
    chosen = choose(submissions, students)
    results = []
    for done, submission in enumerate(chosen, start=1):
        result = session.grade(submission, force)
        results.append(result)
        if progress:
            progress(done, len(chosen), result)
    others = [s for s in submissions if s not in chosen]
    results += [r for r in map(session.earlier, others) if r is not None]
    return write_class(work, session.released, results, notes)


def choose(submissions: list[Submission], students: Iterable[str] | None) -> list[Submission]:
    """Return the submissions of some students.

    Raises:
        CourseError: there are no submissions, or none of a student.
    """
    if students is None:
        chosen = submissions
    else:
        by_name = {submission.student: submission for submission in submissions}
        missing = [name for name in students if name not in by_name]
        if missing:
            raise CourseError(
                f"student: expected one of {', '.join(by_name)}, got {', '.join(missing)}"
            )
        chosen = [by_name[name] for name in students]
    if not chosen:
        raise CourseError(
            "submitted/ holds no submissions; expected submitted/<student>/<chapter>/"
        )
    return chosen


def write_class(
    chapter: Chapter, released: NotebookNode, results: list[Result], notes: list[str]
) -> ClassResult:
    """Write ``reports/<chapter>/`` and return what stands there."""
    folder = chapter.course.root / "reports" / chapter.name
    outcome = ClassResult(
        chapter.name,
        tuple(gradebook.columns(released)),
        tuple(sorted(results, key=lambda result: result.student)),
        tuple(notes),
        folder / "index.html",
        folder / "grades.csv",
    )
    write_grades(outcome)
    write_report(outcome, chapter.course.root)
    return outcome


@dataclasses.dataclass(frozen=True)
class Session:
    """What grading needs for every submission of a chapter.

    Attributes:
        chapter: the chapter.
        released: its lecture.
        executor: runs notebooks.
        limits: time and output.
        secret: the teacher's.
    """

    chapter: Chapter
    released: NotebookNode
    executor: Executor
    limits: Limits
    secret: bytes

    @classmethod
    def start(cls, chapter: Chapter, executor: Executor, limits: Limits | None) -> Session:
        """Read the lecture and make it known to the gradebook.

        Raises:
            CourseError: there is no lecture, or the gradebook has other graded cells.
        """
        if not chapter.released.is_file():
            raise CourseError(f"{chapter.released} is missing; run: cvgen release {chapter.name}")
        released = nbformat.read(chapter.released, as_version=4)
        gradebook.register(chapter, released)
        if limits is None:
            seconds = chapter.course.config.Execute.get("timeout", Limits.cell_seconds)
            limits = Limits(cell_seconds=seconds)
        return cls(chapter, released, executor, limits, read_secret(chapter.course.private))

    def grade(self, submission: Submission, force: bool) -> Result:
        """Grade one submission, or return its kept result where nothing changed."""
        student = submission.student
        fingerprint = self.fingerprint(submission)
        kept = None if force else load_result(self.chapter, student, fingerprint)
        if kept is not None and self.still_there(kept):
            return self.with_points(kept)
        start = monotonic()
        try:
            result = self.run(submission)
        except UnreadableError as error:
            result = self.unreadable(submission, error)
        except (SubmissionError, OSError) as error:
            steps.forget(self.chapter, student)
            result = Result(student, "not graded", (f"Grading failed. {error}",))
            return dataclasses.replace(result, seconds=monotonic() - start)
        result = dataclasses.replace(result, seconds=round(monotonic() - start, 2))
        save_result(self.chapter, result, fingerprint)
        return result

    def run(self, submission: Submission) -> Result:
        """Repair, run and save one submission."""
        student = submission.student
        notebook, path, remarks = read_submission(submission, self.chapter)
        repaired, more = repair(notebook, self.released)
        remarks += more
        with tempfile.TemporaryDirectory(dir=self.chapter.course.private, prefix="run-") as folder:
            place = Path(folder) / student / self.chapter.name
            place.mkdir(parents=True)
            remarks += copy_companions(submission, path, place)
            (place / f"{self.chapter.notebook}.ipynb").write_text(to_json(repaired), "utf-8")
            seed = grading_seed(self.secret, student, self.chapter.name)
            events, late = steps.autograde(
                self.chapter, student, Path(folder), self.executor, seed, self.limits, remarks
            )
        page = steps.generate_feedback(self.chapter, student)
        statuses = {event.status for event in events}
        status = next(
            (s for s in WORST_FIRST if s in statuses), "repaired" if remarks else "graded"
        )
        result = Result(
            student,
            next((s for s in WORST_FIRST if s in statuses), well),
            tuple([event.message for event in events] + late + remarks),
            reports=read_reports(self.autograded(student)),
            feedback=page.relative_to(self.chapter.course.root).as_posix(),
        )
        return self.with_points(result)

    def unreadable(self, submission: Submission, error: UnreadableError) -> Result:
        """Note a submission that can't be run: 0 points where something was handed in."""
        student = submission.student
        if error.status in ("bad name", "not submitted"):
            return Result(student, error.status, (str(error),))
        steps.forget(self.chapter, student)
        gradebook.register_student(self.chapter, student)
        return self.with_points(Result(student, error.status, (str(error),)))

    def with_points(self, result: Result) -> Result:
        """Return a result with the points that stand in the gradebook now, a teacher's included."""
        scores = gradebook.scores(self.chapter, result.student)
        columns = gradebook.columns(self.released)
        known = [
            (column, scores[column.grade_id]) for column in columns if column.grade_id in scores
        ]
        return dataclasses.replace(
            result,
            points={name: scores[name].points for name in titles if name in scores},
            pending=tuple(
                t for name, t in titles.items() if name in scores and scores[name].pending
            ),
        )

    def earlier(self, submission: Submission) -> Result | None:
        """Return the result of an earlier run, where the submission is still the same."""
        kept = load_result(self.chapter, submission.student, self.fingerprint(submission))
        return self.with_points(kept) if kept is not None and self.still_there(kept) else None

    def still_there(self, kept: Result) -> bool:
        """Return whether an earlier run's notebook, feedback and gradebook entry are there."""
        if not kept.points:
            return kept.status in ("bad name", "not submitted")
        known = bool(gradebook.scores(self.chapter, kept.student))
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
        digest = hashlib.sha256(package_hash().encode())
        digest.update(to_json(self.released).encode())
        digest.update(repr((self.limits, type(self.executor).__qualname__)).encode())
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


@cache
def package_hash() -> str:
    """Return a hash of this package's code: other checks, other points."""
    folder = Path(cvgen_course.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def clean(root: Path | str) -> None:
    """Remove what a killed run left in ``.cvgen``."""
    for path in Course.find(root).private.glob("run-*"):
        shutil.rmtree(path, ignore_errors=True)
