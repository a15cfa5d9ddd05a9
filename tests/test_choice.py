"""Which tests `make test` leaves out: a small suite with this one's conftest, run repeatedly."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.parts import chapter_of

TESTS = Path(__file__).parent
INI = "[pytest]\npythonpath = tests\naddopts = --import-mode=importlib -p no:randomly\nmarkers =\n"
INI += "".join(
    f"    {name}\n" for name in ("follows_from", "browser", "nbgrader", "notebook", "slow", "data")
)
ANSWERS = "from support.helper import LIMIT\ndef test_a():\n    assert LIMIT\ndef test_b(): pass\n"
OTHERS = """
import pytest
def test_c(): pass
@pytest.mark.follows_from("things")
@pytest.mark.xdist_group("d")
def test_d(): pass
"""
pytestmark = pytest.mark.follows_from()

ALL = {"test_a", "test_b", "test_c", "test_d"}


@pytest.fixture
def suite(tmp_path):
    for name in ("__init__.py", "parts.py", "unchanged.py"):
        if (TESTS / "support" / name).is_file():
            (tmp_path / "tests" / "support").mkdir(parents=True, exist_ok=True)
            shutil.copy(TESTS / "support" / name, tmp_path / "tests" / "support")
    shutil.copy(TESTS / "conftest.py", tmp_path / "tests")
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "tests" / "support" / "helper.py").write_text("LIMIT = 1\n")
    (tmp_path / "tests" / "gan" / "exercises").mkdir(parents=True)
    (tmp_path / "tests" / "gan" / "exercises" / "test_answers.py").write_text(ANSWERS)
    (tmp_path / "tests" / "test_others.py").write_text(OTHERS)
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "a.txt").write_text("one")
    return tmp_path


@pytest.fixture
def passed(suite):
    """Run the small suite; return the names of the tests that ran and passed, and its output."""

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-p", "xdist", "-v", *options, "tests"]
        environment = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the others load slowly
        done = subprocess.run(
            command, cwd=suite, env=environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        lines = re.findall(r"^.*PASSED.*$", said, re.MULTILINE)
        return {name for line in lines for name in re.findall(r"::(\w+)", line)}, said

    return run


@pytest.mark.parametrize("processes", [(), ("-n", "2", "--dist", "loadgroup")])
def test_changed_leaves_out_answers_that_passed_with_the_same_code(passed, processes):
    assert passed("--changed", *processes)[0] == ALL
    names, said = passed("--changed", *processes)
    assert names == {"test_c"}
    assert "3 tests were left out" in said
    assert passed(*processes)[0] == ALL


@pytest.mark.parametrize("text", ["LIMIT = 2\n", "LIMIT = 0\n"])
def test_changed_runs_answers_again_when_a_helper_changes(passed, suite, text):
    passed("--changed")
    helper = suite / "tests" / "support" / "helper.py"
    helper.write_text(text)
    names, _ = passed("--changed")
    assert names == {"test_b", "test_c"} | ({"test_a"} if "2" in text else set())
    if "0" in text:  # what failed is not taken for passed later on
        assert "test_a FAILED" in passed("--changed")[1]


def test_changed_runs_again_what_follows_from_a_file_that_changed(passed, suite):
    passed("--changed")
    (suite / "things" / "a.txt").write_text("two")
    assert passed("--changed")[0] == {"test_c", "test_d"}
    (suite / "things" / "b.txt").write_text("")
    assert passed("--changed")[0] == {"test_c", "test_d"}


def test_changed_runs_everything_when_the_notes_are_lost_or_damaged(passed, suite):
    for damage in ("", "{", "[1]", '{"tests/gan/exercises/test_answers.py::test_a": 3}', None):
        passed()
        (notes,) = (suite / ".pytest_cache").rglob("cvgen/passed")
        if damage is None:
            shutil.rmtree(suite / ".pytest_cache")
        else:
            notes.write_text(damage)
        assert passed("--changed")[0] == ALL


def test_chapter_runs_its_own_tests_alone(passed):
    assert passed("--chapter", "gan")[0] == {"test_a", "test_b"}
    assert passed("--chapter", "common")[0] == {"test_c", "test_d"}
    assert "expected one of introduction" in passed("--chapter", "gans")[1]


@pytest.mark.parametrize(
    ("nodeid", "chapter"),
    [
        ("tests/detection/test_nms.py::test_nms", "detection"),
        ("tests/test_exercises.py::test_blank_gets_nothing[gan.saturating]", "gan"),
        ("tests/notebooks/test_run.py::test_x[solutions/08_modern_gans]", "modern_gans"),
        ("tests/notebooks/test_run.py::test_x[solutions/07_cyclegan]", "cyclegan"),
        ("solutions/05_gan/gan.ipynb::Cell 3", "gan"),
        ("tests/experiments/test_detection.py::test_draw", "detection"),
        ("tests/checks/test_run.py::test_x", "common"),
    ],
)
def test_chapter_of_knows_a_chapter_by_its_name(nodeid, chapter):
    assert chapter_of(nodeid) == chapter
