"""A full disk: it stops the grading, since it would stop it for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cvgen_course.errors import CourseError

SIGNS = ("No space left on device", "Disk quota exceeded", "database or disk is full")


@contextmanager
def told() -> Iterator[None]:
    """Turn the errors of a full disk into one sentence.

    Raises:
        CourseError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        refuse(str(error))
        raise


def refuse(complaint: str) -> None:
    """Look whether a complaint is about a full disk.

    Raises:
        CourseError: it is.
    """
    if any(sign in complaint for sign in SIGNS):
        raise CourseError(
            f"the disk is full ({complaint}); make room, then run this again: what was graded is "
            "kept"
        )
