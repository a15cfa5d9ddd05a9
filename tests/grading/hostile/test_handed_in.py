"""Files that attack whoever reads them, graded by the real command."""

import csv
import json
import os
import random

import pytest
from support.command import cvgen
from support.hostile_course import ALL, CHAPTER, EXERCISES, NOTEBOOK, RIGHT, cell_of

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("handed in"),
    pytest.mark.follows_from("cvgen_course.grading"),
]
NONE = dict.fromkeys(EXERCISES, 0.0)
POISON = "import torch\ntorch.POISONED = True\nraise RuntimeError('poison')\n"


def duplicated(notebook):
    notebook.cells += [dict(cell_of(notebook, f"test_{name}")) for name in EXERCISES] * 3


def deleted(notebook):
    for name in EXERCISES:
        notebook.cells.remove(cell_of(notebook, f"test_{name}"))


def renamed(notebook):
    for name in EXERCISES:
        cell_of(notebook, f"test_{name}").metadata["nbgrader"]["grade_id"] = f"other_{name}"


def worth_more(notebook):
    for name in EXERCISES:
        cell_of(notebook, f"test_{name}").metadata["nbgrader"]["points"] = 10**6


def reordered(notebook):
    random.Random(0).shuffle(notebook.cells)


def retyped(notebook):
    for name in EXERCISES:
        cell = cell_of(notebook, f"test_{name}")
        cell["cell_type"] = "markdown"
        del cell["outputs"], cell["execution_count"]


def replaced(notebook):
    for name in EXERCISES:
        cell = cell_of(notebook, f"test_{name}")
        cell.source = "2.0"
        data = {"text/plain": "2.0"}
        cell.outputs = [
            {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}
        ]


def skipped(notebook):
    for name in EXERCISES:
        cell_of(notebook, f"test_{name}").metadata["tags"] = ["skip-execution"]


def one_grade_id(notebook):
    for name in EXERCISES:
        cell_of(notebook, name).metadata["nbgrader"]["grade_id"] = "test_mean_iou"


def odd_metadata(notebook):
    notebook.metadata["kernelspec"] = {"name": "../../../bin/sh", "display_name": 7, "language": []}
    notebook.metadata["jupytext"] = {"formats": "ipynb,../../x:md"}
    for cell in notebook.cells:
        cell.metadata["collapsed"] = {"a": [[[[[[]]]]]]}


EDITED = {
    "duplicated cells": duplicated,
    "deleted checks": deleted,
    "renamed checks": renamed,
    "checks worth a million": worth_more,
    "reordered cells": reordered,
    "checks turned into text": retyped,
    "answers that claim to be checks": one_grade_id,
    "odd metadata": odd_metadata,
}
"""Right answers in notebooks that were taken apart."""

EDITED_AND_WRONG = {"checks replaced by points": replaced, "checks that are skipped": skipped}
"""Wrong answers in notebooks that were made to look right."""

BROKEN = {
    "broken JSON": b'{"cells": [',
    "deep JSON": b'{"cells":' + b"[" * 10**6,
    "invalid UTF-8": b'{"cells": [], "nbformat": 4, "metadata": {"x": "\xff\xfe"}}',
    "zeros": bytes(10**6),
    "no cells": b'{"nbformat": 4, "cells": {"a": 1}}',
    "a version that never was": b'{"nbformat": -7, "cells": []}',
}

BESIDE = {
    "sitecustomize.py": POISON,
    "usercustomize.py": POISON,
    "torch.py": POISON,
    "ipykernel.py": POISON,
    "conftest.py": POISON,
    "cvgen_course/__init__.py": POISON,
    "numpy/__init__.py": POISON,
    "ipython_config.py": POISON,
    "ipykernel_config.py": POISON,
    "nbgrader_config.py": POISON,
    "jupyter_config.py": POISON,
    "json.py": POISON,
    ".ipython/profile_default/startup/00.py": POISON,
    ".local/lib/python3.11/site-packages/poison.pth": "import os; os._exit(0)",
    "x.pth": "import os; os._exit(0)",
    ".cvgen/secret": "mine",
    "..\\..\\..\\gradebook.db": "a traversal",
    "..%2f..%2fgradebook.db": "a traversal",
    "C:\\gradebook.db": "a traversal",
    "-rf": "an option",
    "$(touch pwned)": "a command",
    "gradebook.db": "another gradebook",
}
WRONG = {name: f"def {name}(*arguments, **options):\n    return 0.123\n" for name in EXERCISES}


@pytest.fixture(scope="module")
def graded(hostile_class):
    """The class, graded once by `cvgen grade`: the rows of its table, by student."""
    root = hostile_class.root
    for name, edit in EDITED.items():
        hostile_class.submit(name, RIGHT, edit)
    for name, edit in EDITED_AND_WRONG.items():
        hostile_class.submit(name, WRONG, edit)
    for name, content in BROKEN.items():
        (hostile_class.submit(name) / NOTEBOOK).write_bytes(content)
    poisoned = hostile_class.submit("poisoned folder")
    for name, content in BESIDE.items():
        (poisoned / name).parent.mkdir(parents=True, exist_ok=True)
        (poisoned / name).write_text(content)
    links = hostile_class.submit("links")
    for name, target in {
        "gradebook.db": root / "gradebook.db",
        "solutions": root / "solutions",
        "others": root / "submitted",
        "loop": ".",
        "up": "../../..",
        "dead": "/nowhere",
    }.items():
        (links / name).symlink_to(target)
    os.mkfifo(links / "pipe")
    (hostile_class.submit("a link to another's notebook") / NOTEBOOK).unlink()
    link = root / "submitted" / "a link to another's notebook" / CHAPTER / NOTEBOOK
    link.symlink_to(root / "submitted" / "aa honest" / CHAPTER / NOTEBOOK)
    (root / "submitted" / "a link to another").symlink_to(root / "submitted" / "aa honest")
    (root / "submitted" / "a linked chapter").mkdir()
    (root / "submitted" / "a linked chapter" / CHAPTER).symlink_to(
        root / "submitted" / "aa honest" / CHAPTER
    )
    old = hostile_class.submit("an old format")
    cells = [
        {"cell_type": "code", "language": "python", "input": cell.source, "outputs": [],
         "collapsed": False, "metadata": cell.metadata}
        for cell in hostile_class.answered(RIGHT).cells if cell.cell_type == "code"
    ]  # fmt: skip
    book = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    (old / NOTEBOOK).write_text(json.dumps(book))
    huge = hostile_class.submit("200 MB of outputs")
    path = huge / NOTEBOOK
    before, after = path.read_text().split('"outputs": []', 1)
    text = '"outputs": [{"output_type": "stream", "name": "stdout", "text": "%s"}]'
    path.write_text(before + text % ("x" * 200_000_000) + after)
    submitted = snapshot(root / "submitted")
    cvgen("grade", CHAPTER, folder=root)
    path.unlink()  # it need not lie around
    assert snapshot(root / "submitted") == {k: v for k, v in submitted.items() if k != str(path)}
    with (root / "reports" / CHAPTER / "grades.csv").open(encoding="utf-8-sig") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def snapshot(folder):
    """Return names, sizes and times of all files."""
    found = (os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return {path: (os.lstat(path).st_size, os.lstat(path).st_mtime_ns) for path in found}


def points(graded, student):
    """Return a student's points by exercise."""
    return {name: float(graded[student][name] or 0) for name in EXERCISES}


@pytest.mark.parametrize(
    "student",
    ["aa honest", "zz honest", *EDITED, "poisoned folder", "links", "an old format",
     "200 MB of outputs"],
)  # fmt: skip
def test_right_answers_get_all_points_whatever_is_around_them(graded, student):
    assert points(graded, student) == ALL


@pytest.mark.parametrize(
    "student",
    [*EDITED_AND_WRONG, *BROKEN, "a link to another's notebook", "a linked chapter"],
)
def test_nothing_is_given_for_what_is_no_work_of_ones_own(graded, student):
    assert points(graded, student) == NONE


def test_a_folder_that_is_a_link_is_no_student(graded):
    assert "a link to another" not in graded


def test_nothing_is_written_outside_of_the_course(graded, hostile_class):
    root = hostile_class.root
    assert sorted(p.name for p in root.parent.iterdir()) == [root.name]
    assert not (root / "pwned").exists()
    assert not list(root.glob("*poison*"))
