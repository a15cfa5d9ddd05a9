"""A process that has imported what a lecture imports, and forks kernels into sandboxes.

It runs no student's code and holds no secret. Each kernel begins as a copy of it, which costs next
to nothing, where importing torch takes seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from cvgen_course.grading.sandbox.bubblewrap import environment as variables
from cvgen_course.grading.sandbox.enter import enter

ALWAYS = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "matplotlib.pyplot",
)


class WarmProcess:
    """A warm process of this one; it ends with it.

    Args:
        modules: what it imports. They must be trusted: their code runs outside of any sandbox.
    """

    def __init__(self, modules: Iterable[str]):
        self._turn = Lock()  # a worker may have several threads
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *ALWAYS, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables() | {"HOME": "/nonexistent"},
            cwd="/",
            start_new_session=True,
        )

    def fork(
        self,
        holder: int,
        connection: str,
        environment: Mapping[str, str],
        limits: Mapping[str, int],
    ) -> int:
        """Fork a kernel into the sandbox that a process is in.

        Args:
            holder: the process.
            connection: the kernel's connection file, as seen from the sandbox.
            environment: the kernel's variables, all of them.
            limits: resource limits by their names in ``resource``.

        Returns:
            The kernel's process number, as seen from here.

        Raises:
            OSError: there is no kernel.
        """
        order = {"holder": holder, "connection": connection}
        order |= {"environment": dict(environment), "limits": dict(limits)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with self._turn:
                self._process.stdin.write(json.dumps(order).encode() + b"\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline().strip()
        except BaseException:  # its answer would be taken for the next one's
            self.close()
            raise
        if not line:
            self.close()
            raise OSError("the warm process gave no answer")
        answer = json.loads(line)
        if "pid" not in answer:
            raise OSError(answer["error"])
        return int(answer["pid"])

    def is_alive(self) -> bool:
        """Return whether it can fork."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.kill()
        self._process.wait()


def _serve(modules: Iterable[str]) -> None:
    """Import modules, then fork a kernel for each order on standard input, until it ends."""
    for module in modules:
        with contextlib.suppress(Exception):  # a lecture's own; its kernel will say so
            importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        order = json.loads(line)
        read, write = os.pipe()
        threads = len(os.listdir("/proc/self/task"))
        if threads > 1:  # a copy of a process with threads may hang
            os.write(write, json.dumps({"error": f"it has {threads} threads"}).encode())
        elif os.fork() == 0:
            _fork_kernel(order, write)
        os.close(write)
        with os.fdopen(read, "rb") as answer:
            sys.stdout.buffer.write(answer.read() + b"\n")
        sys.stdout.buffer.flush()


def _fork_kernel(order: dict[str, Any], answer: int) -> None:
    """Start a kernel in the sandbox, tell its number, and wait for its end; never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:

        def inside() -> None:
            _run_kernel(order["connection"], order["environment"])

        pid = enter(order["holder"], order["limits"], inside)
        os.write(answer, json.dumps({"pid": pid}).encode())
        os.closerange(0, 256)
        os.waitpid(pid, 0)
    except BaseException as error:
        os.write(answer, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
    finally:
        os._exit(0)


def _run_kernel(connection: str, environment: Mapping[str, str]) -> None:
    """Be a kernel."""
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = (open(i, "rw"[i > 0]) for i in range(3))  # noqa: SIM115
    sys.argv = ["ipykernel_launcher", "-f", connection]
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(argv=sys.argv[1:])


if __name__ == "__main__":
    del sys.path[0]  # this process's folder, which a kernel doesn't have
    _serve(sys.argv[1:])
