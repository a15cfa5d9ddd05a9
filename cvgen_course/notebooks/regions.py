"""The marked answers of an authored cell, and what students find in their place.

``nbgrader_config.py`` imports this in every nbgrader command, so it needs nothing large.
"""

from __future__ import annotations

from collections.abc import Iterator

BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
"""A line with one of them in it is a marker, to nbgrader too; authors write ``### BEGIN …``."""

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"


def regions(source: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the stretches of lines between the markers: whether it is an answer, its lines.

    Raises:
        ValueError: a marker has no counterpart.
    """
    inside = False
    lines: list[str] = []
    for line in source.split("\n"):
        if BEGIN in line or END in line:
            if (BEGIN in line) == inside:
                raise ValueError(_no_counterpart(line.strip()))
            yield inside, lines
            inside, lines = not inside, []
        else:
            lines.append(line)
    if inside:
        raise ValueError(_no_counterpart(f"### {BEGIN}"))
    yield inside, lines


def split_solution(source: str) -> tuple[str, str]:
    """Return the student's stub and the full solution, both without markers.

    Raises:
        ValueError: a marker has no counterpart.
    """
    stub, solution = [], []
    for inside, lines in regions(source):
        solution += lines
        if inside:
            first = next((line for line in lines if line.strip()), "")
            indent = first[: len(first) - len(first.lstrip())]
            stub += [indent + line for line in CODE_STUB.split("\n")]
        else:
            stub += lines
    return "\n".join(stub).strip("\n"), "\n".join(solution).strip("\n")


def _no_counterpart(marker: str) -> str:
    return (
        f"expected an answer between ### {BEGIN} and ### {END}, got {marker} without its "
        "counterpart"
    )
