"""Answers that are the course's own solution, or another student's, up to names: for a human.

Two answers are alike whose syntax trees are equal once names, layout, comments, types, imports and
the checks of arguments are left out. It is no proof of anything. What is short says nothing: two
people write the same.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from cvgen_course.grading.find_exercise import checked, find_exercise
from cvgen_course.grading.match import parsed
from cvgen_course.grading.normal_form import Program
from cvgen_course.grading.remarks import listed, printable, shortened
from cvgen_course.grading.student_code import as_python, too_long
from cvgen_course.notebooks.cells import check_call, is_check
from cvgen_course.notebooks.regions import split_solution

LEAST_NODES = 70
"""Shorter answers are alike by chance (tests/grading/test_alike.py has the numbers)."""

Prints = Mapping[str, str]
"""The name of an exercise → the fingerprint of an answer to it."""


def fingerprints(notebook: NotebookNode, least: int = LEAST_NODES) -> dict[str, str]:
    """Return the fingerprint of each answer of a repaired notebook.

    The answer is what its name stands for in its grade cell, wherever it was defined, with the
    student's own functions that it calls. An answer that is missing or too short has none.

    Args:
        notebook: the notebook; nothing of it is run.
        least: the smallest number of nodes that a syntax tree must have to say anything.
    """
    if too_long(notebook):
        return {}
    checks = checked(notebook)
    body: list[ast.stmt] = []
    before = []  # how many statements stand before each cell
    for cell in notebook.cells:
        before.append(len(body))
        tree = parsed(as_python(cell.source)) if cell.cell_type == "code" else None
        body += tree.body if tree else []
    try:
        program = Program(body, set(checks))
    except RecursionError:  # code nested as no human writes it
        return {}
    found = {}
    for name, position in checks.items():
        print_, nodes = program.fingerprint(name, before[position])
        if nodes >= least:
            found[name] = print_
    return found


def own_fingerprints(
    released: NotebookNode, source: NotebookNode | None = None, least: int = LEAST_NODES
) -> dict[str, set[str]]:
    """Return the fingerprints of the course's own solutions, by exercise.

    Args:
        released: the lecture.
        source: the authored notebook, with its answers between markers.
        least: as in `fingerprints`.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for name, reference in _references(released).items():
        module = inspect.getmodule(reference)
        path = Path(inspect.getsourcefile(module) or "") if module else Path()
        tree = parsed(path.read_text(encoding="utf-8")) if path.is_file() else None
        if tree is not None:
            program = Program(tree.body, set(checked(released)))
            print_, nodes = program.fingerprint(reference.__name__)
            if nodes >= least:
                found[name].add(print_)
    if source is not None:
        for name, print_ in fingerprints(_solved(source), least).items():
            found[name].add(print_)
    return dict(found)


def copied(prints: Prints, own: Mapping[str, set[str]]) -> list[str]:
    """Return the names of the answers that are the course's own solutions."""
    return [name for name, print_ in prints.items() if print_ in own.get(name, ())]


def copied_remarks(prints: Prints, own: Mapping[str, set[str]]) -> list[str]:
    """Return a sentence on the answers that are the course's own solutions; none where none are."""
    names = copied(prints, own)
    what = "is the course's own solution" if len(names) == 1 else "are the course's own solutions"
    return [f"{', '.join(names)} {what}, up to names."] if names else []


def equal_to_others(
    submissions: Mapping[str, Prints], own: Mapping[str, set[str]]
) -> dict[str, list[str]]:
    """Return a sentence for each answer that is another student's too.

    The course's own solutions are left out: whoever copied those did not copy one another.

    Args:
        submissions: each student's fingerprints.
        own: those of the course.

    Returns:
        The sentences of each student for whom there are any.
    """
    students: dict[tuple[str, str], list[str]] = defaultdict(list)
    for student, prints in sorted(submissions.items()):
        for name, print_ in prints.items():
            if print_ not in own.get(name, ()):
                students[name, print_].append(student)
    remarks: dict[str, list[str]] = defaultdict(list)
    for (name, _), alike in students.items():
        for student in alike if len(alike) > 1 else ():
            others = listed(_whose(other for other in alike if other != student))
            remarks[student].append(f"{name} is the same as {others}, up to names.")
    return dict(remarks)


def _whose(students: Iterable[str]) -> list[str]:
    return [f"{shortened(printable(student), 60)}'s" for student in students]


def _references(released: NotebookNode) -> dict[str, Any]:
    """Return the reference of each exercise that a notebook checks."""
    calls = [check_call(cell.source) for cell in released.cells if is_check(cell)]
    exercises = {c.name: find_exercise(c.module, c.name) for c in calls if c is not None}
    references = {name: getattr(each, "reference", None) for name, each in exercises.items()}
    return {
        name: inspect.unwrap(reference)
        for name, reference in references.items()
        if inspect.isfunction(reference) or inspect.isclass(reference)
    }


def _solved(source: NotebookNode) -> NotebookNode:
    """Return an authored notebook with its answers, without the markers."""
    solved = copy.deepcopy(source)
    for cell in solved.cells:
        cell.source = split_solution(cell.source)[1]
    return solved
