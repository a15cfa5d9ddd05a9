"""Which known mistakes are named where the whole pattern of results is none of theirs."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from cvgen_course.checks import Case, Exercise, Mistake, grade

LENGTHS = (3, 4, 5, 6)


def plus_one(x: torch.Tensor) -> torch.Tensor:
    return x + 1


def _cases(rng: torch.Generator) -> list[Case]:
    return [Case(f"{n} values", {"x": torch.rand(n, generator=rng)}) for n in LENGTHS]


def _probe(implementation, inputs):
    return implementation(inputs["x"])


TWICE, LESS = "one is added twice", "one is taken away"
EXERCISE = Exercise(
    name="plus_one",
    title="Add one",
    points=4,
    reference=plus_one,
    cases=_cases,
    probe=_probe,
    mistakes=(Mistake("twice", lambda x: x + 2, TWICE), Mistake("less", lambda x: x - 1, LESS)),
)


def diagnosis(answer, exercise=EXERCISE):
    return grade(exercise, answer).diagnosis


def by_length(**answers):
    """Return an answer that adds a number which hangs on how many values there are."""
    added = {int(name.strip("_")): number for name, number in answers.items()}

    def answer(x):
        number = added.get(len(x), 1)
        if isinstance(number, Exception):
            raise number
        return x + number

    return answer


def test_a_whole_pattern_is_certain():
    assert diagnosis(lambda x: 2 + x) == f"This is what one gets when {TWICE}."


def test_a_mistake_is_named_beside_a_crash_on_an_edge_case():
    answer = by_length(_3=IndexError("no"), _4=2, _5=2, _6=2)
    assert diagnosis(answer) == f"In 3 of 4 failed cases, this is what one gets when {TWICE}."


def test_a_report_lists_the_mistakes_that_its_diagnosis_names():
    assert grade(EXERCISE, lambda x: 2 + x).mistakes == (TWICE,)
    assert grade(EXERCISE, by_length(_3=2, _4=2, _5=-1, _6=-1)).mistakes == (TWICE, LESS)
    assert grade(EXERCISE, lambda x: x + 1).mistakes == ()
    assert grade(EXERCISE, lambda x: x).mistakes == ()


def test_two_mistakes_are_named_each():
    answer = by_length(_3=2, _4=2, _5=-1, _6=-1)
    assert diagnosis(answer) == (
        f"In 2 of 4 failed cases, this is what one gets when {TWICE}. "
        f"In others, this is what one gets when {LESS}."
    )


def test_what_explains_less_than_half_is_not_named():
    assert diagnosis(by_length(_3=2, _4=7, _5=7, _6=7)) == ""


def test_a_right_result_speaks_against_a_mistake_that_would_be_wrong_there():
    assert diagnosis(by_length(_3=2, _4=2, _5=2)) == ""


def test_crashes_alone_say_nothing():
    no = IndexError("no")
    assert diagnosis(by_length(_3=no, _4=no, _5=no, _6=no)) == ""


def mistake(function):
    return dataclasses.replace(EXERCISE, mistakes=(Mistake("one", function, TWICE),))


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_one_case_is_enough_only_where_its_numbers_can_be_no_coincidence(number):
    exercise = mistake(lambda x: x + 1 if len(x) > 3 else x * 0 + number)
    no = IndexError("no")
    assert diagnosis(lambda x: x * 0 + number if len(x) == 3 else no.args[5], exercise) == ""
    exercise = mistake(lambda x: x + 1 if len(x) > 3 else x - 1)
    assert TWICE in diagnosis(lambda x: x - 1 if len(x) == 3 else no.args[5], exercise)


def test_a_result_of_less_precision_is_not_taken_for_a_small_mistake():
    def cases(rng):
        return [Case(f"{n}", {"x": torch.rand(n, generator=rng).double()}) for n in LENGTHS]

    exercise = dataclasses.replace(mistake(lambda x: x + 1 + 1e-8), cases=cases)
    assert diagnosis(lambda x: (x + 1).float(), exercise) == ""
    assert TWICE in diagnosis(lambda x: x + 1 + 1e-8, exercise)


def test_mistakes_that_explain_the_same_are_named_together():
    same = Mistake("same", lambda x: x + 2.0, "two is added")
    exercise = dataclasses.replace(EXERCISE, mistakes=(*EXERCISE.mistakes, same))
    answer = by_length(_3=IndexError("no"), _4=2, _5=2, _6=2)
    assert diagnosis(answer, exercise) == (
        f"In 3 of 4 failed cases, this is consistent with several mistakes: {TWICE}; or two is "
        "added."
    )
