"""Running a submission, behind one small interface: a sandbox or a cluster can take its place."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from nbformat import NotebookNode
from nbformat.v4 import new_output

from cvgen_course.grading.kernel import End, Kernel
from cvgen_course.notebooks.cells import exercise_name, grade_id, is_check, is_solution

PRIVATE = ("CVGEN_SEED", "NBGRADER_VALIDATING")
MOST_KERNELS = 10
NOT_RUN = "NotRun"


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell_seconds: for one cell, then it is interrupted; None for as long as all cells may take.
        total_seconds: for all cells, in all kernels together.
        output_characters: of one cell; the rest is cut.
    """

    cell_seconds: float | None = 30
    total_seconds: float = 600
    output_characters: int = 1_000_000


@dataclass(frozen=True)
class Event:
    """Something that went wrong while a notebook ran.

    Attributes:
        status: ``"timeout"``, ``"kernel died"`` or ``"output cut"``.
        message: one sentence.
    """

    status: str
    message: str


class Executor(Protocol):
    """What grading needs from whatever runs notebooks."""

    def execute(
        self, notebook: NotebookNode, folder: Path, environment: Mapping[str, str], limits: Limits
    ) -> tuple[NotebookNode, list[Event]]:
        """Run all cells of a notebook and return it with outputs.

        It returns whatever the student's code does: cells that could not run get an error output
        named ``NotRun``. What ends the Python process, or hangs and can't be interrupted, is left
        out, and the rest is run without it.

        Args:
            notebook: a valid notebook.
            folder: the working folder; the notebook's files lie there.
            environment: variables for the kernel, on top of a plain environment.
            limits: time and output.
        """
        ...


class LocalExecutor:
    """Runs notebooks in a kernel on this machine, as this user: for students whom one trusts."""

    def execute(
        self, notebook: NotebookNode, folder: Path, environment: Mapping[str, str], limits: Limits
    ) -> tuple[NotebookNode, list[Event]]:
        """Run all cells; see `Executor`."""
        run = _Run(notebook, folder, plain_environment() | dict(environment), limits)
        run.run()
        return run.notebook, run.events


def plain_environment() -> dict[str, str]:
    """Return this process's environment as a submission may see it, with one thread per library."""
    environment = {k: v for k, v in os.environ.items() if k not in PRIVATE}
    environment.setdefault("CVGEN_PROFILE", "smoke")
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return environment | dict.fromkeys(threads, "1") | {"NBGRADER_EXECUTION": "autograde"}


class _Run:
    """The run of one notebook, in as many kernels as it takes.

    When a cell costs a kernel, a fresh one runs the cells before it again, without the culprit, and
    goes on behind it. What ran before keeps its outputs.

    Attributes:
        notebook: the notebook with the outputs so far.
        events: what went wrong so far.
    """

    def __init__(
        self, notebook: NotebookNode, folder: Path, environment: dict[str, str], limits: Limits
    ):
        self.notebook = notebook
        self.folder, self.environment, self.limits = folder, environment, limits
        self.events: list[Event] = []
        code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        self.numbers = {index: number for number, index in enumerate(code, start=1)}
        self.cells = [index for index in code if notebook.cells[index].source.strip()]
        self.done: set[int] = set()
        self.left_out: set[int] = set()
        self.deadline: float | None = None

    def run(self) -> None:
        """Run all cells, and mark those that could not run."""
        for _ in range(MOST_KERNELS):
            if self.run_in_fresh_kernel():
                return
        self.stop("kernel died", f"After {MOST_KERNELS} Python processes, the rest was not run.")

    def run_in_fresh_kernel(self) -> bool:
        """Run the cells in their order, those that ran before for their definitions only.

        Returns:
            Whether the run is over; else another kernel is needed.
        """
        kernel = Kernel(copy.deepcopy(self.notebook), self.limits.output_characters)
        with kernel.started(self.folder, self.environment):
            self.deadline = self.deadline or monotonic() + self.limits.total_seconds
            for index in filter(self.is_needed, self.cells):
                left = self.deadline - monotonic()
                if left <= 0:
                    total = f"{self.limits.total_seconds:g} seconds"
                    self.stop("timeout", f"The notebook took more than {total}.")
                    break
                seconds = min(self.limits.cell_seconds or left, max(1, left))
                end = kernel.run_cell(index, seconds)
                if end in ("died", "stuck"):
                    self.leave_out(kernel.last, end, seconds)
                    return False
                if index not in self.done:
                    self.done.add(index)
                    self.notebook.cells[index] = kernel.nb.cells[index]
                    self.note(index, end, seconds, kernel.was_cut)
        return True

    def is_needed(self, index: int) -> bool:
        """Return whether a kernel runs a cell; a check that ran defines nothing for others."""
        again = index in self.done
        return index not in self.left_out and not (again and is_check(self.notebook.cells[index]))

    def note(self, index: int, end: End, seconds: float, was_cut: bool) -> None:
        """Note what went wrong in a cell that left the kernel alive."""
        if was_cut:
            message = f"{self.name(index)} wrote too much; its output was cut."
            self.events.append(Event("output cut", message))
        if end == "timeout":
            message = f"{self.name(index)} did not end within {round(seconds, 1):g} seconds."
            self.events.append(Event("timeout", message))

    def leave_out(self, index: int, end: End, seconds: float) -> None:
        """Leave out what cost a kernel: a cell, and the answer where the cell checks one."""
        cells = self.notebook.cells
        answer = exercise_name(cells[index]) if is_check(cells[index]) else None
        answers = {i for i in self.cells if is_solution(cells[i]) and grade_id(cells[i]) == answer}
        self.left_out |= {index, *answers}
        what = "ended the Python process"
        if end == "stuck":
            what = f"did not end within {round(seconds, 1):g} seconds and could not be interrupted"
        rest = f"the rest was run without {'the answer' if answers else 'it'}"
        message = f"{self.name(index)} {what}; {rest}."
        self.events.append(Event("timeout" if end == "stuck" else "kernel died", message))
        if index not in self.done:
            self.done.add(index)
            _mark_not_run(cells[index], message)

    def stop(self, status: str, message: str) -> None:
        """Note why the run ends here, in all cells that did not run."""
        self.events.append(Event(status, message))
        for index in self.cells:
            if index not in self.done:
                _mark_not_run(self.notebook.cells[index], message)

    def name(self, index: int) -> str:
        """Return what a sentence calls a code cell."""
        cell, number = self.notebook.cells[index], self.numbers[index]
        if is_check(cell):
            return f"The check of {exercise_name(cell)} (code cell {number})"
        if is_solution(cell):
            return f"The answer {grade_id(cell)} (code cell {number})"
        above = [grade_id(c) for c in self.notebook.cells[:index] if is_solution(c)]
        return f"Code cell {number}" + (f", after the answer {above[-1]}," if above else "")


def _mark_not_run(cell: NotebookNode, why: str) -> None:
    """Put an error where a cell's outputs would be, so that no check in it counts."""
    cell.outputs = [new_output("error", ename=NOT_RUN, evalue=why, traceback=[f"Not run: {why}"])]
