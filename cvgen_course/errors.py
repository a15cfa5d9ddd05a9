"""Errors say four things: which argument, what was expected, what came, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


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


def require_shape(name: str, tensor: torch.Tensor, layout: str) -> None:
    """Raise unless a tensor has the number of dimensions that a layout names.

    Args:
        name: the argument's name, for the message.
        tensor: what was passed.
        layout: dimension names separated by spaces, e.g. ``"N C H W"``.

    Raises:
        TypeError: ``tensor`` is no ``torch.Tensor``.
        ValueError: it has another number of dimensions.
    """
    import torch

    expected = f"a tensor of shape ({', '.join(layout.split())})"
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name}: expected {expected}, got {type(tensor).__name__}")
    if tensor.ndim != len(layout.split()):
        raise ValueError(f"{name}: expected {expected}, got shape {tuple(tensor.shape)}")
