"""The parts of the suite: which test belongs to which chapter, and how long each part takes."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from cvgen_course import chapters

COMMON = "common"
"""What ``--chapter`` calls the tests that belong to no chapter."""

_CHAPTER = re.compile("|".join(rf"(?<![a-z])({c.name})(?![a-z])" for c in chapters.CHAPTERS))


def chapter_of(nodeid: str) -> str:
    """Return the chapter that a test belongs to, by its name: the first that is in it."""
    found = _CHAPTER.search(nodeid)
    return found.group() if found else COMMON


def choose_chapter(config: pytest.Config, items: list[pytest.Item], wanted: str) -> None:
    """Deselect the tests of other chapters."""
    if wanted != COMMON:
        wanted = chapters.find(wanted).name
    others = [item for item in items if chapter_of(item.nodeid) != wanted]
    items[:] = [item for item in items if chapter_of(item.nodeid) == wanted]
    if others:
        config.hook.pytest_deselected(items=others)


class Times:
    """Adds up the seconds of each part: the first folder or file below ``tests``, or another."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        part = self._part(report.nodeid)
        self.seconds[part] += report.duration
        self.tests[part] += report.when == "call"

    @staticmethod
    def _part(nodeid: str) -> str:
        folders = nodeid.partition("::")[0].split("/")
        if folders[0] == "solutions":
            return "solutions (nbval)"
        if len(folders) > 3 and folders[2] == "exercises":
            return "/".join(folders[1:3])
        return folders[1] if folders[0] == "tests" and len(folders) > 1 else folders[0]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the parts, the longest first: seconds of work, all processes together."""
        if sum(self.seconds.values()) < 30:
            return
        terminalreporter.section("seconds of work in each part", sep="-")
        for part, seconds in self.seconds.most_common():
            terminalreporter.write_line(f"{seconds:8.1f} s {self.tests[part]:6} tests  {part}")
        total = sum(self.seconds.values())
        terminalreporter.write_line(f"{total:8.1f} s {sum(self.tests.values()):6} tests  together")
