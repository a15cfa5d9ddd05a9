"""A course of three real exercises that the oracle decides, and classes that attack its grading."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from types import SimpleNamespace

import nbformat
from support.tiny_course import ROOT, answered

from cvgen_course.grading.cohort import grade
from cvgen_course.grading.execute import Limits
from cvgen_course.grading.release import release
from cvgen_course.grading.sandbox.limits import GIB, SandboxLimits

CHAPTER, NOTEBOOK = "01_hostile", "hostile.ipynb"
LIMITS = Limits(
    cell_seconds=6,
    total_seconds=60,
    output_characters=20_000,
    sandbox=SandboxLimits(
        memory_bytes=GIB + GIB // 2, processes=40, cpu_seconds=60, disk_bytes=64 * 2**20, files=256
    ),
)
RIGHT = {
    "confusion_matrix": """\
def confusion_matrix(pred, target, num_classes, ignore_index=None):
    if ignore_index is not None:
        keep = target != ignore_index
        pred, target = pred[keep], target[keep]
    places = num_classes * target.flatten() + pred.flatten()
    return torch.bincount(places, minlength=num_classes**2).view(num_classes, num_classes)
""",
    "mean_iou": """\
def mean_iou(confusion):
    right = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - right
    there = union > 0
    return (right[there] / union[there]).mean() if there.any() else 0.0
""",
    "bilinear_kernel": """\
def bilinear_kernel(num_channels, factor):
    size = 2 * factor - factor % 2
    line = 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor
    return torch.eye(num_channels)[:, :, None, None] * (line[:, None] * line)
""",
}
EXERCISES = tuple(RIGHT)
ALL = dict.fromkeys(EXERCISES, 2.0)

HEAD = """\
---
jupytext:
  formats: ipynb,md:myst
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Hostile

```{code-cell} ipython3
import torch
```
"""
EXERCISE = """
## {name}

```{{code-cell}} ipython3
---
nbgrader:
  cell_type: code
  grade: false
  grade_id: {name}
  locked: false
  schema_version: 3
  solution: true
  task: false
---
{head}
    ### BEGIN SOLUTION
{body}
    ### END SOLUTION
```

```{{code-cell}} ipython3
---
nbgrader:
  cell_type: code
  grade: true
  grade_id: test_{name}
  locked: true
  points: 2
  schema_version: 3
  solution: false
  task: false
---
from cvgen_course.segmentation.exercises import check

check("{name}", globals())
```
"""


def write_course(root: Path) -> Path:
    """Write and release the course in a folder, and return it."""
    folder = root / "solutions" / CHAPTER
    folder.mkdir(parents=True)
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (root / "nbgrader_config.py").write_text(config, encoding="utf-8")
    parts = []
    for name, answer in RIGHT.items():
        head, body = answer.rstrip().split("\n", 1)
        parts.append(EXERCISE.format(name=name, head=head, body=body))
    (folder / "hostile.md").write_text("".join([HEAD, *parts]), encoding="utf-8")
    release(root)
    return root


class Class:
    """Students of one class, by name, graded once.

    Args:
        root: the course's folder.
    """

    def __init__(self, root: Path):
        self.root = write_course(root)
        self.lecture = nbformat.read(root / "lectures" / CHAPTER / NOTEBOOK, as_version=4)
        self.outcome = None

    def answered(self, answers):
        """Return the lecture with answers."""
        return answered(self.lecture, answers)

    def submit(self, student, answers=RIGHT, edit=None):
        """Write the submission of a student: the lecture with answers, then edited."""
        notebook = self.answered(answers)
        if edit:
            edit(notebook)
        folder = self.root / "submitted" / student / CHAPTER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NOTEBOOK).write_text(json.dumps(notebook), encoding="utf-8")
        return folder

    def attack(self, student, code, at="mean_iou", answer=None):
        """Submit right answers, with an attack in front of one of them, or of another answer."""
        code = textwrap.dedent(code).strip("\n")
        return self.submit(student, RIGHT | {at: f"{code}\n\n{answer or RIGHT[at]}"})

    def grade(self, **how):
        """Grade all."""
        self.outcome = grade(self.root, CHAPTER, limits=LIMITS, **how)
        return self

    def result(self, student):
        """Return a student's result."""
        return next(r for r in self.outcome.results if r.student == student)

    def points(self, student):
        """Return a student's points by exercise."""
        points = self.result(student).points
        return {name: points.get(f"test_{name}") for name in EXERCISES}


def cell_of(notebook, name) -> SimpleNamespace:
    """Return the cell with a grade_id."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)
