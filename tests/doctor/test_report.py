import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cvgen_course.cli import app
from cvgen_course.doctor import Finding, examine, report
from cvgen_course.doctor.report import CHECKS, patiently, summary

ROOT = Path(__file__).parents[2]


def check_fine():
    return [Finding("ok", "all is well")]


def check_extra():
    return [Finding("optional", "no Chromium", "install chromium")]


def check_broken():
    return [Finding("wrong", "no torch", "install torch"), Finding("ok", "a kernel")]


def check_that_fails():
    raise KeyError("dependencies")


def text_of(*checks):
    stream = io.StringIO()
    good = examine(checks, stream)
    return good, stream.getvalue()


def test_examine_writes_a_line_per_finding_and_the_command_under_it():
    good, text = text_of(check_fine, check_extra, check_broken)
    assert not good
    assert text.splitlines()[:6] == [
        "ok        all is well",
        "optional  no Chromium",
        "          mend: install chromium",
        "wrong     no torch",
        "          mend: install torch",
        "ok        a kernel",
    ]
    assert "One thing is wrong" in text


def test_examine_is_content_where_only_optional_things_are_missing():
    good, text = text_of(check_fine, check_extra)
    assert good
    assert "All that a student needs is there" in text


def test_examine_goes_on_after_a_check_that_fails_itself():
    good, text = text_of(check_that_fails, check_fine)
    assert not good
    assert "that_fails: can't be checked, KeyError: 'dependencies'" in text
    assert "all is well" in text


def test_patiently_shows_that_a_slow_check_is_running(monkeypatch):
    monkeypatch.setattr(report, "TICK", 0.05)
    stream = io.StringIO()

    def check_slow():
        while "... slow, 0.1 s" not in stream.getvalue():
            time.sleep(0.01)
        return [Finding("ok", "done")]

    assert patiently(check_slow, stream) == [Finding("ok", "done")]


@pytest.mark.parametrize(
    ("wrong", "optional", "text"),
    [(0, 0, "Everything"), (0, 2, "All that a student"), (1, 0, "One thing"), (3, 1, "3 things")],
)
def test_summary_counts(wrong, optional, text):
    assert summary(wrong, optional).startswith(text)


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_cvgen_doctor_exits_with_1_where_a_student_cannot_work(monkeypatch, good, code):
    monkeypatch.setattr("cvgen_course.doctor.examine", lambda: good)
    assert CliRunner().invoke(app, ["doctor"]).exit_code == code


@pytest.mark.usefixtures("own_jupyter")
def test_examine_finds_nothing_wrong_here(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("CVGEN_DATA", raising=False)
    good, text = text_of(*CHECKS)
    assert good, text


def test_doctor_needs_neither_torch_nor_rich_nor_jupyter():
    """It runs when they are missing: here each import of a package raises."""
    code = """
import sys
from importlib import metadata
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "numpy", "rich", "jupyter_client",
                                      "jupyter_core", "jupyterlab", "nbgrader", "yaml", "tqdm"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nothing())
import typer
from cvgen_course.doctor.report import CHECKS
from cvgen_course.doctor.torch_pair import pinned_pair
assert not {"torch", "numpy", "nbgrader"} & set(sys.modules)
print(len(CHECKS))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(CHECKS)
