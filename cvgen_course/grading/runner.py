"""Who runs the submissions: this process, one after the other, or a cluster's workers."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

from cvgen_course.grading.task import Finished, Task, run

Ran = tuple[int, Finished | Exception]
"""Which task ended, counted from 0, and how."""


class Runner(Protocol):
    """What grading a class needs from whatever runs submissions.

    Attributes:
        in_this_process: whether a submission that ends its process ends this one.
    """

    in_this_process: bool

    def run(self, tasks: Iterable[Task]) -> Generator[Ran, None, None]:
        """Run tasks, and yield what came of each as soon as it is there, in any order.

        Tasks are taken one by one, when there is room for them. One that can't be run gives an
        error, and the others go on.
        """
        ...


class InTurn:
    """Runs submissions in this process, one after the other."""

    in_this_process = True

    def run(self, tasks: Iterable[Task]) -> Generator[Ran, None, None]:
        """Run tasks; see `Runner`."""
        for position, task in enumerate(tasks):
            try:
                yield position, run(task)
            except Exception as error:  # whatever it is, the next one is run
                yield position, error
