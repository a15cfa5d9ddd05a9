"""Run the checks one by one and say at once what each found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from typing import TextIO

import typer

from cvgen_course.doctor.course import check_checkout, check_profile
from cvgen_course.doctor.data import check_data
from cvgen_course.doctor.finding import Finding
from cvgen_course.doctor.jupyter import check_jupyter
from cvgen_course.doctor.packages import check_packages, check_python
from cvgen_course.doctor.system import check_browser, check_disk, check_sandbox
from cvgen_course.doctor.torch_pair import check_torch

Check = Callable[[], list[Finding]]

CHECKS: tuple[Check, ...] = (
    check_python,
    check_checkout,
    check_packages,
    check_torch,
    check_jupyter,
    check_profile,
    check_data,
    check_disk,
    check_browser,
    check_sandbox,
)
COLOURS = {"ok": "green", "optional": "yellow", "wrong": "red"}
TICK = 2
"""Seconds after which a check that is still running says so, again and again."""


def examine(checks: Iterable[Check] = CHECKS, stream: TextIO | None = None) -> bool:
    """Run checks and write what they find, line by line.

    Args:
        checks: functions that return findings; one that raises counts as a finding.
        stream: where to write; standard output where None.

    Returns:
        Whether all that a student needs is there: nothing is ``"wrong"``.
    """
    stream = stream or sys.stdout
    wrong = optional = 0
    for check in checks:
        for finding in patiently(check, stream):
            mark = typer.style(f"{finding.status:8}", fg=COLOURS[finding.status])
            typer.echo(f"{mark}  {finding.what}", file=stream)
            if finding.mend:
                typer.echo(f"{'':8}  mend: {finding.mend}", file=stream)
            wrong += finding.status == "wrong"
            optional += finding.status == "optional"
    typer.echo(f"\n{summary(wrong, optional)}", file=stream)
    return wrong == 0


def patiently(check: Check, stream: TextIO) -> list[Finding]:
    """Run a check; while it runs, show that it does."""
    title = check.__name__.removeprefix("check_")
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(check)
        for seconds in count(TICK, TICK):
            if wait([running], timeout=TICK).done:
                break
            typer.echo(f"{'':8}  ... {title}, {seconds} s", file=stream)
    try:
        return running.result()
    except Exception as error:
        return [Finding("wrong", f"{title}: can't be checked, {type(error).__name__}: {error}")]


def summary(wrong: int, optional: int) -> str:
    """Return the last sentence of the report."""
    if wrong:
        number = "One thing is" if wrong == 1 else f"{wrong} things are"
        return f"{number} wrong. Do what stands after 'mend', from the top, then ask again."
    if optional:
        return "All that a student needs is there. What is optional can wait until it is missed."
    return "Everything is there."
