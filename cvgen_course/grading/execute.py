"""Running a submission, behind one small interface: a sandbox or a cluster can take its place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from time import monotonic
from typing import Any, Protocol

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output

PRIVATE = ("CVGEN_SEED", "NBGRADER_VALIDATING")
STILL_BUSY_SECONDS = 3


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell_seconds: for one cell, then it is interrupted.
        total_seconds: for all cells, then the kernel is killed.
        output_characters: of one cell; the rest is cut.
    """

    cell_seconds: int = 30
    total_seconds: int = 600
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

        It returns whatever the student's code does: cells that could not run get an error output.

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
        client = _CellByCell(notebook, limits)
        client.run(folder, plain_environment() | dict(environment))
        return client.nb, client.events


def plain_environment() -> dict[str, str]:
    """Return this process's environment as a submission may see it, with one thread per library."""
    environment = {k: v for k, v in os.environ.items() if k not in PRIVATE}
    environment.setdefault("CVGEN_PROFILE", "smoke")
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return environment | dict.fromkeys(threads, "1") | {"NBGRADER_EXECUTION": "autograde"}


class _CellByCell(NotebookClient):
    """A notebook client that survives loops, floods of output and dead kernels.

    Attributes:
        events: what went wrong so far.
    """

    def __init__(self, notebook: NotebookNode, limits: Limits):
        super().__init__(
            notebook,
            allow_errors=True,
            timeout=limits.cell_seconds,
            interrupt_on_timeout=True,
            raise_on_iopub_timeout=False,
            shell_timeout_interval=1,
            shutdown_kernel="immediate",
            kernel_manager_class=AsyncKernelManager,
            on_cell_executed=_show_error,
            error_on_timeout={
                "ename": "CellTimeoutError",
                "evalue": "",
                "traceback": [f"Stopped: no end after {limits.cell_seconds} seconds"],
            },
        )
        self.limits = limits
        self.events: list[Event] = []
        self.characters = 0

    def run(self, folder: Path, environment: dict[str, str]) -> None:
        """Run cell after cell; after a death or the end of the time, mark the rest as not run."""
        code = [
            i for i, c in enumerate(self.nb.cells) if c.cell_type == "code" and c.source.strip()
        ]
        stopped = ""
        quiet = {"stdout": DEVNULL, "stderr": DEVNULL}  # what gets past the kernel's own capture
        with self.setup_kernel(cwd=str(folder), env=environment, **quiet):
            deadline = monotonic() + self.limits.total_seconds
            try:
                for number, index in enumerate(code, start=1):
                    if not stopped:
                        stopped = self.run_cell(index, number, deadline)
                    else:
                        _mark_not_run(self.nb.cells[index], stopped)
            except KeyboardInterrupt:
                _drop_tasks()
                raise

    def run_cell(self, index: int, number: int, deadline: float) -> str:
        """Run one cell.

        Returns:
            Why no further cell can run, or an empty text.
        """
        cell = self.nb.cells[index]
        self.characters = 0
        self.timeout = max(1, min(self.limits.cell_seconds, int(deadline - monotonic())))
        try:
            self.execute_cell(cell, index)
        except DeadKernelError:
            return self.stop(cell, "kernel died", f"Code cell {number} ended the Python process.")
        if self.characters > self.limits.output_characters:
            message = f"Code cell {number} wrote too much; its output was cut."
            self.events.append(Event("output cut", message))
        if _timed_out(cell):
            message = f"Code cell {number} did not end within {self.timeout} seconds."
            if not self.answers():
                return self.stop(cell, "timeout", f"{message[:-1]} and could not be interrupted.")
            self.events.append(Event("timeout", message))
        if monotonic() >= deadline:
            return self.stop(
                None, "timeout", f"The notebook took more than {self.limits.total_seconds} seconds."
            )
        return ""

    def stop(self, cell: NotebookNode | None, status: str, message: str) -> str:
        """Note why the run ends here."""
        self.events.append(Event(status, message))
        if cell is not None:
            _mark_not_run(cell, message)
        return message

    def answers(self) -> bool:
        """Return whether the kernel listens again after an interrupt."""
        if self.kc is None:
            return False
        self.timeout = STILL_BUSY_SECONDS
        try:
            return self.wait_for_reply(self.kc.execute("None", silent=True)) is not None
        except DeadKernelError:
            return False

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], *rest: Any
    ) -> NotebookNode | None:
        """Keep an output, up to the limit."""
        self.characters += _size(msg.get("content"))
        if self.characters > self.limits.output_characters:
            cut = new_output("stream", name="stdout", text="\n… the rest of the output was cut …\n")
            if not outs or outs[-1] != cut:
                outs.append(cut)
            return None
        return super().output(outs, msg, *rest)

    def on_comm_open_jupyter_widget(self, msg: dict[str, Any]) -> None:
        """Open no widget: one could take over other cells' outputs."""


def _show_error(cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
    """Give a cell an error output where the kernel only replied with one, e.g. after a timeout."""
    reply = execute_reply["content"]
    shown = [o.ename for o in cell.outputs if o.output_type == "error"]
    if reply["status"] == "error" and reply.get("ename") not in shown:
        name = str(reply.get("ename", "Error"))
        lines = [str(line) for line in reply.get("traceback") or [f"{name}: {reply.get('evalue')}"]]
        cell.outputs.append(new_output("error", ename=name, evalue="", traceback=lines))


def _drop_tasks() -> None:
    """End what still waits for the kernel, so that Ctrl-C is the last word."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _size(content: Any) -> int:
    """Return about how many characters an output has."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(map(_size, content.values()))
    if isinstance(content, list | tuple):
        return sum(map(_size, content))
    return 8


def _timed_out(cell: NotebookNode) -> bool:
    """Return whether a cell was stopped for taking too long."""
    return any(o.output_type == "error" and o.ename == "CellTimeoutError" for o in cell.outputs)


def _mark_not_run(cell: NotebookNode, why: str) -> None:
    """Put an error where a cell's outputs would be, so that no check in it counts."""
    cell.outputs = [new_output("error", ename="NotRun", evalue=why, traceback=[f"Not run: {why}"])]
