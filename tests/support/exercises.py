"""What the tests of every chapter's exercises share: find them, grade answers, hunt mutants."""

from __future__ import annotations

import copy
import functools
import importlib
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.mutants import Mutant, mutants, rebuilt

import cvgen_course
from cvgen_course.checks import (
    PUBLIC_SEED,
    Case,
    Exercise,
    Outcome,
    answer,
    expected,
    judge,
    make_cases,
    run,
)
from cvgen_course.checks.judge import judge_case
from cvgen_course.reports import Report

SEEDS = (PUBLIC_SEED, "student 1", "student 2", "student 3")
"""The public seed and some grading seeds."""

Answer = Callable[..., Any]
Questions = list[tuple[Case, Outcome]]

torch.set_num_threads(1)  # tensors this small are ten times slower with two threads than with one


def all_exercises() -> dict[str, Exercise]:
    """Return the exercises of all chapters, by ``"chapter.name"``."""
    found = {}
    for module in pkgutil.iter_modules(cvgen_course.__path__):
        name = f"cvgen_course.{module.name}.exercises"
        if module.ispkg and importlib.util.find_spec(name) is not None:
            exercises = importlib.import_module(name).EXERCISES
            found |= {f"{module.name}.{key}": exercise for key, exercise in exercises.items()}
    return found


def every_exercise(test: Callable[..., None]) -> Callable[..., None]:
    """Let a test of answers run with each exercise."""
    each = [pytest.param(exercise, id=key) for key, exercise in all_exercises().items()]
    return pytest.mark.follows_from()(pytest.mark.parametrize("exercise", each)(test))


def questions(exercise: Exercise, seed: str = PUBLIC_SEED) -> Questions:
    """Return an exercise's cases and right outcomes; all tests share them.

    That is safe, since an answer gets copies of the inputs, and never sees a right outcome.
    """
    return list(_questions(replace(exercise, mistakes=(), forbidden=()), seed))


@functools.cache
def _questions(exercise: Exercise, seed: str) -> Questions:
    cases = make_cases(exercise, seed)
    return list(zip(cases, expected(exercise, cases), strict=True))


def graded(exercise: Exercise, implementation: Any, seed: str = PUBLIC_SEED) -> Report:
    """Do what ``grade`` does, with the questions that all tests share."""
    cases, right = map(list, zip(*questions(exercise, seed), strict=True))
    return judge(exercise, cases, answer(exercise, implementation, cases), right)


def failed(report: Report) -> list[str]:
    """Return the titles and messages of the cases that an answer failed."""
    return [f"{row.title}: {row.message}" for row in report.rows if not row.passed]


def assert_full_points(exercise: Exercise, answer: Answer, seeds: Collection[str] = SEEDS) -> None:
    """Nobody's correct work is rejected, whatever the seed."""
    for seed in seeds:
        report = graded(exercise, answer, seed)
        assert report.points == exercise.points, (seed, failed(report))
        assert type(report.points) is float
        assert report.diagnosis == ""


def assert_points_lost(
    exercise: Exercise, answer: Answer, seeds: Collection[str] = SEEDS[:2], at_least: float = 0.0
) -> None:
    """No wrong work passes, whatever the seed; ``at_least`` is a share of the full points."""
    exercise = replace(exercise, mistakes=())  # which mistake it is plays no part here
    for seed in seeds:
        points = graded(exercise, answer, seed).points
        assert 0 <= points < exercise.points, seed
        assert exercise.points - points >= at_least * exercise.points - 1e-9, (seed, points)


def assert_mutants_lose_points(
    exercise: Exercise,
    equivalent: dict[str, str],
    helpers: tuple[str, ...] = (),
    seeds: Collection[str] = SEEDS[1:3],
) -> None:
    """Each mutant of the reference loses points with each seed, or is known as equivalent.

    Args:
        exercise: the exercise.
        equivalent: a mutant's change → why it is right all the same.
        helpers: functions of the reference's module that are changed too.
        seeds: the seeds to grade with.
    """
    assert_full_points(exercise, rebuilt(exercise.reference), seeds)
    exercise = replace(exercise, mistakes=())
    all_asked = [questions(exercise, seed) for seed in seeds]
    survivors = {
        mutant.change
        for mutant in mutants(exercise.reference, helpers)
        if _lives(mutant, exercise, all_asked)
    }
    assert survivors == set(equivalent)


def _lives(mutant: Mutant, exercise: Exercise, all_asked: list[Questions]) -> bool:
    """Return whether a mutant has full points with any seed: whether it passes every case.

    Forbidden calls are watched for only where all the values are right: that takes twice the time.
    """
    values, calls = mutant.build(), functools.cache(mutant.build)
    return any(
        _passes(exercise, values, asked, watch=False) and _passes(exercise, calls(), asked)
        for asked in all_asked
    )


def _passes(exercise: Exercise, answer: Answer, asked: Questions, watch: bool = True) -> bool:
    """Return whether an answer passes every case; for one failure, that is quicker than `grade`.

    The case that fails moves to the front: where one mutant was found out, the next may be, too.
    """
    for i, (case, right) in enumerate(asked):
        (outcome,) = run(exercise, answer, [case], watch=watch, twice=False)
        if not judge_case(case, outcome, right).passed:
            asked.insert(0, asked.pop(i))
            return False
    return True


class Memorised:
    """An answer that knows by heart what the reference returns for the public seed.

    Where it has seen the very same arguments, it returns what it has noted for them; else what
    it has noted for the call at the same place.
    """

    def __init__(self, exercise: Exercise, cases: list[Any]) -> None:
        self.notes: list[tuple[Any, Any]] = []
        self.calls = 0
        for case in cases:
            exercise.probe(self._recorder(exercise.reference), copy.deepcopy(case.inputs))

    def _recorder(self, reference: Answer) -> Answer:
        def record(*args: Any, **kwargs: Any) -> Any:
            arguments = fingerprint((args, kwargs))
            result = reference(*args, **kwargs)
            self.notes.append((arguments, result))
            return result

        return record

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = fingerprint((args, kwargs))
        known = [result for seen, result in self.notes if seen == arguments]
        place = self.calls % len(self.notes)
        self.calls += 1
        return known[0] if known else self.notes[place][1]


def fingerprint(value: Any) -> Any:
    """Return something that is equal for arguments of equal content; all callables are alike."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), tuple(value.flatten().tolist())
    if isinstance(value, dict):
        return tuple((key, fingerprint(value[key])) for key in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(map(fingerprint, value))
    return "callable" if callable(value) else value
