"""A failed case's numbers, where they are few enough to follow the case by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from cvgen_course.checks.exercise import Case
from cvgen_course.checks.outcome import Outcome
from cvgen_course.reports import Report, Row

MOST_NUMBERS = 60
_WIDTH = 76


def with_numbers(
    report: Report, cases: list[Case], outcomes: list[Outcome], expected: list[Outcome]
) -> Report:
    """Return a report whose failed rows carry their inputs and results, where these are few.

    Only for questions that are no secret: who knows the inputs can learn the answers by heart.
    """
    parts = zip(report.rows, cases, outcomes, expected, strict=False)
    return replace(report, rows=tuple(_row(*each) for each in parts))


def _row(row: Row, case: Case, outcome: Outcome, expected: Outcome) -> Row:
    if row.passed or not row.message or _count(case.inputs) > MOST_NUMBERS:
        return row
    shown = dict(case.inputs)
    if _count(expected.value) <= MOST_NUMBERS:
        shown |= _results("expected", expected.value)
        if outcome.kind == "value" and _count(outcome.value) <= MOST_NUMBERS:
            shown |= _results("got", outcome.value)
    return replace(row, numbers="\n".join(_line(name, value) for name, value in shown.items()))


def _results(word: str, value: Any) -> dict[str, Any]:
    """Return results by what they are called in the table."""
    if isinstance(value, dict):
        return {f"{word}, {name}": part for name, part in value.items()}
    return {word: value}


def _count(plain: Any) -> int:
    """Return how many numbers plain data has."""
    if isinstance(plain, torch.Tensor):
        return plain.numel()
    if isinstance(plain, dict):
        return sum(map(_count, plain.values()))
    if isinstance(plain, list | tuple):
        return sum(map(_count, plain))
    return 1


def _line(name: str, value: Any) -> str:
    """Return ``name = value``; the rows of a tensor stand below each other."""
    begin = f"{name} = "
    if isinstance(value, torch.Tensor):
        array = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        text = np.array2string(
            array, _WIDTH, precision=4, suppress_small=True, separator=", ", prefix=begin
        )
        return f"{begin}{text}" if array.size else f"{begin}empty, of shape {tuple(array.shape)}"
    if isinstance(value, list | tuple):
        return (
            "\n".join(_line(f"{name}[{i}]", item) for i, item in enumerate(value)) or begin + "[]"
        )
    return begin + (f"{value:.6g}" if isinstance(value, float) else str(value))
