"""Tests that need not run again: the code that they follow from has not changed since they passed.

That is so for the tests of an exercise's answers, hunts for mutants among them: they look at code,
and at nothing else. With ``--changed`` those are left out that passed with the same hash of that
code; what passes is noted in pytest's cache. Whatever is missing there, or damaged, runs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cvgen_course.provenance import code_hash

TESTS = Path(__file__).parents[1]
PASSED = "cvgen/passed"
HASH = "follows_from"


def mark_tests_of_answers(items: list[pytest.Item]) -> None:
    """Mark what lies in ``tests/<chapter>/exercises``; elsewhere, tests are marked by hand."""
    for item in items:
        if item.path.parent.name == "exercises" and TESTS in item.path.parents:
            item.add_marker("answers")


def follows_from(item: pytest.Item) -> str | None:
    """Return a hash of the code that a test's result follows from; None where it always runs."""
    if item.get_closest_marker("answers") is None:
        return None
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    exercise = parameters.get("exercise")
    return _hash(item.path, exercise.probe.__module__ if exercise else None)


@cache
def _hash(path: Path, exercise: str | None) -> str:
    modules = [exercise] if exercise else []
    source = path.read_text(encoding="utf-8")
    return code_hash(*modules, sources=[source], roots={"support": TESTS / "support"})


def note_hashes(items: list[pytest.Item]) -> None:
    """Let each test's report carry its hash."""
    for item in items:
        if found := follows_from(item):
            item.user_properties.append((HASH, found))


def leave_out_unchanged(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what passed before with the same hash."""
    passed = known(config)
    unchanged = [item for item in items if passed.get(item.nodeid, "") == follows_from(item)]
    if unchanged:
        left_out = set(map(id, unchanged))
        items[:] = [item for item in items if id(item) not in left_out]
        config.hook.pytest_deselected(items=unchanged)
    config.stash[left_out_key] = len(unchanged)


left_out_key = pytest.StashKey[int]()


def known(config: pytest.Config) -> dict[str, str]:
    """Return the hashes with which tests passed, by the tests' names."""
    noted = config.cache.get(PASSED, {}) if hasattr(config, "cache") else {}
    return noted if isinstance(noted, dict) else {}


class Notes:
    """Notes which tests pass, in the process that sees all reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.passed: dict[str, str] = {}
        self.bad: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for key, value in report.user_properties:
            if key == HASH and report.when == "call" and report.passed:
                self.passed[report.nodeid] = value
        if report.failed:
            self.bad.add(report.nodeid)

    def pytest_testnodedown(self, node) -> None:
        """Take over what one of several processes left out; all leave out the same."""
        self.config.stash[left_out_key] = getattr(node, "workeroutput", {}).get("left_out", 0)

    def pytest_sessionfinish(self) -> None:
        if not hasattr(self.config, "cache"):  # -p no:cacheprovider
            return
        noted = {**known(self.config), **self.passed}
        good = {name: value for name, value in noted.items() if name not in self.bad}
        self.config.cache.set(PASSED, good)

    def pytest_terminal_summary(self, terminalreporter) -> None:
        count = self.config.stash.get(left_out_key, 0)
        if count:
            terminalreporter.write_line(
                f"{count} tests of answers were left out: they passed before, and the code that "
                "they follow from has not changed (make test ALL=1 runs them)"
            )
