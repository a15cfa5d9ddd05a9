"""Torch's threads wait politely, however the course is entered, unless the user has chosen."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cvgen_course.grading.execute import plain_environment

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted([*ROOT.glob("solutions/*/*.ipynb"), *ROOT.glob("lectures/*/*.ipynb")])
SHOW = "import os, sys; print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"


def shown(program, **chosen):
    """Run a program where nobody but ``chosen`` has set anything; return what it prints."""
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    command = [sys.executable, "-c", program]
    return subprocess.check_output(command, env=environment | chosen, text=True, cwd=ROOT).strip()


@pytest.mark.parametrize(
    ("chosen", "count"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_spin_count_stands_before_torch_is_loaded(chosen, count):
    assert shown(f"import cvgen_course; {SHOW}", **chosen) == f"False {count}"


def test_commands_set_it():
    assert shown(f"import cvgen_course.cli; {SHOW}") == "False 1000"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_notebook_imports_the_course_before_torch(path):
    cells = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    lines = [
        line.split()[1] for c in cells for line in c.splitlines() if line.startswith("import ")
    ]
    assert lines.index("cvgen_course") < lines.index("torch")


def test_grading_hands_it_to_the_kernels():
    assert plain_environment()["GOMP_SPINCOUNT"] == os.environ["GOMP_SPINCOUNT"]
