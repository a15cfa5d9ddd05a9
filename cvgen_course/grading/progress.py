"""What a teacher sees while a class is graded: live in a terminal, a line per student elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cvgen_course.grading.cohort import OnResult
from cvgen_course.grading.remarks import printable
from cvgen_course.grading.results import NEEDS_A_HUMAN, Result, number

MOST_PROBLEMS = 5
ESTIMATED_OVER = 120.0
"""Seconds that the rate and the time left are estimated from."""


@contextmanager
def shown(console: Console, chapter: str) -> Iterator[OnResult]:
    """Show how the grading of a class goes on.

    In a terminal: a bar, how many are graded, wait and need a human, the rate, the time left, and
    below it the last problems. Where the output goes into a file, a line for each submission.

    Yields:
        A function to give to `cohort.grade` as ``progress``.
    """
    with _Bar(console, chapter) as bar:

        def step(done: int, total: int, result: Result) -> None:
            if console.is_terminal:
                bar.add(done, total, result)
            else:
                console.print(_line(done, total, result), soft_wrap=True)

        yield step


class _Bar(Progress):
    """A bar with the last problems below it."""

    def __init__(self, console: Console, chapter: str):
        self._problems: deque[Text] = deque(maxlen=MOST_PROBLEMS)
        self._need_a_human = 0
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            speed_estimate_period=ESTIMATED_OVER,
        )
        self._class = self.add_task(escape(f"Grading {chapter}"), total=None, counts="")

    def add(self, done: int, total: int, result: Result) -> None:
        """Show a result."""
        if result.ending == NEEDS_A_HUMAN:
            self._need_a_human += 1
            self._problems.append(Text(_problem(result), style="red", overflow="ellipsis"))
        speed = self.tasks[self._class].speed
        counts = [f"waiting: {total - done}", f"for a human: {self._need_a_human}"]
        counts += [f"{60 * speed:.0f} a minute"] if speed else []
        self.update(self._class, completed=done, total=total, counts=", ".join(counts))

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is shown: the bar, the last problems."""
        yield from super().get_renderables()
        for problem in self._problems:
            problem.no_wrap = True
            yield problem


def _line(done: int, total: int, result: Result) -> Text:
    """Return what a log says of a result."""
    points = "" if result.total is None else f", {number(result.total)} points"
    when = f", {result.seconds:.1f} s" if result.fresh else ", unchanged since"
    text = f"{done}/{total} {printable(result.student)}: {result.status_word}{points}{when}"
    return Text(text)


def _problem(result: Result) -> str:
    why = next(iter(result.sentences), "")
    return f"  {printable(result.student)}: {result.status_word}. {why}".replace("\n", " ")
