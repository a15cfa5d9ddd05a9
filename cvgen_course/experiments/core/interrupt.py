"""Ctrl-C as a wish: what is being done is finished first."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a cluster sends when the time is up."""

MESSAGE = "\nStopping as soon as a checkpoint is written …\n"


@contextmanager
def postponed(message: str = MESSAGE) -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C, however often it is pressed, into the answer to a question.

    Args:
        message: is shown at the first Ctrl-C, on stderr; may be empty.

    Yields:
        A function that says whether somebody wants to stop. Where this is not the main thread,
        which alone receives signals, it never does.
    """
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked and message:
            os.write(2, message.encode())  # print() may be in the middle of something itself
        asked = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_interrupts(worker: int) -> None:
    """Leave Ctrl-C to the process that loads data from this one; for ``DataLoader``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
