"""GitHub's workflows can't be run here; what they name must be there."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from cvgen_course.chapters import READY
from cvgen_course.cli import app

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
BINARIES = Path(sys.executable).parent

every_workflow = pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=list(WORKFLOWS))


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(workflow):
    return "\n".join(step.get("run", "") for step in steps(workflow))


@every_workflow
def test_commands_are_there(workflow):
    text = commands(workflow)
    for program in re.findall(r"\.venv/bin/([\w-]+)", text):
        assert shutil.which(program, path=BINARIES), program
    for command in re.findall(r"\bcvgen (\w+)", text):
        assert command in get_command(app).commands
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for extra in re.findall(r'-e "\.\[(\w+)\]"', text):
        assert extra in PROJECT["optional-dependencies"]
    for path in re.findall(r"--ignore=(\S+)|(requirements\.lock|pyproject\.toml)", text):
        assert (ROOT / "".join(path)).exists(), path


@every_workflow
def test_rights_are_few_and_time_is_limited(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 120
        if name == "deploy":
            assert job["if"] == "github.event_name == 'push'"
            assert job["permissions"] == {"pages": "write", "id-token": "write"}
        else:
            assert "permissions" not in job
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"] == {"persist-credentials": False}


@every_workflow
def test_no_secret_and_no_foreign_code_with_rights(workflow):
    triggers = workflow[True]  # YAML reads the key `on` so
    assert "pull_request_target" not in triggers
    assert "workflow_run" not in triggers
    assert "secrets." not in str(workflow)
    for step in steps(workflow):
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/checkout@v6"))


def test_tests_begin_with_the_oldest_python_of_pyproject():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    for job in WORKFLOWS["tests"]["jobs"].values():
        if "strategy" in job:
            assert job["strategy"]["matrix"]["python"] == [oldest, "3.12", "3.13"]


def test_each_chapter_has_a_job_of_its_own():
    """The list needs Python alone: no package is installed where it is asked for."""
    (command,) = re.findall(r"python3 -c (\".*\")\)", commands(WORKFLOWS["tests"]))
    bare = subprocess.run(
        ["bash", "-c", f"{sys.executable} -S -c {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert bare.returncode == 0, bare.stderr
    assert json.loads(bare.stdout) == ["common", *(c.name for c in READY)]


@pytest.mark.parametrize("hook", HOOKS["repos"][0]["hooks"], ids=lambda hook: hook["id"])
def test_hooks_need_no_network(hook):
    assert len(HOOKS["repos"]) == 1
    assert HOOKS["repos"][0]["repo"] == "local"
    assert hook["language"] in ("system", "pygrep", "fail")
    if hook["language"] == "system":
        assert shutil.which(hook["entry"].split()[0], path=BINARIES)


@pytest.mark.parametrize(
    ("hook", "text", "hits"),
    [
        ("no-outputs", '   "execution_count": 3,', True),
        ("no-outputs", '     "output_type": "stream",', True),
        ("no-outputs", '   "execution_count": null,', False),
        ("private-files", ".cvgen/secret", True),
        ("private-files", "submitted/ada/01_segmentation/segmentation.ipynb", True),
        ("private-files", "gradebook.db", True),
        ("private-files", "cvgen_course/grading/secret.py", False),
        ("release", "solutions/01_segmentation/segmentation.md", True),
        ("release", "cvgen_course/segmentation/exercises/mean_iou.py", True),
        ("release", "cvgen_course/segmentation/metrics.py", False),
    ],
)
def test_hooks_look_at_the_right_things(hook, text, hits):
    (found,) = [each for each in HOOKS["repos"][0]["hooks"] if each["id"] == hook]
    pattern = found["entry"] if found["language"] == "pygrep" else found["files"]
    assert bool(re.search(pattern, text)) == hits
