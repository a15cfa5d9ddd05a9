"""Running a submission's cells, in as many kernels as it takes."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from nbformat import NotebookNode
from nbformat.v4 import new_output

from cvgen_course.checks.mail import answers_file, questions_file
from cvgen_course.grading.kernel import End, Kernel
from cvgen_course.grading.one_thread import ONE_THREAD
from cvgen_course.grading.sandbox.limits import SandboxLimits
from cvgen_course.notebooks.cells import exercise_name, grade_id, is_check, is_solution

PRIVATE = ("CVGEN_SEED", "CVGEN_MAIL", "NBGRADER_VALIDATING")
MOST_KERNELS = 10
NOT_RUN = "NotRun"


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell_seconds: for one cell, then it is interrupted; None for as long as all cells may take.
        total_seconds: for all cells, in all kernels together.
        output_characters: of one cell; the rest is cut.
        total_characters: of all cells together; likewise.
        sandbox: what may be used in a sandbox.
    """

    cell_seconds: float | None = 30
    total_seconds: float = 600
    output_characters: int = 1_000_000
    total_characters: int = 30_000_000
    sandbox: SandboxLimits = field(default_factory=SandboxLimits)


@dataclass(frozen=True)
class Event:
    """Something that went wrong while a notebook ran.

    Attributes:
        status: ``"timeout"``, ``"kernel died"`` or ``"output cut"``.
        message: one sentence.
    """

    status: str
    message: str


def plain_environment() -> dict[str, str]:
    """Return this process's environment as a submission may see it, with one thread per library."""
    environment = {k: v for k, v in os.environ.items() if k not in PRIVATE}
    environment.setdefault("CVGEN_PROFILE", "smoke")
    return environment | ONE_THREAD | {"NBGRADER_EXECUTION": "autograde"}


@dataclass
class Execution:
    """The run of one notebook, in as many kernels as it takes.

    When a cell costs a kernel, a fresh one runs the cells before it again, without the culprit, and
    goes on behind it. What ran before keeps its outputs. `run` returns whatever the student's code
    does: cells that could not run get an error output named ``NotRun``.

    Attributes:
        notebook: a valid notebook; afterwards with outputs.
        make_kernel: makes a kernel for a copy of the notebook.
        limits: time and output.
        needed: positions of the code cells that run; None for all.
        questions: for checks whose answers are wanted, the questions by the exercise's name.
        events: what went wrong.
        answers: what came back, by the exercise's name; not to be trusted.
        lost: exercises whose answer or check cost a kernel, and was left out.
        seconds: how long it took, by ``"start"``, ``"cells"`` and ``"checks"``.
    """

    notebook: NotebookNode
    make_kernel: Callable[[NotebookNode], Kernel]
    limits: Limits
    needed: Collection[int] | None = None
    questions: Mapping[str, bytes] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("start", "cells", "checks"), 0.0)
    )

    def __post_init__(self) -> None:
        cells = self.notebook.cells
        code = [i for i, cell in enumerate(cells) if cell.cell_type == "code"]
        self.numbers = {index: number for number, index in enumerate(code, start=1)}
        self.cells = [
            index
            for index in code
            if cells[index].source.strip() and (self.needed is None or index in self.needed)
        ]
        self.done: set[int] = set()
        self.left_out: set[int] = set()
        self.deadline: float | None = None
        self.written = 0.0

    def run(self) -> Execution:
        """Run all cells, mark those that could not run, and return this object."""
        for _ in range(MOST_KERNELS):
            if self.run_in_fresh_kernel():
                return self
        self.stop("kernel died", f"After {MOST_KERNELS} Python processes, the rest was not run.")
        return self

    def run_in_fresh_kernel(self) -> bool:
        """Run the cells in their order, those that ran before for their definitions only.

        Returns:
            Whether the run is over; else another kernel is needed.
        """
        kernel, begin = self.make_kernel(copy.deepcopy(self.notebook)), monotonic()
        with kernel.started():
            self.seconds["start"] += monotonic() - begin
            self.deadline = self.deadline or monotonic() + self.limits.total_seconds
            for index in filter(self.is_needed, self.cells):
                left = self.deadline - monotonic()
                if left <= 0:
                    total = f"{self.limits.total_seconds:g} seconds"
                    self.stop("timeout", f"The notebook took more than {total}.")
                    break
                seconds = min(self.limits.cell_seconds or left, max(1, left))
                room = max(0, self.limits.total_characters - int(self.written))
                kernel.output_characters = min(self.limits.output_characters, room)
                end = self.run_cell(kernel, index, seconds)
                if end in ("died", "stuck"):
                    self.leave_out(kernel.last, end, seconds, kernel.verdict)
                    return False
                if index not in self.done:
                    self.done.add(index)
                    self.written += min(kernel.characters, kernel.output_characters)
                    self.notebook.cells[index] = kernel.nb.cells[index]
                    self.note(index, end, seconds, kernel.was_cut)
        return True

    def run_cell(self, kernel: Kernel, index: int, seconds: float) -> End:
        """Run a cell; where it is a check, hand over its questions before and take its answers."""
        cell, begin = self.notebook.cells[index], monotonic()
        name = exercise_name(cell) if is_check(cell) else ""
        questions = self.questions.get(name) if kernel.mailbox else None
        if questions is not None and kernel.mailbox is not None:
            with suppress(OSError):  # the student's code filled the place, or took it away
                kernel.mailbox.put(questions_file(name), questions)
        end = kernel.run_cell(index, seconds)
        if questions is not None and kernel.mailbox is not None and end not in ("died", "stuck"):
            answers = kernel.mailbox.take(answers_file(name))
            if answers is not None:
                self.answers[name] = answers
        self.seconds["checks" if name else "cells"] += monotonic() - begin
        return end

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

    def leave_out(self, index: int, end: End, seconds: float, verdict: str) -> None:
        """Leave out what cost a kernel: a cell, and the answer where the cell checks one."""
        cells = self.notebook.cells
        answer = exercise_name(cells[index]) if is_check(cells[index]) else None
        answers = {i for i in self.cells if is_solution(cells[i]) and grade_id(cells[i]) == answer}
        self.left_out |= {index, *answers}
        if answer or is_solution(cells[index]):
            self.lost.add(answer or grade_id(cells[index]))
        what = verdict or "ended the Python process"
        if end == "stuck" and not verdict:
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
