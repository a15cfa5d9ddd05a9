"""The trusted side of a check: compare, give points, explain."""

from __future__ import annotations

import math
from dataclasses import replace

from cvgen_course.checks.compare import compare, comparison_works
from cvgen_course.checks.diagnosis import Answered, Diagnosis, diagnose
from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.isolation import usual_modes
from cvgen_course.checks.outcome import Outcome
from cvgen_course.reports import Report, Row

NOT_SOLVED = (
    "Not solved yet. Write your answer in place of `raise NotImplementedError()`, run that cell, "
    "then this one."
)
_BROKEN = (
    "torch.testing.assert_close no longer tells wrong from right; it was replaced in this "
    "notebook. Restart the kernel and leave it as it is."
)


@usual_modes()
def judge(
    exercise: Exercise, cases: list[Case], outcomes: list[Outcome], expected: list[Outcome]
) -> Report:
    """Compare, give points and explain.

    Args:
        exercise: what was asked.
        cases: the questions, with titles, weights and hints.
        outcomes: what the student's implementation made of them; a missing one is a cross.
        expected: what the reference made of them.

    Returns:
        The report; its points are ``exercise.points`` times the passed share of the weights,
        exactly full points when every case passes.
    """
    if not comparison_works():
        return refuse(exercise, cases, _BROKEN)
    outcomes = [*outcomes[: len(cases)], *[Outcome("missing")] * (len(cases) - len(outcomes))]
    rows = tuple(map(judge_case, cases, outcomes, expected))
    if all(outcome.kind == "blank" for outcome in outcomes):
        return refuse(exercise, cases, NOT_SOLVED)
    if all(outcome.kind == "missing" for outcome in outcomes):
        return refuse(exercise, cases, outcomes[0].text or "No answer came.")
    points = points_for(exercise, rows)
    passed = [row.passed for row in rows]
    answered = list(map(Answered, cases, outcomes, expected, passed))
    diagnosis = Diagnosis() if all(passed) else diagnose(exercise, answered)
    return Report(
        exercise.name,
        exercise.title,
        points,
        float(exercise.points),
        _without_idle_hints(rows, diagnosis.explained),
        diagnosis.text,
        read=exercise.read,
        mistakes=diagnosis.mistakes,
    )


def _without_idle_hints(rows: tuple[Row, ...], explained: frozenset[str]) -> tuple[Row, ...]:
    """Drop the hints of cases that a recognised mistake explains; or all but one, if none passes.

    A hint says what is special in its case; that is not the reason then.
    """
    if not explained and not any(row.passed for row in rows):
        explained = frozenset(row.title for row in rows[1:])
    return tuple(replace(row, hint="") if row.title in explained else row for row in rows)


def points_for(exercise: Exercise, rows: tuple[Row, ...]) -> float:
    """Return the points for some rows: a finite builtin float in [0, points], in hundredths."""
    full = float(exercise.points)
    if rows and all(row.passed for row in rows):
        return full
    total = math.fsum(row.weight for row in rows)
    passed = math.fsum(row.weight for row in rows if row.passed)
    points = full * passed / total if total > 0 else 0.0
    if not math.isfinite(points):
        return 0.0
    hundredths = math.floor(100 * points + 1e-9)  # as the table shows them
    return min(max(hundredths / 100, 0.0), full)


def refuse(exercise: Exercise, cases: list[Case], note: str) -> Report:
    """Return a report without points: one cross for each case, and a note that says why."""
    rows = tuple(Row(case.title, False, float(case.weight)) for case in cases)
    return Report(
        exercise.name,
        exercise.title,
        0.0,
        float(exercise.points),
        rows,
        note=note,
        read=exercise.read,
    )


def judge_case(case: Case, outcome: Outcome, expected: Outcome) -> Row:
    """Return the row of one case: whether it is passed, and if not, why."""
    weight = float(case.weight)
    if outcome.kind != "value":
        hint = case.hint if outcome.kind in ("raised", "out of time") else ""
        return Row(
            case.title, False, weight, outcome.text or "There is no answer to this case.", hint
        )
    if changed := [name for name in outcome.changed if name not in expected.changed]:
        names = ", ".join(f"`{name}`" for name in changed)
        message = (
            f"Your code changed its input {names} in place; work on a new tensor (or on .clone())."
        )
        return Row(case.title, False, weight, message)
    difference = compare(outcome.value, expected.value)
    if difference is None:
        return Row(case.title, True, weight)
    return Row(
        case.title,
        False,
        weight,
        difference.message,
        case.hint,
        difference.expected,
        difference.got,
    )
