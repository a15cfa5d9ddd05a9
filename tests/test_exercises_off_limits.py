"""Whoever takes the course's own code for an answer gets nothing; whoever wrote it, everything."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from types import FunctionType

from support.exercises import every_exercise, graded
from support.mutants import rebuilt

from cvgen_course.checks import Exercise


@every_exercise
def test_reference_itself_gets_nothing(exercise):
    reference = exercise.reference

    def caller(*args, **kwargs):
        return reference(*args, **kwargs)

    @functools.wraps(reference)
    def wrapped(*args, **kwargs):
        return reference(*args, **kwargs)

    for answer in (reference, functools.partial(reference), caller, wrapped):
        assert graded(exercise, answer).points == 0.0


@every_exercise
def test_copy_of_the_reference_gets_nothing(exercise):
    reference = inspect.unwrap(exercise.reference)
    code = reference.__code__.replace(co_name="mine", co_filename="mine.py")
    copied = FunctionType(code, reference.__globals__, "mine", reference.__defaults__)

    def caller(*args, **kwargs):
        return copied(*args, **kwargs)

    for answer in (copied, caller):
        assert graded(exercise, answer).points == 0.0


@every_exercise
def test_wraps_above_ones_own_answer_costs_nothing(exercise):
    right = rebuilt(exercise.reference)

    @functools.wraps(exercise.reference)
    def answer(*args, **kwargs):
        return right(*args, **kwargs)

    assert graded(exercise, answer).points == exercise.points


@every_exercise
def test_answer_by_way_of_the_courses_mistakes_gets_nothing(exercise):
    items = vars(sys.modules[exercise.probe.__module__]).values()
    helpers = [f for f in items if inspect.isfunction(f) and f.__name__.startswith("_")]
    mistakes = [mistake.implementation for mistake in exercise.mistakes]
    assert set(mistakes) <= set(helpers)
    for item in helpers:
        assert graded(exercise, calls(item, exercise)).points == 0.0, item


def calls(item, exercise: Exercise):
    """Return a right answer that calls something forbidden on the way, and does nothing with it."""
    right = rebuilt(exercise.reference)
    try:
        parameters = inspect.signature(item).parameters.values()
    except ValueError:  # a C function
        parameters = ()
    needed = sum(
        each.default is each.empty and each.kind != each.VAR_KEYWORD for each in parameters
    )

    def answer(*args, **kwargs):
        with contextlib.suppress(Exception):
            item(*(args * 3)[: needed or len(args)])
        return right(*args, **kwargs)

    return answer


@every_exercise
def test_forbidden_call_gets_nothing(exercise):
    for item in exercise.forbidden:
        if callable(item) and not isinstance(item, type):  # a class wants arguments of its own
            assert graded(exercise, calls(item, exercise)).points == 0.0, item
