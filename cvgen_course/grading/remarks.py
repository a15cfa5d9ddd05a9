"""Sentences for student and teacher: few and short, whatever a student hands in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST, LONGEST = 40, 400
MOST_NAMES = 5


def printable(text: str) -> str:
    """Return a text that can be shown: control characters and broken bytes escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(text: str, length: int = LONGEST) -> str:
    """Return a text of at most some characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def bounded(remarks: Iterable[str]) -> list[str]:
    """Return remarks of bounded length and number, each once; the last one counts the rest."""
    unique = list(dict.fromkeys(remarks))
    short = [shortened(remark) for remark in unique[:MOST]]
    if len(unique) > MOST:
        short.append(f"There are {len(unique) - MOST:,} more remarks like these.")
    return short


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them; of many, the first ones and the number of the others."""
    unique = list(dict.fromkeys(names))
    if len(unique) > MOST_NAMES:
        return f"{', '.join(unique[:MOST_NAMES])} and {len(unique) - MOST_NAMES:,} more"
    return ", ".join(unique)
