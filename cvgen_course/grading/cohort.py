"""`cvgen grade`: a whole class, one submission after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from nbformat import NotebookNode

from cvgen_course.errors import CourseError
from cvgen_course.grading import gradebook
from cvgen_course.grading.course import ChapterFiles, Course
from cvgen_course.grading.exchange import uncollected
from cvgen_course.grading.execute import Executor, Limits, LocalExecutor
from cvgen_course.grading.grader import Grader
from cvgen_course.grading.grades_csv import write_grades
from cvgen_course.grading.lock import alone
from cvgen_course.grading.marks import not_submitted
from cvgen_course.grading.remarks import printable
from cvgen_course.grading.report import write_report
from cvgen_course.grading.results import ClassResult, Result
from cvgen_course.grading.submissions import Submission, find_submissions

KILLED = "An earlier grading was killed while it ran the submission of {}; it comes last now."
OnResult = Callable[[int, int, Result], None]


def grade(
    root: Path | str,
    chapter: str,
    *,
    students: Iterable[str] | None = None,
    force: bool = False,
    executor: Executor | None = None,
    limits: Limits | None = None,
    progress: OnResult | None = None,
) -> ClassResult:
    """Grade all submissions of a chapter, save points and feedback, and write the class report.

    Submissions that did not change since they were graded are not run again. Each submission stands
    for itself: whatever is wrong with one is reported, and the next one is graded. Stopped at any
    point, the next call goes on from there. A submission during which this process was killed is
    graded last, and set aside when that happens again, until it changes or is asked for by name.

    Args:
        root: the course's folder, or one inside it.
        chapter: its name, e.g. ``"01_segmentation"``.
        students: grade these only, also if they were set aside; the report has everyone who was
            graded. None for all.
        force: grade unchanged submissions too.
        executor: runs the notebooks; `LocalExecutor` by default.
        limits: time and output; by default the cell timeout of nbgrader's configuration.
        progress: called after each submission: how many are done, how many there are, the result.

    Raises:
        CourseError: no such course, chapter, lecture or student, the gradebook or the configuration
            can't be used, or another command is at work in the course.
    """
    course = Course.find(root)
    work = course.chapter(chapter)
    with alone(course):
        return _grade(work, students, force, executor, limits, progress)


def _grade(
    work: ChapterFiles,
    students: Iterable[str] | None,
    force: bool,
    executor: Executor | None,
    limits: Limits | None,
    progress: OnResult | None,
) -> ClassResult:
    """Grade a chapter while no other command is at work in the course."""
    grader = Grader.start(work, executor or LocalExecutor(), limits)
    submissions, notes = find_submissions(work)
    notes += uncollected(work)
    chosen = _choose(submissions, students)
    killed = list(filter(grader.was_killed, chosen))
    notes += [KILLED.format(printable(submission.student)) for submission in killed]
    results = []
    for done, submission in enumerate(sorted(chosen, key=killed.__contains__), start=1):
        result = grader.grade(submission, force, insist=students is not None)
        results.append(result)
        if progress:
            progress(done, len(chosen), result)
    others = [s for s in submissions if s not in chosen]
    results += [r for r in map(grader.earlier, others) if r is not None]
    if any(result.fresh for result in results):  # one that ran may have changed another's marks
        results = list(map(grader.with_points, results))
    results += not_submitted(results, work, gradebook.columns(grader.released))
    return _write_class(work, grader.released, results, notes)


def _choose(submissions: list[Submission], students: Iterable[str] | None) -> list[Submission]:
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
                f"student: expected one of {', '.join(map(printable, by_name))}, "
                f"got {', '.join(map(printable, missing))}"
            )
        chosen = [by_name[name] for name in students]
    if not chosen:
        raise CourseError("submitted/ is empty; expected submitted/<student>/<chapter>/")
    return chosen


def _write_class(
    chapter: ChapterFiles, released: NotebookNode, results: list[Result], notes: list[str]
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
