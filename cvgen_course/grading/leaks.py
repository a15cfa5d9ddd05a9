"""The leak check: nothing that students get may hold an answer."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from cvgen_course.notebooks.regions import regions

MARKERS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
CELL_METADATA = {"alt", "tags", "nbgrader", "deletable", "editable", "mystnb", "slideshow"}
NOTEBOOK_METADATA = {"kernelspec", "jupytext"}
TEXT = {".md", ".ipynb", ".py", ".txt", ".json", ".yml", ".yaml", ".csv", ".html", ".svg", ".toml"}
LONG_LINE, LONG_BODY = 12, 24


def find_leaks(source: NotebookNode, released: Path) -> list[str]:
    """Return what a release folder must not hold; empty where nothing leaks.

    Args:
        source: the authored notebook, with its answers.
        released: the folder that students get.
    """
    problems: list[str] = []
    for path in sorted(p for p in released.rglob("*") if p.is_file()):
        name = path.relative_to(released)
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            problems += [f"{name}: {p}" for p in stray_content(notebook)]
            text = "\n".join(cell.source for cell in notebook.cells)
        elif path.suffix in TEXT:
            text = path.read_text(encoding="utf-8", errors="replace")
        else:
            continue
        problems += [f"{name}: {p}" for p in answers_in(text, source)]
    return problems


def stray_content(notebook: NotebookNode) -> list[str]:
    """Return outputs and metadata that a released notebook must not have."""
    problems = [f"metadata {k!r}" for k in sorted(set(notebook.metadata) - NOTEBOOK_METADATA)]
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.get("outputs") or cell.get("execution_count"):
            problems.append(f"cell {number} has outputs")
        stray = sorted(set(cell.metadata) - CELL_METADATA)
        problems += [f"cell {number} has metadata {key!r}" for key in stray]
    return problems


def answers_in(text: str, source: NotebookNode) -> list[str]:
    """Return the answers of a source notebook that a text gives away.

    A whole answer must not stand in the text at all. One of its lines may, as often as the author
    shows it outside the answers: a formula may appear in the explanation too.
    """
    problems = [f"the marker {match.group()!r}" for match in MARKERS.finditer(text)]
    lines = _normalised(text)
    shown: list[str] = []
    answers: list[str] = []
    for cell in source.cells:
        for inside, stretch in regions(cell.source):
            (answers if inside else shown).append("\n".join(stretch))
    joined = "\n".join(lines)
    for answer in answers:
        body = "\n".join(_normalised(answer))
        if len(body) >= LONG_BODY and f"\n{body}\n" in f"\n{joined}\n":
            problems.append(f"the answer {body.splitlines()[0]!r} …")
    seen, allowed = Counter(lines), Counter(_normalised("\n".join(shown)))
    in_answers = {line for answer in answers for line in _normalised(answer)}
    problems += [
        f"the line {line!r} of an answer"
        for line in sorted(in_answers)
        if len(line) >= LONG_LINE and seen[line] > allowed[line]
    ]
    return problems


def _normalised(text: str) -> list[str]:
    """Return a text's lines without indentation, doubled spaces and blank lines."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line]
