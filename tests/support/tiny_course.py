"""A tiny course of one chapter, quick to release and to grade."""

from __future__ import annotations

import copy
from pathlib import Path

from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
CHAPTER, NOTEBOOK = "01_tiny", "tiny.ipynb"

SOURCE = '''\
---
jupytext:
  formats: ipynb,md:myst
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

# Tiny

Two exercises and a question.

```{code-cell} ipython3
:tags: [parameters]

import os

TRAIN = "NBGRADER_EXECUTION" not in os.environ
```

## Exercise 1: double

```{code-cell} ipython3
---
nbgrader:
  cell_type: code
  grade: false
  grade_id: double
  locked: false
  schema_version: 3
  solution: true
  task: false
---
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    twice_the_argument = x + x
    return twice_the_argument
    ### END SOLUTION
```

```{code-cell} ipython3
:tags: [raises-exception]

double(21)
```

```{code-cell} ipython3
---
nbgrader:
  cell_type: code
  grade: true
  grade_id: test_double
  locked: true
  points: 2
  schema_version: 3
  solution: false
  task: false
---
from toy import check
check("double", globals())
```

## Exercise 2: square

```{code-cell} ipython3
---
nbgrader:
  cell_type: code
  grade: false
  grade_id: square
  locked: false
  schema_version: 3
  solution: true
  task: false
---
def square(x):
    """Return x times x."""
    ### BEGIN SOLUTION
    x_times_itself = x * x
    return x_times_itself
    ### END SOLUTION
```

```{code-cell} ipython3
---
nbgrader:
  cell_type: code
  grade: true
  grade_id: test_square
  locked: true
  points: 3
  schema_version: 3
  solution: false
  task: false
---
from toy import check
check("square", globals())
```

```{code-cell} ipython3
:tags: [train]

if TRAIN:
    raise RuntimeError("grading must not train")
```

## Question

Why is doubling cheaper?

+++ {"nbgrader": FLAGS}

### BEGIN SOLUTION
Because an addition is cheaper than a multiplication.
### END SOLUTION
'''
FLAGS = (
    '{"cell_type": "markdown", "grade": true, "grade_id": "written", "locked": false, '
    '"points": 1, "schema_version": 3, "solution": true, "task": false}'
)
SOURCE = SOURCE.replace("FLAGS", FLAGS)

TOY = '''\
"""Checks of the tiny chapter: like the course's, without torch."""

import os
import random

from IPython.display import display

MAX_POINTS = {"double": 2.0, "square": 3.0}
REFERENCE = {"double": lambda x: 2 * x, "square": lambda x: x * x}


def check(name, namespace):
    """Show a table and return the points."""
    rng = random.Random(os.environ.get("CVGEN_SEED", "public") + name)
    rows = []
    cases = {"zero": 0, "a number": rng.randint(3, 10**6), "negative": -rng.randint(3, 99)}
    for title, x in cases.items():
        try:
            passed, message = namespace[name](x) == REFERENCE[name](x), "wrong value"
        except Exception as error:
            passed, message = False, f"{type(error).__name__}: {error}"
        message = "" if passed else message
        rows.append({"title": title, "passed": passed, "weight": 1.0, "message": message})
    fraction = sum(row["passed"] for row in rows) / len(rows)
    points = float(MAX_POINTS[name] * fraction)
    failed = [row["title"] for row in rows if not row["passed"]]
    known = failed == ["a number", "negative"]
    report = {
        "exercise": name,
        "title": name.title(),
        "points": points,
        "max_points": MAX_POINTS[name],
        "rows": rows,
        "diagnosis": "the argument is returned" if known else "",
        "mistakes": ["the argument is returned"] if known else [],
    }
    text = "\\n".join(f"{'+' if row['passed'] else '-'} {row['title']}" for row in rows)
    display({"text/plain": text, "application/vnd.cvgen.report+json": report}, raw=True)
    return points
'''

RIGHT = {
    "double": "def double(x):\n    return 2 * x",
    "square": "def square(x):\n    return x**2",
    "written": "Because it is an addition.",
}


def write_course(root: Path) -> Path:
    """Write the authored course into a folder, and return it."""
    folder = root / "solutions" / CHAPTER
    folder.mkdir(parents=True)
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    config += "\nc.Execute.timeout = 30  # tests wait for it\n"
    (root / "nbgrader_config.py").write_text(config, encoding="utf-8")
    (folder / "tiny.md").write_text(SOURCE, encoding="utf-8")
    (folder / "toy.py").write_text(TOY, encoding="utf-8")
    return root


def answered(lecture: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """Return a copy of the lecture with some answers, by ``grade_id``."""
    notebook = copy.deepcopy(lecture)
    for cell in notebook.cells:
        flags = cell.metadata.get("nbgrader", {})
        if flags.get("solution") and flags["grade_id"] in answers:
            cell.source = answers[flags["grade_id"]]
    return notebook
