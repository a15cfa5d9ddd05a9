"""A look at what all processes of a sandbox use together: no limit of the system's says that."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cvgen_course.grading.sandbox.bubblewrap import FOLDERS
from cvgen_course.grading.sandbox.limits import GIB, SandboxLimits

PAUSE = 0.2
"""Seconds between two looks."""
PAGE = os.sysconf("SC_PAGE_SIZE")
BYTES_OF_A_FILE = 1024
"""What the system needs for a file in memory, however little is in it."""


class _Process(NamedTuple):
    """What everybody may know of a process, however it hides.

    Attributes:
        parent: the number of its parent.
        threads: how many it has.
        resident_bytes: what it holds, all that it shares included.
    """

    parent: int
    threads: int
    resident_bytes: int


class Watch:
    """Ends a sandbox whose processes are too many, or hold too much memory.

    Args:
        first: its first process: those without a parent become its children.
        root: its files; nothing of a student's runs yet.
        limits: its limits.
        kill: ends it.

    Attributes:
        verdict: which limit was passed; empty where none was.
        peak_bytes: the most memory that was seen, at most; what is shared may count twice.
    """

    def __init__(self, first: int, root: Path, limits: SandboxLimits, kill: Callable[[], None]):
        self.verdict = ""
        self.peak_bytes = 0
        self._roots = {first}
        self._limits, self._kill = limits, kill
        self._folders = [
            os.open(root / folder.strip("/"), os.O_RDONLY | os.O_DIRECTORY) for folder in FOLDERS
        ]
        self._over = threading.Event()
        self._threads = [  # to measure memory takes long where there are many: two looks
            threading.Thread(target=self._look, args=[look], daemon=True, name="sandbox watch")
            for look in (self._too_many, self._too_much)
        ]

    def start(self, kernel: int) -> None:
        """Begin to look.

        Args:
            kernel: the process of the kernel.
        """
        self._roots.add(kernel)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        while self._folders:
            os.close(self._folders.pop())

    def look_for_too_many(self) -> None:
        """Look now; at the limit, too, where the system has refused more."""
        inside = _descendants(_processes(), self._roots)
        verdict = self._too_many(inside, spare=1)
        if verdict:
            self.verdict = self.verdict or verdict
            self._kill()

    def _look(self, passed: Callable[[dict[int, _Process]], str]) -> None:
        while not self._over.wait(PAUSE):
            verdict = passed(_descendants(_processes(), self._roots))
            if verdict:
                self.verdict = self.verdict or verdict
                self._kill()
                return

    def _too_many(self, inside: dict[int, _Process], spare: int = 0) -> str:
        """Return which number is passed; empty where none is."""
        if len(inside) > self._limits.processes:
            return f"started more than {self._limits.processes} processes"
        if sum(process.threads for process in inside.values()) + spare > self._limits.threads:
            return f"started more than {self._limits.threads} threads"
        return ""

    def _too_much(self, inside: dict[int, _Process]) -> str:
        """Return which size is passed; empty where none is."""
        disk = sum(map(_disk, self._folders))
        used = disk + sum(process.resident_bytes for process in inside.values())
        if used > self._limits.memory_bytes:
            used = disk + sum(_memory(number, process) for number, process in inside.items())
        self.peak_bytes = max(self.peak_bytes, used)
        if used > self._limits.memory_bytes:
            return f"used more than {self._limits.memory_bytes / GIB:g} GiB of memory"
        return ""


def _processes() -> dict[int, _Process]:
    """Return all processes of this machine."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()  # its name can be anything
                parent, threads, pages = (int(fields[i]) for i in (1, 17, 21))
                found[int(name)] = _Process(parent, threads, pages * PAGE)
    return found


def _descendants(found: dict[int, _Process], roots: set[int]) -> dict[int, _Process]:
    """Return some processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for number, process in found.items():
        children.setdefault(process.parent, []).append(number)
    inside: dict[int, _Process] = {}
    waiting = [root for root in roots if root in found]
    while waiting:
        number = waiting.pop()
        if number not in inside:
            inside[number] = found[number]
            waiting += children.get(number, [])
    return inside


def _memory(number: int, process: _Process) -> int:
    """Return the bytes of memory that a process holds; what several share is counted in parts.

    One that hides its memory counts with all that it shares.
    """
    with contextlib.suppress(OSError), open(f"/proc/{number}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return process.resident_bytes


def _disk(folder: int) -> int:
    """Return the bytes of memory that a folder in memory takes."""
    status = os.fstatvfs(folder)
    files = status.f_files - status.f_ffree
    return (status.f_blocks - status.f_bfree) * status.f_frsize + files * BYTES_OF_A_FILE
