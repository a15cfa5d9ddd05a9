"""Jupyter's way to start a kernel, into a sandbox: by name for nbgrader, nbconvert, nbclient."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Bool, Dict, Instance, Tuple

from cvgen_course.errors import CourseError
from cvgen_course.grading.companions import regular_files
from cvgen_course.grading.sandbox.box import Sandbox
from cvgen_course.grading.sandbox.bubblewrap import KERNEL, environment, why_not
from cvgen_course.grading.sandbox.limits import SandboxLimits
from cvgen_course.grading.sandbox.warm import WarmProcess

PASSED = (
    "CVGEN_MAIL",
    "CVGEN_SEED",
    "CVGEN_PROFILE",
    "NBGRADER_EXECUTION",
    "NBGRADER_VALIDATING",
    "MPLBACKEND",
)
"""Variables of the caller's that a kernel gets; no others."""
CONNECTION = "connection.json"
SOCKETS = "socket"
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
LARGEST_MESSAGE = 32 * 2**20
MOST_WAITING = 25
LARGEST_FOLDER = 200_000_000

_warm_processes: dict[tuple[str, ...], WarmProcess] = {}


class SandboxProvisioner(KernelProvisionerBase):
    """Starts a kernel in a sandbox, and speaks to it over sockets that are files there.

    Without ``files``, it gets a copy of the folder where it is started.
    """

    sandbox = Instance(Sandbox, allow_none=True)
    limits = Instance(SandboxLimits, ())
    files = Dict(allow_none=True, default_value=None)
    modules = Tuple()
    warm = Bool(True, config=True, help="fork kernels from a process with the lecture's imports")

    @property
    def has_process(self) -> bool:
        """Return whether there is a sandbox."""
        return self.sandbox is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the sandbox, so that the places of its sockets are known."""
        if reason := why_not():
            raise CourseError(f"no sandbox: {reason}")
        manager: Any = self.parent
        asked = kwargs.get("env") or os.environ
        run = [sys.executable, "-m", "ipykernel_launcher", "-f", f"{KERNEL}/{CONNECTION}"]
        variables = environment() | {name: asked[name] for name in PASSED if name in asked}
        self.sandbox = Sandbox(run, variables, self.limits)
        manager.transport, manager.ip = "ipc", f"{self.sandbox.root}{KERNEL}/{SOCKETS}"
        for number, port in enumerate(PORTS, start=1):
            setattr(manager, port, number)
        _bound(manager.context)
        self.connection_info = manager.get_connection_info()
        return await super().pre_launch(cmd=run, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel: as a copy of the warm process, or cold where that can't be."""
        assert self.sandbox is not None
        files = self.files
        self.sandbox.put(_copied(Path(kwargs.get("cwd") or ".")) if files is None else files)
        inside = {**self.connection_info, "ip": f"{KERNEL}/{SOCKETS}"}
        key: Any = self.connection_info["key"]  # bytes, whatever its annotation says
        inside["key"] = key.decode()
        Path(f"{self.sandbox.root}{KERNEL}", CONNECTION).write_text(json.dumps(inside))
        if self.warm:
            try:
                warm = warm_process(tuple(self.modules))
                self.sandbox.start_warm(warm, f"{KERNEL}/{CONNECTION}")
                return self.connection_info
            except OSError as error:
                self.log.warning("no warm start (%s); a cold one instead", error)
        self.sandbox.start_cold()
        return self.connection_info

    async def poll(self) -> int | None:
        """Return None while the kernel runs."""
        return None if self.sandbox is not None and self.sandbox.is_alive() else 1

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        while self.sandbox is not None and self.sandbox.is_alive():
            await asyncio.sleep(0.05)
        self._close()
        return 0

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel."""
        if self.sandbox is not None:
            self.sandbox.send(signum)

    async def kill(self, restart: bool = False) -> None:
        """End the sandbox with all that is in it."""
        if self.sandbox is not None:
            self.sandbox.kill()

    async def terminate(self, restart: bool = False) -> None:
        """Ask the kernel to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing behind."""
        self._close()

    def _close(self) -> None:
        if self.sandbox is not None:
            sandbox, self.sandbox = self.sandbox, None
            sandbox.close()


def warm_process(modules: tuple[str, ...]) -> WarmProcess:
    """Return this process's warm process for a lecture; a new one where it has ended."""
    if modules not in _warm_processes or not _warm_processes[modules].is_alive():
        _warm_processes[modules] = WarmProcess(modules)
        atexit.register(_warm_processes[modules].close)
    return _warm_processes[modules]


def _bound(context: zmq.Context[Any]) -> None:
    """Let a context's sockets take no message, and no number of them, without bounds."""
    context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
    context.setsockopt(zmq.RCVHWM, MOST_WAITING)


def _copied(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their relative path.

    Raises:
        CourseError: they are too many for a sandbox.
    """
    files, total = {}, 0
    for path in regular_files(folder):
        total += path.stat().st_size
        if total > LARGEST_FOLDER:
            raise CourseError(
                f"{folder}: expected a folder of at most {LARGEST_FOLDER // 10**6} MB to copy into "
                "the sandbox, got more; run the notebook in a folder of its own"
            )
        files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files
