"""The oracle: it asks, it knows what is right, it decides; no student's code reaches it.

A submission gets the questions' inputs and gives answers as plain data. All else stays here: the
right answers, the comparison, the points. What a notebook shows counts for nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cached_property

from nbformat import NotebookNode
from nbformat.v4 import new_output

from cvgen_course.checks import Case, Exercise, encode_questions, expected, judge_bytes, make_cases
from cvgen_course.checks.judge import refuse
from cvgen_course.checks.mail import ANSWERED
from cvgen_course.grading.results import number
from cvgen_course.notebooks.cells import check_call, exercise_name
from cvgen_course.reports import MIME, Report, html_table, text_table

NO_ANSWER = "No answer came: the check's cell was run, and did not check."


class Oracle:
    """Questions, right answers and points of one exercise for one student.

    Args:
        exercise: what was asked.
        seed: the student's, from which the questions follow.
    """

    def __init__(self, exercise: Exercise, seed: str):
        self.exercise, self.seed = exercise, seed

    @cached_property
    def cases(self) -> list[Case]:
        """The questions."""
        return make_cases(self.exercise, self.seed)

    @property
    def questions(self) -> bytes:
        """What a student's process gets of them."""
        return encode_questions(self.cases)

    def decide(self, answers: bytes) -> Report:
        """Judge what came back; damaged bytes earn nothing."""
        right = expected(self.exercise, self.cases)
        return judge_bytes(self.exercise, self.cases, answers, right)

    def refuse(self) -> Report:
        """Return the report of a check that gave no answers."""
        return refuse(self.exercise, self.cases, NO_ANSWER)


def oracles(checks: Iterable[NotebookNode], seed: str) -> dict[str, Oracle]:
    """Return an oracle for each exercise that a notebook's checks ask for, by name.

    Those are left out whose exercise can't be found outside the notebook.
    """
    found = {}
    for cell in checks:
        call = check_call(cell.source)
        exercise = _exercise(call.module, call.name) if call else None
        if call and exercise:
            found[call.name] = Oracle(exercise, seed)
    return found


def _exercise(module: str, name: str) -> Exercise | None:
    """Return the exercise that a check asks for; None where there is none to be found.

    Other than in `find_exercise`, an import that fails is an error: nobody else may decide then.
    """
    if not module.startswith("cvgen_course."):
        return None
    exercises = getattr(importlib.import_module(module), "EXERCISES", {})
    exercise = exercises.get(name)
    return exercise if isinstance(exercise, Exercise) else None


def record(cell: NotebookNode, report: Report | None, oracle: Oracle) -> tuple[Report | None, str]:
    """Put what the oracle decided in the place of what a check's cell shows.

    A cell that could not run, or failed, and gave no answers, stays as it is: it earns nothing.

    Args:
        cell: a check's cell, after its run.
        report: what the oracle decided; None where no answers came.
        oracle: the exercise's.

    Returns:
        The report that stands there now, and a sentence where the cell showed what a check never
        shows; else an empty text.
    """
    claim = _claim(cell)
    if report is None:
        if any(output.output_type == "error" for output in cell.outputs):
            return None, ""
        report = oracle.refuse()
        claim = claim or "shows nothing"
    cell.outputs = [
        new_output(
            "display_data",
            data={
                "text/plain": text_table(report),
                "text/html": html_table(report),
                MIME: report.to_json(),
            },
        ),
        new_output("execute_result", data={"text/plain": repr(report.points)}),
    ]
    if not claim:
        return report, ""
    return report, (
        f"The check of {exercise_name(cell)} {claim}, as no check does: the student's code has "
        f"tampered with it. {number(report.points)} points were earned, and count."
    )


def _claim(cell: NotebookNode) -> str:
    """Return what a check's cell shows that a check does not; empty where there is nothing."""
    results = [o for o in cell.outputs if o.output_type == "execute_result"]
    shown = ["".join(o.get("data", {}).get("text/plain", "")) for o in results]
    wrong = [text for text in shown if not _is_answered(text)]
    if wrong:
        return f"shows {wrong[0][:40]!r}"
    if len(shown) > 1:
        return f"shows {len(shown)} results"
    if any(MIME in output.get("data", {}) for output in cell.outputs):
        return "shows a report"
    return ""


def _is_answered(text: str) -> bool:
    """Return whether a text is what a check returns, in any format: ``%precision`` changes it."""
    try:
        return float(text) == ANSWERED
    except ValueError:
        return False
