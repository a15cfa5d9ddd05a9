"""One sandbox with one kernel in it, from its first process to its last."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from cvgen_course.errors import CourseError
from cvgen_course.grading.sandbox.bubblewrap import MAIL, WORK, command
from cvgen_course.grading.sandbox.group import Group
from cvgen_course.grading.sandbox.limits import SandboxLimits
from cvgen_course.grading.sandbox.syscalls import program
from cvgen_course.grading.sandbox.warm import WarmProcess
from cvgen_course.grading.sandbox.watch import Watch


class Sandbox:
    """A fresh sandbox; all that is in it ends with `close`, or with this process.

    Args:
        run: the command that a cold start runs in it.
        environment: the kernel's variables, all of them.
        limits: what may be used in it.

    Attributes:
        root: its files, as seen from here; not to be followed once a student's code runs.
        mail: the folder for questions and answers; likewise.
        pid: the kernel's process, as seen from here.
    """

    def __init__(self, run: list[str], environment: Mapping[str, str], limits: SandboxLimits):
        self.environment, self.limits = dict(environment), limits
        self._process, first = _started(run, environment, limits)
        self._group = Group(2 * limits.threads)  # the watch comes first, and says why
        try:
            self.pid = _child(first)
            for process in (first, self.pid):  # a student's code can take them over
                _limit(process, limits)
                self._group.add(process)
            self._first, self._handle = os.pidfd_open(first), os.pidfd_open(self.pid)
        except BaseException:
            _end(self._process)
            raise
        self.root = Path(f"/proc/{self.pid}/root")
        self.mail = self.root / MAIL.strip("/")
        self._watch = Watch(first, self.root, limits, self.kill)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files into the kernel's working folder, before anything of a student's runs.

        Args:
            files: by their path, relative and without ``..``.
        """
        for name, content in files.items():
            path = self.root / WORK.strip("/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def start_cold(self) -> None:
        """Let the waiting process become the command."""
        with contextlib.closing(_pipe(self._process.stdin)) as stdin:
            stdin.write(b"\n")
        self._watch.start(self.pid)

    def start_warm(self, warm: WarmProcess, connection: str) -> None:
        """Let a warm process fork a kernel into the sandbox.

        Raises:
            OSError: it could not.
        """
        pid = warm.fork(self.pid, connection, self.environment, self.limits.resources())
        self._group.add(pid)
        os.close(self._handle)
        self.pid, self._handle = pid, os.pidfd_open(pid)
        self._watch.start(pid)

    @property
    def verdict(self) -> str:
        """Return which limit was passed, as the end of "It …"; empty where none was."""
        return self._watch.verdict

    def look(self) -> str:
        """Look now how many there are; return which limit was passed, as `verdict` does."""
        self._watch.look_for_too_many()
        return self.verdict

    def is_alive(self) -> bool:
        """Return whether the kernel's process is there."""
        return not select.select([self._handle], [], [], 0)[0]

    def send(self, number: int) -> None:
        """Send a signal to the kernel and what is in its group; a cold one leads none."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(os.getpgid(self.pid), number)

    def kill(self) -> None:
        """End all processes in the sandbox: they go with its first one."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def close(self) -> None:
        """End the sandbox, and wait until nothing is left of it."""
        self.kill()
        select.select([self._first], [], [])  # the first one ends after all others
        self._watch.stop()
        _end(self._process)
        self._group.close()
        os.close(self._first)
        os.close(self._handle)


def _started(
    run: list[str], environment: Mapping[str, str], limits: SandboxLimits
) -> tuple[subprocess.Popen[bytes], int]:
    """Start bubblewrap, wait until its sandbox is ready.

    Returns:
        bubblewrap's process, and the first one in the sandbox.

    Raises:
        CourseError: there is no sandbox.
    """
    read, write = os.pipe()
    denied = _file(program())
    with os.fdopen(read, "rb") as status, os.fdopen(denied):
        try:
            process = subprocess.Popen(
                command(write, denied, limits.disk_bytes, environment, run),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[write, denied],
                env={"PATH": os.environ.get("PATH", os.defpath)},  # it can be read in the sandbox
            )
        except OSError as error:
            raise CourseError(f"bubblewrap can't be started: {error}") from error
        finally:
            os.close(write)
        line = status.readline()
        ready = _pipe(process.stdout).readline()
    if not line or not ready:
        _end(process)
        raise CourseError(f"bubblewrap made no sandbox (exit code {process.returncode})")
    return process, int(json.loads(line)["child-pid"])


def _child(process: int) -> int:
    """Return the only child of a process."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def _limit(process: int, limits: SandboxLimits) -> None:
    for name, value in limits.resources().items():
        resource.prlimit(process, getattr(resource, name), (value, value))


def _file(content: bytes) -> int:
    """Return a descriptor from which a content can be read."""
    descriptor = os.memfd_create("cvgen")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _end(process: subprocess.Popen[bytes]) -> None:
    """End bubblewrap, which takes its sandbox along, and wait for it."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            _pipe(stream).close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
