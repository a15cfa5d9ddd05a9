"""The notebook's call: check a student's object by name, show the table, return the points."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from cvgen_course.checks.by_hand import with_numbers
from cvgen_course.checks.exercise import Exercise
from cvgen_course.checks.expected import expected
from cvgen_course.checks.grade import answer_by_name, make_cases
from cvgen_course.checks.judge import judge, refuse
from cvgen_course.checks.mail import ANSWERED, answer_by_mail
from cvgen_course.checks.run import text_of
from cvgen_course.checks.seed import PUBLIC_SEED, current_seed
from cvgen_course.checks.words import type_name
from cvgen_course.reports import MIME, Report, html_table, text_table


class PointsMissing(Exception):  # noqa: N818 - shown to students by nbgrader's Validate button
    """Validate shows nothing but exceptions, so the table is one."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Exercises(dict[str, Exercise]):
    """A chapter's exercises by name, in the lecture's order.

    Args:
        *modules: one for each exercise, which stands there as ``EXERCISE``.
    """

    def __init__(self, *modules: ModuleType) -> None:
        super().__init__({module.EXERCISE.name: module.EXERCISE for module in modules})

    def check(self, name: str, namespace: dict[str, Any]) -> float:
        """Check a student's answer, show a table of what passed, and return the points.

        Args:
            name: the exercise's name, which is the name of the student's function.
            namespace: where to find it: ``globals()``.

        Returns:
            The points, a float in [0, full points].
        """
        return check_by_name(self, name, namespace)


def check_by_name(exercises: dict[str, Exercise], name: str, namespace: dict[str, Any]) -> float:
    """Check the object that a notebook calls ``name``, and show the table.

    Args:
        exercises: a chapter's exercises by name.
        name: the exercise and the student's object.
        namespace: the notebook's ``globals()``.

    Returns:
        The points, a finite builtin float in [0, points of the exercise]; `ANSWERED` where another
        process asks and decides.

    Raises:
        PointsMissing: points are missing while ``NBGRADER_VALIDATING`` is set; the message is the
            text table.
    """
    if answer_by_mail(exercises, name, namespace):
        return ANSWERED
    report = report_by_name(exercises, name, namespace)
    if os.environ.get("NBGRADER_VALIDATING") and not report.passed:
        raise PointsMissing(text_table(report))
    show(report)
    return report.points


def report_by_name(exercises: dict[str, Exercise], name: str, namespace: dict[str, Any]) -> Report:
    """Do what ``check_by_name`` does, without showing anything or raising."""
    exercise = exercises.get(name)
    if exercise is None:
        note = f"There is no exercise `{name}` here; there are: {', '.join(exercises)}."
        return Report(name, "unknown exercise", 0.0, 0.0, (), note=note)
    cases = []
    try:
        cases = make_cases(exercise, current_seed())
        right = expected(exercise, cases)
        outcomes = answer_by_name(exercise, namespace, cases)
        report = judge(exercise, cases, outcomes, right)
        if current_seed() != PUBLIC_SEED:
            return report
        return with_numbers(report, cases, outcomes, right)
    except BaseException as error:
        note = (
            f"The check itself could not run ({type_name(error)}: {text_of(error)}). Restart the "
            "kernel and run all cells from the top; if that does not help, tell your teacher."
        )
        return refuse(exercise, cases, note)


def show(report: Report) -> None:
    """Show a report: as a table in a notebook, printed elsewhere."""
    try:
        if _in_kernel():
            from IPython.display import display

            bundle = {
                "text/plain": text_table(report),
                "text/html": html_table(report),
                MIME: report.to_json(),
            }
            display(bundle, raw=True)
        else:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            print(text_table(report).encode(encoding, "replace").decode(encoding))
    except Exception:  # a table that can't be shown costs no points
        return


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
