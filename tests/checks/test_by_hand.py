"""The numbers of a failed case: there where they are few, and no secret."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from support.toy_exercises import EXERCISES

from cvgen_course.checks import Case, report_by_name
from cvgen_course.checks.by_hand import MOST_NUMBERS

MEAN = EXERCISES["weighted_mean"]


def numbers(implementation, exercise=MEAN):
    namespace = {exercise.name: implementation}
    report = report_by_name({exercise.name: exercise}, exercise.name, namespace)
    return [row.numbers for row in report.rows]


def asked(*cases, probe=None):
    """Return an exercise with these cases; what is expected is the sum of all inputs."""
    questions = [Case(str(i), inputs) for i, inputs in enumerate(cases)]
    return dataclasses.replace(
        EXERCISES["nearest"],
        name="added",
        reference=lambda **inputs: sum(x.sum() for x in inputs.values() if torch.is_tensor(x)),
        cases=lambda rng: questions,
        probe=probe or (lambda implementation, inputs: implementation(**inputs)),
    )


def test_a_failed_case_shows_inputs_and_both_results():
    exercise = asked({"x": torch.tensor([[1.0, 2.5], [3.0, 4.0]]), "beta": 0.5})
    (text,) = numbers(lambda x, beta: x.sum() + 1, exercise)
    assert text.splitlines() == [
        "x = [[1. , 2.5],",
        "     [3. , 4. ]]",
        "beta = 0.5",
        "expected = 10.5",
        "got = 11.5",
    ]


def test_a_passed_case_shows_none():
    assert numbers(lambda x, w: (x * w).sum() / w.sum()) == ["", "", ""]


def test_too_many_numbers_are_not_shown():
    shown = numbers(
        lambda x: x.sum() + 1, asked(*({"x": torch.rand(MOST_NUMBERS + i)} for i in (0, 1)))
    )
    assert [bool(text) for text in shown] == [True, False]


def test_nothing_is_shown_while_grading(monkeypatch):
    monkeypatch.setenv("CVGEN_SEED", "a student's own")
    assert numbers(lambda x, w: x.sum()) == ["", "", ""]


def test_an_answer_that_raises_shows_inputs_and_what_was_expected():
    def raises(x, w):
        raise ValueError

    text = numbers(raises)[0]
    assert "w = [" in text
    assert "expected, the mean = " in text
    assert "got" not in text


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (torch.zeros(0, 4), "x = empty, of shape (0, 4)"),
        (torch.tensor([0.5], dtype=torch.bfloat16), "x = [0.5]"),
        ([torch.tensor([1]), 2], "x[0] = [1]"),
        ([], "x = []"),
        ("same", "x = same"),
        (None, "x = None"),
    ],
)
def test_all_plain_data_can_be_shown(value, line):
    def probe(implementation, inputs):
        return implementation()

    exercise = dataclasses.replace(asked({"x": value}, probe=probe), reference=lambda: 1.0)
    (text,) = numbers(lambda: 2.0, exercise)
    assert line in text.splitlines()
