"""nbgrader's exchange folder: what was not collected, and feedback that goes back."""

from __future__ import annotations

import logging
import warnings
from datetime import datetime
from glob import escape
from typing import Any, NamedTuple

from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import Exchange, ExchangeCollect, ExchangeReleaseFeedback

from cvgen_course.errors import CourseError, SubmissionError
from cvgen_course.grading import steps
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.logs import Log, captured
from cvgen_course.grading.remarks import printable

NEEDED = ("timestamp.txt", "submission_secret.txt")
"""What the exchange puts beside a notebook, and asks for when feedback goes back."""


class GivenBack(NamedTuple):
    """What became of a chapter's feedback pages.

    Attributes:
        made: students whose pages were made.
        failed: sentences on students whose pages could not be made.
        sent: students whose pages went to the exchange.
        by_hand: students whose pages can't go there: they did not hand in through it.
    """

    made: tuple[str, ...]
    failed: tuple[str, ...]
    sent: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


def uncollected(chapter: ChapterFiles) -> list[str]:
    """Return a sentence on the submissions in the exchange that are newer than the collected ones.

    ``nbgrader collect`` leaves them there unless it is told to update.
    """
    with captured(logging.CRITICAL) as log:
        collect = _step(ExchangeCollect, chapter, log)
        try:
            collect.init_src()
        except ExchangeError:  # no exchange, or nothing handed in there
            return []
    waiting = sorted(
        f"{printable(record['username'])} ({record['timestamp']:%Y-%m-%d %H:%M} UTC)"
        for record in collect.src_records
        if not _is_collected(chapter, record["username"], record["timestamp"])
    )
    if not waiting:
        return []
    return [
        f"Newer work lies in the exchange, of {', '.join(waiting)}. Take it in with: "
        f"nbgrader collect {chapter.name} --update"
    ]


def _is_collected(chapter: ChapterFiles, student: str, time: datetime) -> bool:
    """Return whether the work in ``submitted/`` is as new as the exchange's."""
    folder = chapter.course.tree("submitted") / student / chapter.name
    try:
        there = chapter.course.directory().get_existing_timestamp(str(folder))
    except (ValueError, OverflowError, OSError):
        return False
    return there is not None and there >= time


def give_back(chapter: ChapterFiles, send: bool) -> GivenBack:
    """Make the feedback pages of all graded students, with the marks that they have now.

    Args:
        chapter: the chapter.
        send: put the pages into the exchange, where students fetch them.

    Raises:
        CourseError: nobody is graded, or the exchange can't be written.
    """
    made, failed = [], []
    trees = chapter.course.tree("autograded")
    for student in sorted(p.name for p in trees.iterdir()) if trees.is_dir() else []:
        if not (trees / student / chapter.name / chapter.released.name).is_file():
            continue
        try:
            steps.generate_feedback(chapter, student)
            made.append(student)
        except SubmissionError as error:
            failed.append(f"{printable(student)}: {error}")
    if not made and not failed:
        raise CourseError(f"nobody is graded in {chapter.name}; run: cvgen grade {chapter.name}")
    if not send:
        return GivenBack(tuple(made), tuple(failed))
    able = [student for student in made if _came_through_exchange(chapter, student)]
    for student in able:
        _send(chapter, student)
    by_hand = (student for student in made if student not in able)
    return GivenBack(tuple(made), tuple(failed), tuple(able), tuple(by_hand))


def _came_through_exchange(chapter: ChapterFiles, student: str) -> bool:
    """Return whether the exchange knows where a student's feedback goes."""
    folder = steps.folder_of(chapter, student, "feedback")
    return all((folder / name).is_file() for name in NEEDED)


def _send(chapter: ChapterFiles, student: str) -> None:
    """Run nbgrader's release_feedback for one student.

    Raises:
        CourseError: the exchange can't be written.
    """
    with captured(logging.CRITICAL) as log, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # nbgrader leaves a file open
        try:
            _step(ExchangeReleaseFeedback, chapter, log, student_id=escape(student)).start()
        except ExchangeError as error:
            raise CourseError(
                f"{log.complaint} Expected the folder where the class hands in: set CVGEN_EXCHANGE."
            ) from error


def _step(kind: type[Exchange], chapter: ChapterFiles, log: Log, **settings: str) -> Any:
    """Return one of nbgrader's ways through the exchange."""
    directory = chapter.course.directory(assignment_id=chapter.name, **settings)
    return kind(coursedir=directory, config=chapter.course.config, log=log.logger)
