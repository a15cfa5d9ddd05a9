"""The right answers: the judge's side of a check knows them, the student's never does."""

from __future__ import annotations

from typing import Any

import torch

from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.outcome import Outcome
from cvgen_course.checks.run import run


def expected(exercise: Exercise, cases: list[Case]) -> list[Outcome]:
    """Run the reference on every case.

    Returns:
        One outcome of kind ``"value"`` for each case.

    Raises:
        ValueError: the reference fails on a case, or gives NaN, which is equal to nothing: the
            exercise is wrong, not the student.
    """
    outcomes = run(exercise, exercise.reference, cases, watch=False, twice=False)
    for case, outcome in zip(cases, outcomes, strict=True):
        where = f"exercise {exercise.name!r}, case {case.title!r}"
        if outcome.kind != "value":
            raise ValueError(f"{where}: expected a value from the reference, got: {outcome.text}")
        if _has_nan(outcome.value):
            raise ValueError(
                f"{where}: expected no NaN from the reference, as NaN is equal to nothing; "
                "let the probe return isnan() and nan_to_num()"
            )
    return outcomes


def _has_nan(plain: Any) -> bool:
    if isinstance(plain, dict):
        return any(map(_has_nan, plain.values()))
    if isinstance(plain, list | tuple):
        return any(map(_has_nan, plain))
    return (
        plain != plain
        if isinstance(plain, float)
        else isinstance(plain, torch.Tensor) and bool((plain != plain).any())
    )
