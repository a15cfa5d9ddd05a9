from __future__ import annotations

import pytest

from cvgen_course.checks import Mistake, Mistakes


def test_when_declares_a_mistake_and_leaves_the_function_as_it_is():
    mistakes = Mistakes()

    def _adds(a, b):
        return a + b

    assert mistakes.when("it adds.")(_adds) is _adds
    assert list(mistakes) == [Mistake("adds", _adds, "it adds.")]


def test_mistakes_come_in_the_order_of_their_declaration():
    mistakes = Mistakes()

    @mistakes.when("it adds.")
    def _second(a, b): ...

    @mistakes.when("it multiplies.")
    def _first(a, b): ...

    assert [(mistake.name, mistake.diagnosis) for mistake in mistakes] == [
        ("second", "it adds."),
        ("first", "it multiplies."),
    ]


def test_when_refuses_a_name_twice():
    mistakes = Mistakes()

    @mistakes.when("it adds.")
    def _adds(a, b): ...

    with pytest.raises(ValueError, match="'adds' twice"):

        @mistakes.when("it adds again.")
        def _adds(a, b): ...
