"""One command at a time writes into a course: its lectures, its gradebook, its reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course


@contextmanager
def alone(course: Course) -> Iterator[None]:
    """Keep every other ``cvgen grade``, ``release`` and ``feedback`` out of a course.

    The lock belongs to this process: it goes with it, also where it is killed.

    Raises:
        CourseError: another one is at work there.
    """
    lock = FileLock(course.private / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise CourseError(
            f"another `cvgen grade`, `cvgen release` or `cvgen feedback` is at work in "
            f"{course.root}; wait until it has ended, then run this again"
        ) from error
    try:
        yield
    finally:
        lock.release()
