"""The trusted side of a check: compare, give points, recognise mistakes."""

from __future__ import annotations

import math
from dataclasses import replace

from cvgen_course.checks.compare import compare, comparison_works
from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.isolation import usual_modes
from cvgen_course.checks.mistakes import Mistake
from cvgen_course.checks.outcome import Outcome
from cvgen_course.checks.run import IN_LINE, alike, run
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
    rows = _without_idle_hints(tuple(map(judge_case, cases, outcomes, expected)))
    if all(outcome.kind == "blank" for outcome in outcomes):
        return refuse(exercise, cases, NOT_SOLVED)
    if all(outcome.kind == "missing" for outcome in outcomes):
        return refuse(exercise, cases, outcomes[0].text or "No answer came.")
    points = points_for(exercise, rows)
    failed_first = sorted(range(len(cases)), key=lambda i: rows[i].passed)
    answers = [(cases[i], outcomes[i]) for i in failed_first]
    diagnosis = "" if all(row.passed for row in rows) else _diagnosis(exercise, answers)
    return Report(
        exercise.name,
        exercise.title,
        points,
        float(exercise.points),
        rows,
        diagnosis,
        read=exercise.read,
    )


def _without_idle_hints(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Keep only the first hint where every case fails.

    A hint says what is special in its case; that is not the reason then.
    """
    if any(row.passed for row in rows):
        return rows
    return (*rows[:1], *(replace(row, hint="") for row in rows[1:]))


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
        hint = case.hint if outcome.kind in ("wrong", "raised", "out of time") else ""
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


def _fits(exercise: Exercise, mistake: Mistake, case: Case, outcome: Outcome) -> bool:
    """Return whether a mistake makes of a case what the student's answer made of it."""
    (result,) = run(exercise, mistake.implementation, [case], watch=False, twice=False)
    return alike(outcome, result) and _same_complaint(outcome, result)


def _same_complaint(one: Outcome, other: Outcome) -> bool:
    """Return whether two outcomes say the same where they are no values; lines of code aside."""
    texts = [outcome.text.partition(IN_LINE)[0] for outcome in (one, other)]
    return one.kind == "value" or texts[0] == texts[1]


def _diagnosis(exercise: Exercise, answers: list[tuple[Case, Outcome]]) -> str:
    """Name the known mistakes whose whole pattern of results is the student's."""
    if not any(outcome.kind in ("value", "raised", "wrong") for _, outcome in answers):
        return ""
    fitting = [
        mistake.diagnosis.rstrip(".")
        for mistake in exercise.mistakes
        if all(_fits(exercise, mistake, case, outcome) for case, outcome in answers)
    ]
    if len(fitting) == 1:
        return f"This is what one gets when {fitting[0]}."
    if fitting:
        return "This is consistent with several mistakes: " + "; or ".join(fitting) + "."
    return ""
