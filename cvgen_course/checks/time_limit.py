"""How long an answer may run in a check: a loop without end costs its case, not the others."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable, Iterator

SECONDS = 12.0
"""For all cases of an answer, of processor time; one case gets half of what is left."""

LEAST = 1.0
"""Seconds that every case gets, whatever the others took."""

PATIENCE = 3.0
"""How many times longer it may take by the clock on the wall: a busy machine is nobody's fault."""

_AGAIN = 0.5


class OutOfTimeError(BaseException):
    """Raised within the student's code when its time is over; no ``except Exception`` stops it."""


class TimeLimit:
    """Stops calls that take too long, in the thread that makes it.

    Python raises the exception between two of its own steps: a loop in Python ends, but a single
    call into C that never comes back can't be stopped from within its process.

    Args:
        seconds: for all calls together.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._spent: Callable[[], float] | None = None
        self._allowed = 0.0

    def __enter__(self) -> TimeLimit:
        threading.Thread(target=self._watch, daemon=True, name="time limit").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    @contextlib.contextmanager
    def one_call(self) -> Iterator[None]:
        """Give what runs inside half of the time that is left.

        Raises:
            OutOfTimeError: it was not enough.
        """
        spent = _stopwatch(self._thread)
        with self._lock:
            self._allowed, self._spent = max(self.left / 2, LEAST), spent
        try:
            yield
        finally:
            self._end()
            self.left -= spent()

    def _end(self) -> None:
        while True:
            try:
                with self._lock:
                    self._spent = None
                for _ in range(10):  # an error that is on its way arrives between two steps
                    pass
                return
            except OutOfTimeError:  # it came when all was done
                continue

    def _watch(self) -> None:
        """Raise the error in the other thread when time is over, and again if that was caught."""
        pause = 0.02
        while not self._over.wait(pause):
            with self._lock:
                late = self._spent is not None and self._spent() > self._allowed
                if late:
                    _raise_in(self._thread)
            pause = _AGAIN if late else min(_AGAIN, 1.5 * pause)


def _stopwatch(thread: int) -> Callable[[], float]:
    """Return a function that says how many seconds a thread has spent since now."""
    wall = time.monotonic()
    if not hasattr(time, "pthread_getcpuclockid"):  # on Windows and macOS
        return lambda: time.monotonic() - wall
    clock = time.pthread_getcpuclockid(thread)
    work = time.clock_gettime(clock)
    return lambda: max(time.clock_gettime(clock) - work, (time.monotonic() - wall) / PATIENCE)


def _raise_in(thread: int) -> None:
    """Let Python raise the error in another thread, between two of its steps."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(OutOfTimeError)
    )
