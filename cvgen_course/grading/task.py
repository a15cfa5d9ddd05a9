"""One submission to run, as plain data that can be sent elsewhere, and what came of it."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic

import nbformat
from nbformat import NotebookNode

from cvgen_course.errors import CourseError
from cvgen_course.grading.execute import Event, Execution, Limits, plain_environment
from cvgen_course.grading.kernel import Kernel, SandboxKernel
from cvgen_course.grading.sandbox import bubblewrap
from cvgen_course.notebooks.cells import check_call, exercise_name, grade_id, is_check
from cvgen_course.notebooks.pairing import to_json
from cvgen_course.provenance import code_hash
from cvgen_course.reports import Report

GRADING = ("cvgen_course.grading.grader", "cvgen_course.grading.oracle")
"""Modules that points follow from, with all that they import."""


_TURN = Lock()
"""Held by the thread that runs a submission: checks change what all threads of a process see."""


@dataclass(frozen=True)
class Task:
    """A submission to run.

    Attributes:
        student: whose it is.
        notebook: the repaired notebook, as JSON.
        files: what lies beside it, by relative path.
        seed: the student's; the questions follow from it.
        modules: what the lecture imports; a warm process has imported it before.
        needed: positions of the code cells that run; None for all.
        isolated: whether it runs in a sandbox.
        limits: what it may use.
        code: a hash of the course's code; a worker must have the same.
    """

    student: str
    notebook: str
    files: dict[str, bytes]
    seed: str
    modules: tuple[str, ...]
    needed: frozenset[int] | None
    isolated: bool
    limits: Limits
    code: str


@dataclass(frozen=True)
class Finished:
    """What came of a task.

    Attributes:
        notebook: with outputs, as JSON; those of the checks are the oracle's.
        events: what went wrong.
        reports: what the oracle decided, by ``grade_id``.
        undecided: ``grade_id`` of the checks that gave no answers, or whose answer was left out.
        tampering: sentences on checks that showed what no check shows.
        seconds: by what it was spent on: ``start``, ``cells``, ``checks``, ``oracle``.
    """

    notebook: str
    events: tuple[Event, ...]
    reports: dict[str, Report] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    tampering: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def run(task: Task) -> Finished:
    """Run a submission and decide on its points. Nothing that it does stops this function.

    Raises:
        CourseError: this machine can't run it: no sandbox, or another version of the course.
    """
    with _TURN:
        return _run(task)


def _run(task: Task) -> Finished:
    from cvgen_course.grading.oracle import oracles, record

    notebook = nbformat.reads(task.notebook, as_version=4)
    checks = list(filter(is_check, notebook.cells))
    if task.code != _own_code(_modules(checks)):
        raise CourseError("a worker has another version of the course; install the same on it")
    begin = monotonic()
    known = oracles(checks, task.seed)
    questions = {name: oracle.questions for name, oracle in known.items()}
    spent = monotonic() - begin
    trusted = all(exercise_name(cell) in known for cell in checks)
    with _kernels(task, {} if trusted else {"CVGEN_SEED": task.seed}) as make_kernel:
        done = Execution(notebook, make_kernel, task.limits, task.needed, questions).run()
    begin = monotonic()
    reports, undecided, tampering = {}, [], []
    for cell in filter(is_check, done.notebook.cells):
        name = exercise_name(cell)
        answers = done.answers.get(name)
        silent = not any(output.output_type == "execute_result" for output in cell.outputs)
        if name in done.lost or (answers is None if name in known else silent):
            undecided.append(grade_id(cell))
        if name not in known:
            continue
        report = known[name].decide(answers) if answers is not None else None
        report, sentence = record(cell, report, known[name])
        tampering += [sentence] if sentence else []
        if report is not None:
            reports[grade_id(cell)] = report
    seconds = done.seconds | {"oracle": spent + monotonic() - begin}
    return Finished(
        to_json(done.notebook),
        tuple(done.events),
        reports,
        tuple(undecided),
        tuple(tampering),
        {name: round(value, 3) for name, value in seconds.items()},
    )


@contextmanager
def _kernels(task: Task, variables: dict[str, str]) -> Iterator[Callable[[NotebookNode], Kernel]]:
    """Yield what makes a kernel for a task, in a sandbox or in a folder of its own on disk."""
    characters = task.limits.output_characters
    if task.isolated:
        inside = variables | {"CVGEN_MAIL": bubblewrap.MAIL}
        yield lambda notebook: SandboxKernel(
            notebook, characters, task.files, inside, task.modules, task.limits.sandbox
        )
        return
    with tempfile.TemporaryDirectory(prefix="cvgen-", ignore_cleanup_errors=True) as place:
        folder, mail = Path(place, "work"), Path(place, "mail")
        mail.mkdir()
        folder.mkdir()
        for name, content in task.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        environment = plain_environment() | variables | {"CVGEN_MAIL": str(mail)}
        yield lambda notebook: Kernel(notebook, characters, folder, environment)


def imported(notebook: NotebookNode) -> tuple[str, ...]:
    """Return the modules that a lecture imports, for a warm process; its own files left out."""
    found: dict[str, None] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:  # a line of IPython's own
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module] = None
                if node.module.startswith("cvgen_course"):
                    found |= dict.fromkeys(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(found)


def code_of(checks: Iterable[NotebookNode]) -> str:
    """Return a hash of the code that points follow from: what checks ask for, and grading."""
    return code_hash(*GRADING, *_modules(checks))


def _modules(checks: Iterable[NotebookNode]) -> tuple[str, ...]:
    calls = [check_call(cell.source) for cell in checks]
    modules = {call.module for call in calls if call is not None}
    return tuple(sorted(module for module in modules if module.startswith("cvgen_course.")))


@cache
def _own_code(modules: tuple[str, ...]) -> str:
    """Return the same hash for a process that has imported the code: it changes no more."""
    return code_hash(*GRADING, *modules)
