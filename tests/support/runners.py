"""Runners for grading a class: one that notes what it ran, one that runs no notebook at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Self

import nbformat
from nbformat import NotebookNode

from cvgen_course.grading.execute import Event
from cvgen_course.grading.runner import InTurn, Ran
from cvgen_course.grading.task import Finished, Task
from cvgen_course.notebooks.pairing import to_json

Execute = Callable[[NotebookNode, Task], tuple[NotebookNode, Iterable[Event]]]


class Alone:
    """A runner that is all workers there are, for `cohort.grade`."""

    most = 1

    def ready_for(self, count: int) -> AbstractContextManager[Self]:
        return nullcontext(self)


class Noting(Alone, InTurn):
    """Runs submissions in turn, and notes which.

    Attributes:
        ran: the tasks.
    """

    def __init__(self) -> None:
        self.ran: list[Task] = []

    def run(self, tasks: Iterable[Task]) -> Iterator[Ran]:
        return super().run(map(self._noted, tasks))

    def _noted(self, task: Task) -> Task:
        self.ran.append(task)
        return task


class Standing(Alone):
    """Starts no kernel; a function stands for the run of each notebook."""

    in_this_process = True

    def __init__(self, execute: Execute = lambda notebook, task: (notebook, ())) -> None:
        self._execute = execute

    def run(self, tasks: Iterable[Task]) -> Iterator[Ran]:
        for position, task in enumerate(tasks):
            notebook = nbformat.reads(task.notebook, as_version=4)
            notebook, events = self._execute(notebook, task)
            yield position, Finished(to_json(notebook), tuple(events))
