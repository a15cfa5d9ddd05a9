"""What nbgrader writes to its log, kept instead of shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class Log(logging.Handler):
    """Collects messages.

    Attributes:
        logger: give this to nbgrader's classes as ``log``.
        lines: what was logged, oldest first.
    """

    def __init__(self, level: int):
        super().__init__(level)
        self.logger = logging.getLogger("cvgen_course.nbgrader")
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.lines.append(record.getMessage())

    @property
    def complaint(self) -> str:
        """Return the error of the last traceback that was logged, else the last message."""
        tracebacks = [line for line in self.lines if line.startswith("Traceback")]
        if not tracebacks:
            return (self.lines or ["no reason given"])[-1].strip().splitlines()[-1]
        # Behind the last frame; the error's own text may have any number of lines.
        _, _, end = tracebacks[-1].rpartition('\n  File "')
        return next(line for line in [*end.splitlines()[1:], "unknown"] if line[:1].strip())


@contextmanager
def captured(level: int) -> Iterator[Log]:
    """Collect what nbgrader logs, at a level or above."""
    log = Log(level)
    before = log.logger.propagate, log.logger.level
    log.logger.propagate = False
    log.logger.setLevel(level)
    log.logger.addHandler(log)
    try:
        yield log
    finally:
        log.logger.removeHandler(log)
        log.logger.propagate, log.logger.level = before
