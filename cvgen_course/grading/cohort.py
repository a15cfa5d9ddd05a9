"""`cvgen grade`: a whole class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path

from cvgen_course.errors import CourseError
from cvgen_course.grading import attempts, gradebook, no_room, watch
from cvgen_course.grading.course import Course
from cvgen_course.grading.exchange import uncollected
from cvgen_course.grading.execute import Limits
from cvgen_course.grading.flags import own_solutions, with_flags
from cvgen_course.grading.grader import Grader, Prepared
from cvgen_course.grading.grades_csv import write_grades
from cvgen_course.grading.lock import alone
from cvgen_course.grading.marks import class_with_marks
from cvgen_course.grading.remarks import printable
from cvgen_course.grading.report import write_report
from cvgen_course.grading.results import ClassResult, Result
from cvgen_course.grading.sandbox.bubblewrap import why_not
from cvgen_course.grading.submissions import Submission, find_submissions
from cvgen_course.grading.task import Finished, Task
from cvgen_course.grading.workers import Workers

NO_SANDBOX = (
    "no sandbox can be made here: {}. To run submissions without one, with your own rights, on a "
    "machine that holds nothing else: --sandbox none"
)
UNPROTECTED = (
    "No sandbox: submissions run with your rights. One can read and change your files, the "
    "gradebook, the secret and the others' work; use the network; fill memory and disk. Points are "
    "still decided outside of it, as long as it leaves this program alone."
)
KILLED = "An earlier grading was killed while it ran the submission of {}; it comes last now."
OnResult = Callable[[int, int, Result], None]
OnSubmission = Callable[[Submission], Result | Prepared]
OnFinished = Callable[[Prepared, Finished | Exception, str], Result]


def grade(
    root: Path | str,
    chapter: str,
    *,
    students: Iterable[str] | None = None,
    force: bool = False,
    isolated: bool = True,
    workers: Workers | None = None,
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
        isolated: run submissions in a sandbox; else with this user's rights.
        workers: how many submissions run at a time; by default one, in this process.
        limits: what one may use; by default the cell timeout of nbgrader's configuration.
        progress: called after each submission: how many are done, how many there are, the result.

    Raises:
        CourseError: no such course, chapter, lecture or student, the gradebook or the configuration
            can't be used, there can be no sandbox, or another command is at work in the course.
    """
    with at_work(root, chapter, isolated, limits) as grader:
        submissions, notes = find_submissions(grader.chapter)
        notes += uncollected(grader.chapter)
        chosen = _choose(submissions, students)
        killed = list(filter(grader.was_killed, chosen))
        notes += [KILLED.format(printable(submission.student)) for submission in killed]
        chosen.sort(key=killed.__contains__)

        def prepare(submission: Submission) -> Result | Prepared:
            return grader.prepare(submission, force, insist=students is not None)

        results = run_all(grader, chosen, prepare, grader.finish, workers, progress)
        return write_class(grader, submissions, results, notes)


@contextmanager
def at_work(
    root: Path | str, chapter: str, isolated: bool, limits: Limits | None
) -> Iterator[Grader]:
    """Yield a chapter's grader, while no other command is at work in the course.

    Raises:
        CourseError: as `grade`.
    """
    course = Course.find(root)
    work = course.chapter(chapter)
    if isolated and (reason := why_not()):
        raise CourseError(NO_SANDBOX.format(reason))
    with alone(course), no_room.told(), gradebook.opened_faster():
        yield Grader.start(work, isolated, limits)


def run_all(
    grader: Grader,
    submissions: list[Submission],
    prepare: OnSubmission,
    save: OnFinished,
    workers: Workers | None,
    progress: OnResult | None,
) -> list[Result]:
    """Run submissions, each as soon as there is room for it.

    Args:
        grader: the chapter's.
        submissions: in the order in which they are begun.
        prepare: makes one ready, or returns its result where there is nothing to run.
        save: takes what came of a run, and a sentence on what changed in the gradebook meanwhile.
        workers: how many run at a time; by default one, in this process.
        progress: called after each.
    """
    workers = workers or Workers()
    results: list[Result] = []

    def add(result: Result) -> None:
        results.append(result)
        if progress:
            progress(len(results), len(submissions), result)

    def prepared() -> Iterator[Prepared]:
        for submission in submissions:
            ready = prepare(submission)
            if isinstance(ready, Result):
                add(ready)
            else:
                yield ready

    waiting = prepared()
    first = list(islice(waiting, workers.most))
    with workers.ready_for(len(first)) as runner:
        started = _Started(grader, runner.in_this_process)
        try:
            with closing(runner.run(started.tasks(chain(first, waiting)))) as ran:
                for position, finished in ran:
                    add(started.finish(position, finished, save))
        finally:
            started.forget()
    return results


class _Started:
    """Submissions that were handed out to be run, and have not come back yet.

    Args:
        grader: the chapter's.
        noted: whether one that ends this process is to be found out.
    """

    def __init__(self, grader: Grader, noted: bool):
        self._grader, self._noted = grader, noted
        self._prepared: dict[int, Prepared] = {}
        self._count = 0
        self._book: watch.Content | None = None

    def tasks(self, submissions: Iterable[Prepared]) -> Iterator[Task]:
        """Yield what has to be run, and note that it is handed out."""
        for prepared in submissions:
            if self._noted:
                attempts.begin(
                    self._grader.chapter, prepared.submission.student, prepared.fingerprint
                )
            self._look()
            self._prepared[self._count] = prepared
            self._count += 1
            yield prepared.task

    def finish(self, position: int, finished: Finished | Exception, save: OnFinished) -> Result:
        """Hand on what came of a task, to be saved."""
        prepared, changed = self._prepared.pop(position), self._changed()
        try:
            return save(prepared, finished, changed)
        finally:
            attempts.end(self._grader.chapter, prepared.submission.student)
            self._book = None
            self._look()

    def _look(self) -> None:
        """Look at the gradebook, where a submission could write into it."""
        if not self._grader.isolated and self._book is None:
            self._book = watch.content(self._grader.chapter.course)

    def _changed(self) -> str:
        """Return what changed in the gradebook since the last look; empty where nothing did."""
        return watch.changed(self._grader.chapter.course, self._book) if self._book else ""

    def forget(self) -> None:
        """Take back the notes on those that did not come back."""
        for prepared in self._prepared.values():
            attempts.end(self._grader.chapter, prepared.submission.student)


def _choose(submissions: list[Submission], students: Iterable[str] | None) -> list[Submission]:
    """Return the submissions of some students.

    Raises:
        CourseError: there are no submissions, or none of a student.
    """
    if students is None:
        chosen = list(submissions)
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


def write_class(
    grader: Grader, submissions: list[Submission], results: list[Result], notes: list[str]
) -> ClassResult:
    """Write ``reports/<chapter>/`` and return what stands there.

    Args:
        grader: the chapter's.
        submissions: all that there are.
        results: those of this run; for the others, the kept ones are taken.
        notes: sentences on the class.
    """
    chapter, columns = grader.chapter, gradebook.columns(grader.released)
    known = {result.student for result in results}
    others = [grader.earlier(s) for s in submissions if s.student not in known]
    results = [*results, *(result for result in others if result is not None)]
    # one that ran may have changed another's marks
    results = class_with_marks(results, chapter, columns)
    results = with_flags(results, own_solutions(chapter, grader.released, grader.code))
    folder = chapter.course.root / "reports" / chapter.name
    outcome = ClassResult(
        chapter.name,
        tuple(columns),
        tuple(sorted(results, key=lambda result: result.student)),
        tuple(notes),
        folder / "index.html",
        folder / "grades.csv",
        gradebook.names(chapter.course),
    )
    write_grades(outcome)
    write_report(outcome, chapter.course.root)
    return outcome
