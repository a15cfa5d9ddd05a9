"""A result with the marks that stand in the gradebook now, and a word on those nobody expects."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from cvgen_course.grading import gradebook
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.gradebook import UNKNOWN, Column, Score, Standing
from cvgen_course.grading.read_answers import settled
from cvgen_course.grading.results import Result, number

NO_LONGER_THERE = "There is no folder in submitted/; these points are from an earlier grading."


def with_marks(
    result: Result, chapter: ChapterFiles, standing: Standing, columns: Iterable[Column]
) -> Result:
    """Return a result with the points that stand in the gradebook, a teacher's included.

    Whoever can write the gradebook can change marks. Automatic points are held to those that the
    last run gave; a teacher's can't be told from others, so the unusual ones are named.
    """
    scores, late, penalty = standing
    scores = settled(chapter, result.student, scores)
    known = [(column, scores[column.grade_id]) for column in columns if column.grade_id in scores]
    auto = result.auto
    if auto is None:
        auto = {column.grade_id: score.auto for column, score in known}
    marks = [_on_lateness(late, penalty)] if late else []
    for column, score in known:
        marks += _on_score(column, score, auto.get(column.grade_id))
    return dataclasses.replace(
        result,
        points={column.grade_id: score.points for column, score in known},
        pending=tuple(column.title for column, score in known if score.pending),
        auto=auto,
        late=late,
        penalty=penalty,
        marks=tuple(marks),
    )


def class_with_marks(
    results: Iterable[Result], chapter: ChapterFiles, columns: Iterable[Column]
) -> list[Result]:
    """Return all results as the gradebook has them now.

    Each student of the gradebook who has no folder in ``submitted/`` gets one, too.
    """
    results, columns = list(results), list(columns)
    known = {result.student for result in results}
    folder = chapter.course.tree("submitted")
    absent = {
        name: Result(name, "not submitted", fresh=False)
        for name in gradebook.students(chapter.course)
        if name not in known and not (folder / name).exists()
    }
    standings = gradebook.standings(chapter)
    found = []
    for result in [*results, *absent.values()]:
        result = with_marks(result, chapter, standings.get(result.student, UNKNOWN), columns)
        if result.points and result.student in absent:
            result = dataclasses.replace(result, remarks=(NO_LONGER_THERE,))
        found.append(result)
    return found


def _on_lateness(late: float, penalty: float) -> str:
    """Return a sentence on a late submission."""
    minutes = math.ceil(late / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    time = " ".join(f"{count} {unit}" for count, unit in parts if count)
    cost = f"a penalty of {number(penalty)} points" if penalty else "no penalty"
    return f"Late by {time}; {cost}."


def _on_score(column: Column, score: Score, given: float | None) -> list[str]:
    """Return sentences on a score that no run gave, or that a teacher rarely gives."""
    marks = []
    if not _equal(score.auto, given):
        marks.append(
            f"{column.title}: the gradebook has {_points(score.auto)} as automatic points, the "
            f"last cvgen grade gave {_points(given)}. They were changed from outside; "
            "cvgen grade --force puts them back."
        )
    if score.manual is None:
        return marks
    if not column.by_hand and not _equal(score.manual, score.auto):
        marks.append(
            f"{column.title}: {_points(score.manual)} by hand stand in place of the check's "
            f"{_points(score.auto)}."
        )
    if not 0 <= score.manual <= column.points:
        marks.append(
            f"{column.title}: {_points(score.manual)} by hand, of {number(column.points)}."
        )
    if column.by_hand and score.auto == 0 and score.manual > 0:
        marks.append(f"{column.title}: {_points(score.manual)} by hand for a blank answer.")
    return marks


def _equal(one: float | None, other: float | None) -> bool:
    """Return whether two numbers of points are the same; None is a value of its own."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-9)


def _points(value: float | None) -> str:
    """Return points within a sentence."""
    return "none" if value is None else number(value)
