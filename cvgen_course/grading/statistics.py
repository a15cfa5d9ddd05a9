"""What a class's results say: totals, points per exercise, missed cases, recognised mistakes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from cvgen_course.grading.gradebook import Column
from cvgen_course.grading.results import ClassResult, Result, agrees
from cvgen_course.reports import Report

MOST_BINS, MOST_LISTED = 10, 5


class Bin(NamedTuple):
    """One bar of the histogram: totals from ``low`` to ``high``, and how many students."""

    low: float
    high: float
    students: int


class Missed(NamedTuple):
    """A case and how many failed it, of those whose answer passed some case."""

    title: str
    failed: int
    seen: int


class ExerciseStatistics(NamedTuple):
    """One exercise over the class.

    Attributes:
        column: the exercise.
        title: its title, as the checks report it.
        mean: mean points of those who have points; None where nobody has.
        full: how many have full points.
        graded: how many have points.
        nothing: how many answers passed no case at all: blank, or not running.
        pending: how many answers a teacher still has to read.
        contradicted: how many checks gave other points than their tables, which count nowhere then.
        missed: the most-missed cases, most first.
        mistakes: recognised mistakes with their counts, most first.
    """

    column: Column
    title: str
    mean: float | None
    full: int
    graded: int
    nothing: int
    pending: int
    contradicted: int
    missed: tuple[Missed, ...]
    mistakes: tuple[tuple[str, int], ...]


def histogram(outcome: ClassResult) -> list[Bin]:
    """Return how totals spread over at most ten equal bins; the last includes full points."""
    top = outcome.max_points
    count = max(1, min(MOST_BINS, round(top)))
    counts = [0] * count
    for total in totals(outcome):
        counts[min(count - 1, max(0, int(total / top * count + 1e-9)))] += 1
    return [Bin(top * i / count, top * (i + 1) / count, n) for i, n in enumerate(counts)]


def totals(outcome: ClassResult) -> list[float]:
    """Return the totals of those who have points, in order."""
    return sorted(result.total for result in outcome.results if result.total is not None)


def median(values: list[float]) -> float | None:
    """Return the median of sorted values, or None of none."""
    if not values:
        return None
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def exercise_statistics(outcome: ClassResult) -> list[ExerciseStatistics]:
    """Return the statistics of each graded cell, in the notebook's order."""
    return [_one_exercise(column, outcome.results) for column in outcome.columns]


def _one_exercise(column: Column, results: tuple[Result, ...]) -> ExerciseStatistics:
    """Return one exercise's statistics."""
    name = column.grade_id
    known = [p for result in results if (p := result.points.get(name)) is not None]
    sent = [(result, result.reports[name]) for result in results if name in result.reports]
    reports = [report for result, report in sent if _agrees(result, name, report)]
    failed: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    partly = [report for report in reports if any(row.passed for row in report.rows)]
    for report in partly:
        seen.update({row.title for row in report.rows})
        failed.update({row.title for row in report.rows if not row.passed})
    titles = Counter(report.title for report in reports if report.title)
    mistakes = Counter(mistake for report in reports for mistake in set(report.mistakes))
    return ExerciseStatistics(
        column,
        titles.most_common(1)[0][0] if titles else column.title.replace("_", " "),
        sum(known) / len(known) if known else None,
        sum(value >= column.points for value in known),
        len(known),
        len(reports) - len(partly),
        sum(column.title in r.pending for r in results),
        len(sent) - len(reports),
        tuple(Missed(t, n, seen[t]) for t, n in _ranked(failed)[:MOST_LISTED]),
        tuple(_ranked(mistakes)[:MOST_LISTED]),
    )


def _agrees(result: Result, name: str, report: Report) -> bool:
    """Return whether a report is the one that its points follow from."""
    given = (result.auto or result.points).get(name)
    return given is not None and agrees(report, given)


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return counted texts, most first; equal ones by name, so that the page is the same again."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
