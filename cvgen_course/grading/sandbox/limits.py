"""What a submission may use in its sandbox."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30
LIBRARIES = 6 * GIB
"""Address space that the libraries take; little of it is ever touched."""


@dataclass(frozen=True)
class SandboxLimits:
    """Limits of one sandbox.

    Attributes:
        memory_bytes: of all its processes and files together, and of each one's address space on
            top of what the libraries take.
        processes: how many there may be; they may have four times as many threads.
        cpu_seconds: of each process.
        disk_bytes: of each of the folders for files, which are in memory.
        files: that a process may have open.
    """

    memory_bytes: int = 4 * GIB
    processes: int = 128
    cpu_seconds: int = 900
    disk_bytes: int = GIB // 2
    files: int = 1024

    @property
    def threads(self) -> int:
        """How many threads all processes together may have."""
        return 4 * self.processes

    def resources(self) -> dict[str, int]:
        """Return the limits that the kernel of the system keeps, by their names in ``resource``."""
        return {
            "RLIMIT_AS": LIBRARIES + self.memory_bytes,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_NPROC": self.threads,  # this counts threads
            "RLIMIT_FSIZE": self.disk_bytes,
            "RLIMIT_NOFILE": self.files,
            "RLIMIT_CORE": 0,
        }
