"""Errors say four things: which argument, what was expected, what came, what to do."""

from __future__ import annotations


class CourseError(Exception):
    """Something the user can mend; the message says how. Commands print it without a traceback."""


class DataError(CourseError):
    """A data set is missing, damaged, or can't be downloaded."""


class ReleaseError(CourseError):
    """A lecture can't be released: its source is wrong, or the release would leak an answer."""


class SubmissionError(CourseError):
    """One student's submission can't be graded as it is; the others can."""


class BookError(CourseError):
    """The book can't be built: a cell fails, a link is dead, a picture is missing."""
