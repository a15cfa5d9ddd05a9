"""From a seed to a report: the steps of a check, in one process or in two."""

from __future__ import annotations

import math
from typing import Any

from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.expected import expected
from cvgen_course.checks.identity import is_or_wraps
from cvgen_course.checks.isolation import clean_state, quiet, random_state_kept
from cvgen_course.checks.judge import judge
from cvgen_course.checks.not_run import not_run
from cvgen_course.checks.outcome import Outcome
from cvgen_course.checks.plain import to_plain
from cvgen_course.checks.run import run
from cvgen_course.checks.seed import PUBLIC_SEED
from cvgen_course.checks.words import type_name
from cvgen_course.reports import Report
from cvgen_course.seeding import generator


def make_cases(exercise: Exercise, seed: str | int = PUBLIC_SEED) -> list[Case]:
    """Return an exercise's cases for a seed.

    Raises:
        ValueError: the exercise is wrong: no cases, two with one title, a weight that is not
            positive.
        WrongAnswer: a case's inputs are no plain data.
    """
    with quiet(), random_state_kept(), clean_state():
        cases = list(exercise.cases(generator(seed, exercise.name)))
    titles = [case.title for case in cases]
    if not cases or len(set(titles)) < len(titles):
        raise ValueError(
            f"exercise {exercise.name!r}: expected cases with different titles, got {titles}"
        )
    for case in cases:
        if not (math.isfinite(case.weight) and case.weight > 0):
            raise ValueError(
                f"exercise {exercise.name!r}, case {case.title!r}: "
                f"expected a positive weight, got {case.weight}"
            )
        to_plain(case.inputs, f"the inputs of case {case.title!r}")
    return cases


def grade(exercise: Exercise, implementation: Any, seed: str | int = PUBLIC_SEED) -> Report:
    """Check an implementation in this process.

    Args:
        exercise: what was asked.
        implementation: the student's object.
        seed: where the cases come from.

    Returns:
        The report, with points.
    """
    cases = make_cases(exercise, seed)
    right = expected(exercise, cases)
    return judge(exercise, cases, answer(exercise, implementation, cases), right)


def answer(exercise: Exercise, implementation: Any, cases: list[Case]) -> list[Outcome]:
    """Run a student's object on cases, after a look at whether it is one that can be graded at all.

    This is the whole of the student's side: with the cases' inputs it can run in another process.

    Returns:
        One outcome for each case.
    """
    with quiet():
        problem = _why_not(exercise, implementation)
    if problem:
        return [Outcome("missing", text=problem)] * len(cases)
    return run(exercise, implementation, cases)


def answer_by_name(
    exercise: Exercise, namespace: dict[str, Any], cases: list[Case]
) -> list[Outcome]:
    """Do what ``answer`` does with the object that a notebook calls by the exercise's name."""
    if exercise.name not in namespace:
        text = f"`{exercise.name}` does not exist yet: {not_run(exercise.name, namespace)}"
        return [Outcome("missing", text=text)] * len(cases)
    return answer(exercise, namespace[exercise.name], cases)


def _why_not(exercise: Exercise, implementation: Any) -> str:
    """Return why an object can't be graded; empty where it can."""
    name = f"`{exercise.name}`"
    try:
        if is_or_wraps(implementation, exercise.reference):
            return f"{name} is the course's own solution; write yours."
        if not callable(implementation):
            kind = type_name(implementation)
            return f"{name} is of type {kind}, which can't be called; run the cell that defines it."
    except Exception as error:
        return f"{name} can't be looked at ({type_name(error)})."
    return ""
