"""A control group that holds a sandbox's processes, where this user may make one: root may.

Without one, a user's processes are counted by the system, and root's are not: thousands of them are
there before the watch gets a turn.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path("/sys/fs/cgroup")
PREFIX = "cvgen-"


class Group:
    """A control group of this process's; none where there can't be one.

    Args:
        most: how many processes and threads it may hold.
    """

    def __init__(self, most: int):
        self._folder = _made(most)

    def add(self, process: int) -> None:
        """Put a process into it; those that it starts later follow."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                (self._folder / "cgroup.procs").write_text(str(process))

    def close(self) -> None:
        """Remove it; its processes have ended."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.rmdir()


def _made(most: int) -> Path | None:
    for place in (ROOT / "pids", ROOT):  # the old hierarchy, the one of today
        _remove_old(place)
        try:
            folder = Path(mkdtemp(dir=place, prefix=f"{PREFIX}{os.getpid()}-"))
        except OSError:
            continue
        with contextlib.suppress(OSError):
            with open(os.open(folder / "pids.max", os.O_WRONLY), "w") as file:
                file.write(str(most))
            return folder
        with contextlib.suppress(OSError):
            folder.rmdir()
    return None


def _remove_old(place: Path) -> None:
    """Remove those of processes that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        process = folder.name.removeprefix(PREFIX).split("-")[0]
        if not Path("/proc", process).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
