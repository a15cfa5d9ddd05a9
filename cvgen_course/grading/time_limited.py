"""A bound on what may take hours with a student's text."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread


@contextmanager
def time_limited(seconds: int) -> Iterator[None]:
    """Raise a TimeoutError when a block takes too long, where the system has alarms.

    A student's text can keep the conversion to HTML busy for hours.
    """
    if not hasattr(signal, "SIGALRM") or current_thread() is not main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"no end after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
