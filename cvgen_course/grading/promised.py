"""The points that a chapter's text promises, held to those that its cells give."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from cvgen_course.notebooks.cells import grade_id, is_check, is_graded, points

NUMBER = r"(\d+(?:\.\d+)?) points?"
BOX = re.compile(rf"\*\*Exercise [^*\n]*\({NUMBER}\)\*\*")
QUESTION = re.compile(rf"\*\({NUMBER}, graded by hand\)\*")
SUM = re.compile(rf"(\w+) exercises?, {NUMBER}(?:; (\w+) written questions?, {NUMBER})?")
WORDS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
COUNTS = {word: str(count) for count, word in enumerate(WORDS.split())}


def broken_promises(notebook: NotebookNode) -> list[str]:
    """Return where a text promises other points than there are; one that promises none is right.

    A promise stands in an exercise's box (``**Exercise 1 · Name (2 points)**``), before a written
    question (``*(6 points, graded by hand)*``), or is the sum of all (``Ten exercises, 24 points;
    one written question, 6 points``).
    """
    problems, promised = [], ""
    for number, cell in enumerate(notebook.cells, start=1):
        if is_graded(cell):
            if promised and float(promised) != points(cell):
                problems.append(
                    f"cell {number} ({grade_id(cell)}): the text before it promises {promised} "
                    f"points, it gives {points(cell):g}"
                )
            promised = ""
        elif cell.cell_type == "markdown":
            found = BOX.findall(cell.source) + QUESTION.findall(cell.source)
            promised = found[-1] if found else promised
    return problems + _broken_sums(notebook)


def _broken_sums(notebook: NotebookNode) -> list[str]:
    """Return sums in the text that are not those of the cells."""
    graded = list(filter(is_graded, notebook.cells))
    checks = [points(cell) for cell in graded if is_check(cell)]
    written = [points(cell) for cell in graded if not is_check(cell)]
    there = (str(len(checks)), f"{sum(checks):g}", str(len(written)), f"{sum(written):g}")
    problems = []
    for cell in notebook.cells:
        for match in SUM.finditer(cell.source) if cell.cell_type == "markdown" else ():
            said = [COUNTS.get(word.lower(), word) for word in match.groups(default="")]
            if any(one and one != other for one, other in zip(said, there, strict=True)):
                problems.append(
                    f"the text says {match.group()!r}; there are {there[0]} exercises, "
                    f"{there[1]} points, and {there[2]} written questions, {there[3]} points"
                )
    return problems
