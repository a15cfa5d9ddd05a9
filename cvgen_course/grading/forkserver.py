"""The process that workers are copies of: it imports what they need while the class is read."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def start() -> None:
    """Start it, where the system has such a thing; it ends with this process."""
    if METHOD == "forkserver":
        multiprocessing.set_forkserver_preload(["cvgen_course.grading.worker_imports"])
        with without_interrupt():
            forkserver.ensure_running()


@contextmanager
def without_interrupt() -> Iterator[None]:
    """Start processes and threads that Ctrl-C does not reach: it is the coordinator's."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
