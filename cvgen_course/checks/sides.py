"""The two sides of a check with bytes between them: who answers, and who asks and decides.

The student's side gets the cases' inputs and returns outcomes; it never sees an expected value, a
title or a weight. What it sends is material to judge: it is decoded strictly and executed never.
"""

from __future__ import annotations

from typing import Any

from cvgen_course.checks.codec import MAX_BYTES, decode, encode
from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.grade import answer_by_name
from cvgen_course.checks.judge import judge, refuse
from cvgen_course.checks.outcome import KINDS, Outcome
from cvgen_course.checks.words import shorten
from cvgen_course.reports import Report

_TOO_LARGE = Outcome("wrong", text="What came back is too large.")


def encode_questions(cases: list[Case]) -> bytes:
    """Return the cases' inputs as bytes, for the student's side."""
    return encode([case.inputs for case in cases])


def answer_bytes(exercise: Exercise, namespace: dict[str, Any], questions: bytes) -> bytes:
    """The student's side: let the object of the exercise's name answer questions.

    Args:
        exercise: its probe is run.
        namespace: where the student's object is.
        questions: what ``encode_questions`` returned.

    Returns:
        The outcomes as bytes, for ``judge_bytes``.
    """
    cases = [Case(str(i), inputs) for i, inputs in enumerate(decode(questions))]
    outcomes = answer_by_name(exercise, namespace, cases)
    data = encode_outcomes(outcomes)
    return data if len(data) <= MAX_BYTES else encode_outcomes([_TOO_LARGE] * len(cases))


def judge_bytes(
    exercise: Exercise, cases: list[Case], answers: bytes, expected: list[Outcome]
) -> Report:
    """The trusted side: judge what came from the student's side; damaged bytes earn nothing."""
    try:
        outcomes = decode_outcomes(answers)
    except ValueError:
        return refuse(exercise, cases, "No answer came that could be read.")
    return judge(exercise, cases, outcomes, expected)


def encode_outcomes(outcomes: list[Outcome]) -> bytes:
    """Return outcomes as bytes."""
    return encode([[o.kind, o.value, o.text, o.exception, list(o.changed)] for o in outcomes])


def decode_outcomes(data: bytes) -> list[Outcome]:
    """Return the outcomes that ``encode_outcomes`` wrote.

    Raises:
        ValueError: these are no outcomes.
    """
    plain = decode(data)
    if type(plain) is not list:
        raise ValueError("outcomes: expected a list")
    return [_outcome(item) for item in plain]


def _outcome(item: Any) -> Outcome:
    if type(item) is not list or len(item) != 5:
        raise ValueError("outcomes: expected five things for each case")
    kind, value, text, exception, changed = item
    texts = [text, exception, *changed] if type(changed) is list else [None]
    if type(kind) is not str or kind not in KINDS or any(type(part) is not str for part in texts):
        raise ValueError("outcomes: expected a known kind and texts")
    changed = tuple(shorten(name, 60) for name in changed[:20])
    return Outcome(kind, value, shorten(text, 1000), shorten(exception, 60), changed)
