"""Answers as students give them: right ones pass, wrong ones are recognised, none falsely.

They lie in `tests/<chapter>/answers/<exercise>.py`: `RIGHT`, and `WRONG`, in which each has the
names of the known mistakes that it carries. What stands in `tests/<chapter>/exercises/` tries how
strict a check is; these try how helpful.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.exercises import all_exercises, assert_full_points, graded

from cvgen_course.checks import Exercise
from cvgen_course.reports import Report

TESTS = Path(__file__).parent
EXERCISES = all_exercises()
FILES = {
    f"{path.parents[1].name}.{path.stem}": path for path in sorted(TESTS.glob("*/answers/*.py"))
}
EACH = [
    pytest.param(
        EXERCISES[key],
        key,
        id=key,
        marks=pytest.mark.follows_from(path.relative_to(TESTS.parent).as_posix()),
    )
    for key, path in FILES.items()
]
every_file = pytest.mark.parametrize(("exercise", "key"), EACH)


@pytest.fixture
def soon_over(monkeypatch):
    """Stop wrong answers without end quickly; right ones have all the time they get elsewhere."""
    monkeypatch.setattr(sys.modules["cvgen_course.checks.run"], "SECONDS", 4.0)


@functools.cache
def answers_of(key: str) -> ModuleType:
    """Return the answers to an exercise."""
    spec = importlib.util.spec_from_file_location(f"answers_to_{key}", FILES[key])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def wrong_answers(key: str) -> list[tuple[str, set[str], Report]]:
    """Return each wrong answer's name, the known mistakes that it carries, and its report."""
    return [
        (answer.__name__, set(carries.split()), graded(EXERCISES[key], answer))
        for answer, carries in answers_of(key).WRONG.items()
    ]


def named(exercise: Exercise, report: Report) -> set[str]:
    """Return the known mistakes that a report's diagnosis names."""
    return {m.name for m in exercise.mistakes if m.diagnosis.rstrip(".") in report.mistakes}


@every_file
def test_right_answers_get_full_points(exercise, key):
    for answer in answers_of(key).RIGHT:
        assert_full_points(exercise, answer)


@pytest.mark.usefixtures("soon_over")
@every_file
def test_wrong_answers_lose_points(exercise, key):
    assert [name for name, _, report in wrong_answers(key) if report.passed] == []


@pytest.mark.usefixtures("soon_over")
@every_file
def test_no_mistake_is_named_that_an_answer_does_not_carry(exercise, key):
    false = {
        name: named(exercise, report) - carries
        for name, carries, report in wrong_answers(key)
        if named(exercise, report) - carries
    }
    assert false == {}


@pytest.mark.usefixtures("soon_over")
@every_file
def test_mistakes_are_known_ones(exercise, key):
    known = {mistake.name for mistake in exercise.mistakes}
    assert set().union(*(carries for _, carries, _ in wrong_answers(key))) <= known


@pytest.mark.usefixtures("soon_over")
@every_file
def test_most_wrong_answers_are_recognised(exercise, key):
    reports = [report for _, _, report in wrong_answers(key)]
    silent = [name for name, _, report in wrong_answers(key) if not named(exercise, report)]
    assert len(silent) <= 0.3 * len(reports), silent
