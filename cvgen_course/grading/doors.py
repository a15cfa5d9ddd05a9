"""Ways around the checks that stand in a student's code: hints for a human, no points are taken.

Inside a student's process nothing can be forbidden for good. What has no place in an answer can be
seen, though, and shown to somebody who reads it. Nothing is run, and who wants to hide can: where
nothing is found, that proves nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from nbformat import NotebookNode

from cvgen_course.grading.bindings import Scope, binds, reads
from cvgen_course.grading.find_exercise import checked
from cvgen_course.grading.look import Found, asked_for, in_general
from cvgen_course.grading.match import parsed
from cvgen_course.grading.remarks import bounded, printable, shortened
from cvgen_course.grading.student_code import as_python, python_within, too_long
from cvgen_course.notebooks.cells import is_solution

LONGEST_LINE = 80
TOO_LONG = "There is too much code to be looked through for ways around the checks."
TOO_DEEP = "The code is nested too deeply to be looked through for ways around the checks."


def ways_around(notebook: NotebookNode, released: NotebookNode) -> list[str]:
    """Return sentences on code that could get around the checks; empty where there is none.

    Args:
        notebook: a repaired submission; the lecture's own code in it is not looked at.
        released: the lecture.
    """
    if too_long(notebook):
        return [TOO_LONG]
    try:
        return bounded(_sentences(notebook, released))
    except RecursionError:
        return [TOO_DEEP]


class _Statement(NamedTuple):
    """A statement at the top of a cell.

    Attributes:
        place: where it stands, as a sentence begins.
        node: the statement.
        lines: the cell's lines, as the student sees them.
        dump: what it says, without its layout.
    """

    place: str
    node: ast.stmt
    lines: list[str]
    dump: str


def _sentences(notebook: NotebookNode, released: NotebookNode) -> Iterator[str]:
    everything = list(_statements(notebook))
    module = Scope([statement.node for statement in everything])
    lecture = {statement.dump for statement in _statements(released)}
    own = [each for each in everything if each.dump not in lecture]
    answers = _answers(own, module, set(checked(released)))
    told = set()
    for statement, exercises in zip(own, answers, strict=True):
        found: list[Found] = [*in_general(statement.node, module)]
        found += asked_for(statement.node, module, exercises)
        for what, node in found:
            if (statement.place, what) not in told:
                told.add((statement.place, what))
                yield f"{statement.place} {what}: `{_line(statement, node)}`."


def _statements(notebook: NotebookNode) -> Iterator[_Statement]:
    """Yield the statements of a notebook's code cells; a cell that does not parse has none."""
    exercises = set(checked(notebook))
    for number, cell in enumerate(notebook.cells, start=1):
        found = _read(cell.source) if cell.cell_type == "code" else ()
        place = f"Cell {number}"
        if is_solution(cell):
            named = [name for node, _, _ in found for name in sorted(binds(node) & exercises)]
            place = f"The answer {named[0]}" if named else place
        for node, text, dump in found:
            yield _Statement(place, node, text.split("\n"), dump)


@lru_cache(512)  # the lecture's cells are in every notebook
def _read(source: str) -> tuple[tuple[ast.stmt, str, str], ...]:
    """Return a cell's statements, those within magics too: node, text, and what it says."""
    tree = parsed(as_python(source))
    found = []
    for node in tree.body if tree else ():
        found.append((node, source, ast.dump(node)))
        for text in python_within(node):
            inside = parsed(as_python(text))
            found += [(each, text, ast.dump(each)) for each in (inside.body if inside else ())]
    return tuple(found)


def _answers(own: list[_Statement], module: Scope, exercises: set[str]) -> list[set[str]]:
    """Return for each statement the exercises of whose answers it is a part.

    Such a statement binds the exercise's name, or a name that another part of the answer reads.
    """
    parts: list[set[str]] = [set() for _ in own]
    bound = [binds(statement.node) for statement in own]
    read = [reads(statement.node, module) for statement in own]
    for name in exercises:
        wanted, new = {name}, {i for i, names in enumerate(bound) if name in names}
        while new:
            for i in new:
                parts[i].add(name)
                wanted |= read[i] - exercises
            new = {i for i, names in enumerate(bound) if names & wanted and name not in parts[i]}
    return parts


def _line(statement: _Statement, node: ast.AST) -> str:
    """Return the line of code on which a node stands, for a sentence."""
    number = getattr(node, "lineno", statement.node.lineno)
    lines = statement.lines
    line = lines[number - 1] if number <= len(lines) else ast.unparse(statement.node)
    line = line if line.strip() else ast.unparse(statement.node).split("\n")[0]
    return shortened(printable(line.strip()).replace("`", "'"), LONGEST_LINE)
