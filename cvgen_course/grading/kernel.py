"""A kernel that runs cells one by one, whatever they do: loops, floods, deaths, odd outputs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Literal

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output

from cvgen_course.checks.mail import MAIL
from cvgen_course.grading.outputs import BUNDLES, lines, size, tidied
from cvgen_course.grading.sandbox.box import Sandbox
from cvgen_course.grading.sandbox.limits import SandboxLimits
from cvgen_course.grading.sandbox.mailbox import Mailbox
from cvgen_course.grading.sandbox.provisioner import SandboxProvisioner

STILL_BUSY_SECONDS = 3
CUT = "\n… the rest of the output was cut …\n"

End = Literal["", "timeout", "stuck", "died"]
"""How a cell ended: well; interrupted after its time; it can't be interrupted; the kernel died."""


class Kernel(NotebookClient):
    """A fresh kernel for a notebook, and the outputs of what it runs.

    This one runs with the rights of this process's user, in a folder on disk.

    Args:
        notebook: cells that are run get their outputs there.
        output_characters: of one cell; the rest is cut.
        folder: where the kernel works.
        environment: its variables, all of them.

    Attributes:
        nb: the notebook.
        last: the cell that was run last: the one that a death belongs to.
        mailbox: the folder for questions and answers; None before the kernel was started.
    """

    last = -1
    seconds = 0.0
    mailbox: Mailbox | None = None

    def __init__(
        self,
        notebook: NotebookNode,
        output_characters: int,
        folder: Path,
        environment: Mapping[str, str],
    ):
        super().__init__(
            notebook,
            allow_errors=True,
            timeout=STILL_BUSY_SECONDS,
            timeout_func=lambda cell: self.seconds,
            interrupt_on_timeout=True,
            raise_on_iopub_timeout=False,
            shell_timeout_interval=1,
            shutdown_kernel="immediate",
            kernel_manager_class=AsyncKernelManager,
            on_cell_executed=self.look_at_reply,
            record_timing=False,
            store_widget_state=False,
        )
        self.output_characters = output_characters
        self.folder, self.environment = folder, dict(environment)
        self.characters = 0.0
        self.left = False

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start the kernel; kill it in the end."""
        quiet = {"stdout": DEVNULL, "stderr": DEVNULL}  # what gets past the kernel's own capture
        with self.setup_kernel(
            cleanup_kc=True, cwd=str(self.folder), env=self.environment, **quiet
        ):
            try:
                self.mailbox = self.open_mailbox()
                yield
            except KeyboardInterrupt:
                _drop_tasks()
                raise
            finally:
                if self.mailbox is not None:
                    self.mailbox.close()

    def open_mailbox(self) -> Mailbox | None:
        """Return the folder for questions and answers, where there is one."""
        folder = self.environment.get(MAIL)
        return Mailbox(Path(folder)) if folder else None

    @property
    def verdict(self) -> str:
        """Return which limit ended the kernel, as the end of "It …"; empty where none did."""
        return ""

    def run_cell(self, index: int, seconds: float) -> End:
        """Run one cell, unless the one before has ended the process behind it.

        Args:
            index: the cell's position in the notebook.
            seconds: after them it is interrupted.
        """
        cell = self.nb.cells[index]
        self.seconds, self.characters, self.left = seconds, 0.0, False
        self.error_on_timeout = {
            "ename": "CellTimeoutError",
            "evalue": "",
            "traceback": [f"Stopped: no end after {round(seconds, 1):g} seconds"],
        }
        try:
            if self.last >= 0:
                self.check_alive()
            self.last = index
            self.execute_cell(cell, index)
        except DeadKernelError:
            self.kill_children()
            return "died"
        if self.left:
            return "died"
        if any(o.output_type == "error" and o.ename == "CellTimeoutError" for o in cell.outputs):
            return "timeout" if self.answers() else "stuck"
        return ""

    @property
    def was_cut(self) -> bool:
        """Return whether the last cell wrote too much."""
        return self.characters > self.output_characters

    def check_alive(self) -> None:
        """Raise DeadKernelError unless the kernel's process is there."""
        run_sync(self._async_check_alive)()

    def kill_children(self) -> None:
        """Kill what a dead kernel had started; a living one takes it along when it is shut down."""
        group = getattr(self.km and self.km.provisioner, "pgid", None)
        if group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    def answers(self) -> bool:
        """Return whether the kernel listens again after an interrupt."""
        if self.kc is None:
            return False
        try:
            return self.wait_for_reply(self.kc.execute("None", silent=True)) is not None
        except DeadKernelError:
            return False

    def look_at_reply(self, cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
        """Note a cell that called ``exit``, and show an error that the kernel only replied with."""
        reply = execute_reply["content"]
        self.left = any(part.get("source") == "ask_exit" for part in reply.get("payload") or [])
        shown = [output.ename for output in cell.outputs if output.output_type == "error"]
        if reply["status"] == "error" and reply.get("ename") not in shown:
            name = str(reply.get("ename", "Error"))
            traceback = lines(reply.get("traceback") or f"{name}: {reply.get('evalue')}")
            cell.outputs.append(new_output("error", ename=name, evalue="", traceback=traceback))

    async def _async_poll_output_msg(
        self, parent_msg_id: str, cell: NotebookNode, cell_index: int
    ) -> None:
        """Read messages until the cell has ended; what can't be read as one is left out."""
        while True:
            try:
                await super()._async_poll_output_msg(parent_msg_id, cell, cell_index)
                return
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                self.log.debug("a message could not be read", exc_info=True)

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Take in one message of the kernel; one that makes no sense is left out."""
        kind = msg["msg_type"]
        try:
            if kind in BUNDLES or kind in ("stream", "error"):
                amount = size(msg["content"])
                self.characters += amount if kind != "update_display_data" else 0
                if self.was_cut or amount > self.output_characters:
                    self.cut(cell)
                    return None
            msg["content"] = tidied(kind, msg["content"])
            return super().process_message(msg, cell, cell_index)
        except CellExecutionComplete:
            raise
        except Exception:  # a kernel can send anything, and nothing of it may stop the grading
            self.log.debug("left out: %r", msg, exc_info=True)
            return None

    def cut(self, cell: NotebookNode) -> None:
        """Write in the place of an output that there was too much."""
        note = new_output("stream", name="stdout", text=CUT)
        if not cell.outputs or cell.outputs[-1] != note:
            cell.outputs.append(note)

    def on_comm_open_jupyter_widget(self, msg: dict[str, Any]) -> None:
        """Open no widget: one could take over other cells' outputs."""


class SandboxKernel(Kernel):
    """A kernel in a sandbox of its own.

    Args:
        notebook: cells that are run get their outputs there.
        output_characters: of one cell; the rest is cut.
        files: what lies in the folder where the kernel works.
        environment: variables, on top of the sandbox's own.
        modules: what it has imported when it starts; they must be trusted.
        limits: what it may use.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        output_characters: int,
        files: Mapping[str, bytes],
        environment: Mapping[str, str],
        modules: Sequence[str],
        limits: SandboxLimits,
    ):
        super().__init__(notebook, output_characters, Path("/"), environment)
        self.files, self.modules, self.limits = files, modules, limits
        self.sandbox: Sandbox | None = None

    def create_kernel_manager(self) -> AsyncKernelManager:
        """Return a manager that starts its kernel in a sandbox."""
        manager = AsyncKernelManager(kernel_name="python3")
        manager.provisioner = SandboxProvisioner(
            parent=manager,
            kernel_id="submission",
            kernel_spec=manager.kernel_spec,
            files=dict(self.files),
            modules=tuple(self.modules),
            limits=self.limits,
        )
        self.km = manager
        return manager

    def run_cell(self, index: int, seconds: float) -> End:
        """Run one cell; what it leaves behind is its own, and not the next one's."""
        end = super().run_cell(index, seconds)
        return "died" if self.sandbox and self.sandbox.look() else end

    def open_mailbox(self) -> Mailbox | None:
        """Return the sandbox's folder for questions and answers."""
        self.sandbox = getattr(self.km and self.km.provisioner, "sandbox", None)
        return Mailbox(self.sandbox.mail) if self.sandbox else None

    @property
    def verdict(self) -> str:
        """Return which limit ended the kernel, as the end of "It …"; empty where none did."""
        return self.sandbox.verdict if self.sandbox else ""

    def kill_children(self) -> None:
        """Kill what a dead kernel had started."""
        if self.sandbox is not None:
            self.sandbox.kill()


def _drop_tasks() -> None:
    """End what still waits for the kernel, so that Ctrl-C is the last word."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
