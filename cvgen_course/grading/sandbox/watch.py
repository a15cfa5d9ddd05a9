"""A look at what all processes of a sandbox use together: no limit of the system's says that."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from cvgen_course.grading.sandbox.limits import GIB, SandboxLimits

PAUSE = 0.25
"""Seconds between two looks."""


class Watch:
    """Ends a sandbox whose processes are too many, or hold too much memory.

    Args:
        process: any process in it.
        limits: its limits.
        kill: ends it.

    Attributes:
        verdict: which limit was passed; empty where none was.
        peak_bytes: the most memory that was seen.
    """

    def __init__(self, process: int, limits: SandboxLimits, kill: Callable[[], None]):
        self.verdict = ""
        self.peak_bytes = 0
        self._namespace = os.readlink(f"/proc/{process}/ns/pid")
        self._limits, self._kill = limits, kill
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="sandbox watch")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(PAUSE):
            processes = list(self._processes())
            used = sum(map(_memory, processes))
            self.peak_bytes = max(self.peak_bytes, used)
            if used > self._limits.memory_bytes:
                self.verdict = f"used more than {self._limits.memory_bytes / GIB:g} GiB of memory"
            elif len(processes) > self._limits.processes:
                self.verdict = f"started more than {self._limits.processes} processes"
            else:
                continue
            self._kill()
            return

    def _processes(self) -> Iterator[int]:
        """Yield the processes of the sandbox."""
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{name}/ns/pid") == self._namespace:
                        yield int(name)


def _memory(process: int) -> int:
    """Return the bytes of memory that a process holds; what several share is counted in parts."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0
