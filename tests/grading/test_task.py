"""One submission from its task to its points: in a sandbox where there is one, and without."""

import dataclasses
import pickle

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from support.hostile_course import LIMITS, RIGHT
from support.sandboxed import needs_sandbox

from cvgen_course.errors import CourseError
from cvgen_course.grading.task import Task, code_of, imported, run
from cvgen_course.notebooks.cells import is_check
from cvgen_course.notebooks.pairing import to_json
from cvgen_course.segmentation.exercises import EXERCISES

pytestmark = [pytest.mark.notebook, pytest.mark.xdist_group("sandbox")]
MODULE = "cvgen_course.segmentation.exercises"
ANSWERS = {
    "confusion_matrix": RIGHT["confusion_matrix"],
    "mean_iou": "def mean_iou(confusion):\n    return confusion.diagonal().sum() / confusion.sum()",
    "bilinear_kernel": "def bilinear_kernel(num_channels, factor):\n    return None",
}
TOY = "EXERCISES = {}\ndef check(name, namespace):\n    return namespace[name](1)"


def solution(name, source):
    flags = {"grade_id": name, "grade": False, "solution": True}
    return new_code_cell(source, metadata={"nbgrader": flags})


def check(name, module=MODULE):
    flags = {"grade_id": f"test_{name}", "grade": True, "solution": False, "points": 2}
    source = f"from {module} import check\n\ncheck({name!r}, globals())"
    return new_code_cell(source, metadata={"nbgrader": flags})


def task(*cells, isolated, files=()):
    notebook = new_notebook(cells=[new_code_cell("import cvgen_course\nimport torch"), *cells])
    code = code_of(filter(is_check, notebook.cells))
    modules = imported(notebook)
    limits = dataclasses.replace(LIMITS, cell_seconds=30)
    seed = "a student's own"
    return Task("ada", to_json(notebook), dict(files), seed, modules, None, isolated, limits, code)


def reports_of_the_checks_themselves(monkeypatch):
    """Return what each check shows where it decides by itself, with the same seed."""
    from cvgen_course.checks.check import report_by_name

    monkeypatch.setenv("CVGEN_SEED", "a student's own")
    import torch

    space = {"torch": torch}
    exec("\n".join(ANSWERS.values()), space)
    return {f"test_{name}": report_by_name(EXERCISES, name, space) for name in ANSWERS}


@pytest.mark.parametrize("isolated", [pytest.param(True, marks=needs_sandbox), False])
def test_run_decides_as_the_checks_themselves_would(isolated, monkeypatch):
    cells = [cell for name in ANSWERS for cell in (solution(name, ANSWERS[name]), check(name))]
    finished = run(pickle.loads(pickle.dumps(task(*cells, isolated=isolated))))
    assert finished.reports == reports_of_the_checks_themselves(monkeypatch)
    points = [report.points for report in finished.reports.values()]
    assert points[0] == EXERCISES["confusion_matrix"].points
    assert 0 < points[1] < EXERCISES["mean_iou"].points
    assert points[2] == 0
    assert (finished.events, finished.undecided, finished.tampering) == ((), (), ())
    assert set(finished.seconds) == {"start", "cells", "checks", "oracle"}


@needs_sandbox
def test_run_believes_no_claim_and_names_it():
    forged = "import builtins\nimport cvgen_course.segmentation.exercises as e\n"
    forged += "e.check = lambda name, namespace: 2.0\ndef mean_iou(confusion): return 0"
    cells = [solution("mean_iou", forged), check("mean_iou")]
    finished = run(task(*cells, isolated=True))
    assert finished.reports["test_mean_iou"].points == 0
    assert finished.undecided == ("test_mean_iou",)
    (sentence,) = finished.tampering
    assert "shows '2.0', as no check does" in sentence
    made = nbformat.reads(finished.notebook, as_version=4)
    assert made.cells[-1].outputs[-1].data["text/plain"] == "0.0"


@pytest.mark.parametrize("isolated", [pytest.param(True, marks=needs_sandbox), False])
def test_checks_of_a_course_of_its_own_decide_by_themselves(isolated):
    cells = [solution("double", "def double(x): return 2.0 * x"), check("double", "toy")]
    cells += [solution("half", "def half(x): return 1 / 0"), check("half", "toy")]
    files = {"toy.py": TOY.encode()}
    finished = run(task(*cells, isolated=isolated, files=files))
    made = nbformat.reads(finished.notebook, as_version=4)
    assert made.cells[2].outputs[0].data["text/plain"] == "2.0"
    assert (finished.reports, finished.undecided) == ({}, ("test_half",))


def test_a_worker_with_other_code_refuses():
    other = dataclasses.replace(task(check("mean_iou"), isolated=False), code="other")
    with pytest.raises(CourseError, match="another version of the course"):
        run(other)


def test_imported_names_what_a_warm_process_can_import():
    cells = [
        "import torch, numpy as np\nfrom torch import nn\n",
        "%matplotlib inline\nimport never_seen",
        "def f():\n    from cvgen_course.segmentation import metrics",
        "from . import mine",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    assert imported(notebook) == (
        "torch",
        "numpy",
        "cvgen_course.segmentation",
        "cvgen_course.segmentation.metrics",
    )
