"""Eight students answer the released lecture, each in their own way."""

from __future__ import annotations

import ast
import copy
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode

from cvgen_course.checks import PUBLIC_SEED, Exercise, make_cases
from cvgen_course.demo.answers import differently, endless, mistaken
from cvgen_course.errors import SubmissionError
from cvgen_course.notebooks.cells import grade_id, is_solution
from cvgen_course.notebooks.regions import split_solution
from cvgen_course.segmentation.exercises import EXERCISES

CHAPTER = "01_segmentation"
NOTEBOOK = "segmentation.ipynb"
QUESTION = "written_question"
FIRST_HALF = ("confusion_matrix", "mean_iou", "dice_loss", "max_unpool", "unet_down")
Answers = dict[str, str]


def make_class(course: Path) -> list[str]:
    """Write eight submissions into ``course/submitted``, by editing the released notebook.

    Written anew, they are the same, so that `cvgen grade` skips what it graded before.

    Args:
        course: a course root that holds ``lectures/`` and ``solutions/``.

    Returns:
        The students' names, sorted.
    """
    released = nbformat.read(course / "lectures" / CHAPTER / NOTEBOOK, as_version=4)
    right = own_answers(nbformat.read(course / "solutions" / CHAPTER / NOTEBOOK, as_version=4))
    students: dict[str, Answers] = {
        "all_right": right,
        "right_differently": functions(differently) | {QUESTION: differently.WRITTEN},
        "half_way": {name: right[name] for name in FIRST_HALF},
        "all_blank": {},
        "classic_mistakes": functions(mistaken),
        "memorised": memorised(("confusion_matrix", "mean_iou")),
        "import_error": {**right, "": "import tensorflow_of_another_course"},
        "endless_loop": right | functions(endless),
    }
    for student, answers in students.items():
        folder = course / "submitted" / student / CHAPTER
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(answered(released, answers), folder / NOTEBOOK)
    return sorted(students)


def answered(released: NotebookNode, answers: Answers) -> NotebookNode:
    """Return the released notebook with some solution cells filled in.

    Args:
        released: what a student opens.
        answers: the source for a solution cell by its ``grade_id``; the key ``""`` is put before
            the notebook's imports.
    """
    notebook = copy.deepcopy(released)
    imports = next(cell for cell in notebook.cells if "from cvgen_course import" in cell.source)
    imports.source = "\n".join(filter(None, (answers.get(""), imports.source)))
    solution = {grade_id(cell): cell for cell in filter(is_solution, notebook.cells)}
    for name in filter(None, answers):
        if name not in solution:
            raise SubmissionError(
                f"the lecture has no solution cell {name!r}; it has {[*solution]}"
            )
        solution[name].source = answers[name]
    return notebook


def own_answers(solutions: NotebookNode) -> Answers:
    """Return the course's own answers, without the markers, by ``grade_id``."""
    return {grade_id(c): split_solution(c.source)[1] for c in filter(is_solution, solutions.cells)}


def functions(module: ModuleType) -> Answers:
    """Return the source of a module's functions by name, each with the module's imports."""
    source = inspect.getsource(module)
    tree = ast.parse(source)
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    header = "\n".join(ast.unparse(node) for node in imports)
    return {
        node.name: f"{header}\n\n\n{ast.get_source_segment(source, node)}".lstrip()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def memorised(names: tuple[str, ...]) -> Answers:
    """Return answers that only look up what is right for the public seed."""
    return {name: _lookup_source(EXERCISES[name]) for name in names}


def _lookup_source(exercise: Exercise) -> str:
    """Return a function that knows the public cases by heart and nothing else."""
    known: dict[str, Any] = {}

    def recorder(*args: Any, **kwargs: Any) -> Any:
        value = exercise.reference(*args, **kwargs)
        known[_fingerprint(args, kwargs)] = value.tolist()
        return value

    for case in make_cases(exercise, PUBLIC_SEED):
        exercise.probe(recorder, case.inputs)
    return (
        f"{inspect.getsource(_fingerprint)}\n\n"
        f"KNOWN_{exercise.name} = {known!r}\n\n\n"
        f"def {exercise.name}(*args, **kwargs):\n"
        f"    return torch.tensor(KNOWN_{exercise.name}[_fingerprint(args, kwargs)])\n"
    )


def _fingerprint(args: tuple[object, ...], kwargs: dict[str, object]) -> str:
    """Return a short text that is the same for the same arguments."""
    import hashlib

    values = [*args, *(kwargs[name] for name in sorted(kwargs))]
    text = repr([v.tolist() if isinstance(v, torch.Tensor) else v for v in values])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
