"""The sandbox by its name, as Jupyter's own programs use it."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from support.sandboxed import needs_sandbox
from support.tiny_course import CHAPTER, NOTEBOOK

from cvgen_course.grading.course import Course
from cvgen_course.grading.gradebook import opened
from cvgen_course.grading.sandbox.provisioner import SandboxProvisioner

NAME = "cvgen-sandbox"
SPEC = Path(sys.modules[SandboxProvisioner.__module__].__file__).parent / "kernelspec"
named = [entry.name for entry in entry_points(group="jupyter_client.kernel_provisioners")]
installed = pytest.mark.skipif(
    NAME not in named, reason="the package is installed from elsewhere, without this entry point"
)
pytestmark = [needs_sandbox, pytest.mark.notebook, pytest.mark.xdist_group("sandbox")]
LOOK = "import os; print(os.uname().nodename, os.getcwd(), sorted(os.listdir()))"
SHOWN = "sandbox /home/student ['data.txt', 'look.ipynb']\n"


@pytest.fixture
def notebook(tmp_path):
    (tmp_path / "data.txt").write_text("hello")
    nbformat.write(new_notebook(cells=[new_code_cell(LOOK)]), tmp_path / "look.ipynb")
    return tmp_path / "look.ipynb"


def shown(notebook):
    (output,) = nbformat.read(notebook, as_version=4).cells[0].outputs
    return output.text


def execute(notebook, *options, **variables):
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
    environment = os.environ | variables
    subprocess.run([*command, *options, notebook], check=True, env=environment, capture_output=True)


def test_the_kernelspec_names_the_entry_point():
    spec = json.loads((SPEC / "kernel.json").read_text())
    assert spec["metadata"]["kernel_provisioner"]["provisioner_name"] == NAME


@installed
def test_nbconvert_takes_the_sandbox_by_a_variable(notebook):
    execute(notebook, JUPYTER_DEFAULT_PROVISIONER_NAME=NAME)
    assert shown(notebook) == SHOWN


@installed
def test_nbconvert_takes_the_sandbox_by_the_kernels_name(notebook, tmp_path_factory):
    place = tmp_path_factory.mktemp("jupyter")
    command = [sys.executable, "-m", "jupyter_client.kernelspecapp", "install", f"--name={NAME}"]
    command += [f"--prefix={place}", str(SPEC)]
    subprocess.run(command, check=True, capture_output=True)
    jupyter = str(place / "share" / "jupyter")
    execute(notebook, f"--ExecutePreprocessor.kernel_name={NAME}", JUPYTER_PATH=jupyter)
    assert shown(notebook) == SHOWN


@installed
@pytest.mark.nbgrader
def test_nbgrader_autograde_takes_the_sandbox_by_a_variable(ready, submit):
    def edit(notebook):
        notebook.cells.append(new_code_cell("import os; print(os.uname().nodename)"))

    submit(ready, "ada", edit=edit)
    command = [sys.executable, "-m", "nbgrader", "autograde", CHAPTER]
    environment = os.environ | {"JUPYTER_DEFAULT_PROVISIONER_NAME": NAME}
    subprocess.run(command, check=True, cwd=ready, env=environment, capture_output=True)
    with opened(Course.find(ready)) as book:
        assert book.find_submission(CHAPTER, "ada").score == 5
    made = nbformat.read(ready / "autograded/ada" / CHAPTER / NOTEBOOK, as_version=4)
    assert made.cells[-1].outputs[0].text == "sandbox\n"
