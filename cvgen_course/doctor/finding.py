"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "optional", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        status: ``"ok"``; ``"optional"``: missing, and a student can do without; ``"wrong"``: a
            student can't work like this.
        what: what was found, in plain words.
        mend: the command that mends it here, or an empty text where there is none.
    """

    status: Status
    what: str
    mend: str = ""
