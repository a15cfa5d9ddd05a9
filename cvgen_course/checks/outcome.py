"""What became of one case: a value, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = (
    *("value", "wrong", "raised", "out of time"),
    *("blank", "forbidden", "missing", "interrupted"),
)


class WrongAnswer(Exception):  # noqa: N818 - it is shown to students; "WrongAnswerError" says less
    """What a student returned can't be used; the message says why and is shown as it is."""


@dataclass(frozen=True)
class Outcome:
    """What an implementation made of one case.

    Attributes:
        kind: ``"value"``: it returned plain data. ``"wrong"``: what it returned can't be used.
            ``"raised"``: it raised. ``"out of time"``: it came to no end, and was stopped.
            ``"blank"``: it raised ``NotImplementedError``, as an exercise that nobody solved yet.
            ``"forbidden"``: it called what must not be called here. ``"missing"``: there is no
            implementation. ``"interrupted"``: it was stopped by hand, or never came to this case.
        value: the plain data, where ``kind`` is ``"value"``.
        text: the reason in plain words, elsewhere.
        exception: name of the exception's type, where ``kind`` is ``"raised"``.
        changed: names of the inputs that were changed in place.
    """

    kind: str
    value: Any = None
    text: str = ""
    exception: str = ""
    changed: tuple[str, ...] = ()
