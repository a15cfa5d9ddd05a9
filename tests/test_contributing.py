"""The worked example, followed literally: its files written, its commands run, in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from cvgen_course.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "jupyter_book" / "adding_a_chapter.md"]
EXAMPLE = PAGES[1].read_text(encoding="utf-8")
STEP = re.compile(
    r"^(?:(?P<new>New file) `(?P<file>[^`]+)`|(?P<end>At the end of) `(?P<tail>[^`]+)`"
    r"|In `(?P<place>[^`]+)`, below the line (?P<quote>`+)(?P<line>.+?)(?P=quote)):\n\n"
    r"(?P<fence>`{3,})\w+\n(?P<block>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
UNNEEDED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", "__pycache__", "*.egg-info", "_build"
)
CLASS = {"submitted", "autograded", "feedback", "reports", "gradebook.db", ".cvgen"}
"""What a teacher's checkout has beside the course, at its top."""
BOOK = "format: jb-book\nroot: 10_information/information\nchapters:\n  - file: api/information\n"


@dataclass(frozen=True)
class Step:
    """One block of the example that goes into a file: below a line, at its end, or as a whole."""

    path: str
    block: str
    below: str = ""
    appends: bool = False

    def take(self, root: Path) -> None:
        path = root / self.path
        if self.below:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            found = [i for i, line in enumerate(lines) if line.lstrip().startswith(self.below)]
            assert len(found) == 1, f"{self.path}: {self.below!r} is there {len(found)} times"
            lines.insert(found[0] + 1, self.block)
            path.write_text("".join(lines), encoding="utf-8")
        elif self.appends:
            path.write_text(path.read_text(encoding="utf-8") + self.block, encoding="utf-8")
        else:
            assert not path.exists(), f"{self.path} is there already; choose another example"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.block, encoding="utf-8")


def steps() -> list[Step]:
    found = []
    for match in STEP.finditer(EXAMPLE):
        path = match["file"] or match["tail"] or match["place"]
        found.append(Step(path, match["block"], match["line"] or "", bool(match["end"])))
    return found


def commands() -> list[str]:
    """Return the commands that the example runs, in order."""
    blocks = [text for _, language, text in FENCE.findall(EXAMPLE) if language == "sh"]
    return [line for block in blocks for line in block.splitlines()]


def run(command: str, root: Path) -> str:
    """Run a command of the text in a checkout, as if its own environment were activated."""
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root),  # the copy's library, not the one that is installed
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def not_copied(folder: str, names: list[str]) -> set[str]:
    return UNNEEDED(folder, names) | (CLASS if Path(folder) == ROOT else set())


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A copy of the repository in which the example was followed up to its commands."""
    root = tmp_path_factory.mktemp("contributor") / "course"
    shutil.copytree(ROOT, root, ignore=not_copied)
    for step in steps():
        step.take(root)
    return root


@pytest.fixture(scope="module")
def released(followed):
    run(command_with("cvgen release"), followed)
    return followed


def in_the_copy(test):
    """Mark a test that follows the example: slow, and all such tests share one process's copy."""
    posix = pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
    group = pytest.mark.xdist_group("contributing")
    everything = pytest.mark.follows_from(
        *("cvgen_course", "jupyter_book", "lectures", "solutions", "tests"),
        *("CONTRIBUTING.md", "Makefile", "pyproject.toml"),
    )
    return pytest.mark.slow(posix(group(everything(test))))


def command_with(text: str) -> str:
    (found,) = [command for command in commands() if text in command]
    return found


def test_steps_take_every_block_of_the_example_but_its_commands():
    blocks = [language for _, language, _ in FENCE.findall(EXAMPLE) if language != "sh"]
    assert len(steps()) == len(blocks) > 8


def test_commands_are_the_ones_that_are_followed_below():
    assert len(commands()) == 5


def test_pages_name_no_command_that_is_not_there():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)|^make (\w+)", text, re.MULTILINE):
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target
    known = get_command(app).commands
    used = re.findall(r"(?:^|`|smoke )cvgen (\w+)", text, re.MULTILINE)
    assert {"release", "doctor", "book"} <= set(used)
    assert set(used) <= set(known)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_names_no_file_that_is_not_there(path):
    text = re.sub(FENCE, "", path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (path.parent / link).exists(), link
    written = {step.path for step in steps()}
    named = re.findall(r"`((?:[\w.]+/)*[\w.]+\.(?:py|md|yml|yaml|toml|cff|lock))`", text)
    for name in set(named) - {"__init__.py"}:
        assert (ROOT / name).exists() or name in written, name


@in_the_copy
def test_example_can_be_released(followed):
    said = run(command_with("cvgen release"), followed)
    assert said.startswith("10_information: 1 graded cells, 2 points")
    lecture = (followed / "lectures/10_information/information.md").read_text(encoding="utf-8")
    assert "NotImplementedError" in lecture
    assert "p.log2()" not in lecture


@in_the_copy
def test_example_is_written_as_the_linter_likes_it(released):
    assert "All checks passed" in run(command_with("ruff"), released)


@in_the_copy
def test_examples_own_tests_pass(released):
    said = run(f"{command_with('pytest tests/information')} -v -p no:cacheprovider", released)
    for name in ("right_answer_gets_full_points", "wrong_answer_loses", "mutants_lose", "by_hand"):
        assert re.search(rf"{name}\S* PASSED", said), said


@in_the_copy
@pytest.mark.timeout(600)
def test_example_is_an_exercise_as_the_tests_of_the_tests_demand(released):
    said = run(f"{command_with('-k information')} -v -p no:cacheprovider", released)
    passed = set(re.findall(r"::(\w+)\S* PASSED", said))
    assert passed >= {
        "test_mistake_costs_a_quarter_and_is_recognised",
        "test_reference_itself_gets_nothing",
        "test_memorised_public_answers_lose_half_with_a_grading_seed",
        "test_module_imports_only_lower_ranks",
        "test_lecture_is_what_release_makes",
        "test_solution_gets_full_points_as_a_builtin_float",
        "test_lecture_runs_to_its_end_with_not_implemented_as_the_only_error",
        "test_first_cell_installs_the_course_on_colab_alone",
        "test_lecture_has_the_title_and_the_minutes_of_the_list",
        "test_contents_name_every_chapter",
        "test_contents_name_every_package_of_the_library",
    }


@in_the_copy
def test_example_is_a_page_of_the_book(released):
    """Its two pages alone: the other chapters would be executed, too."""
    (released / "jupyter_book" / "_toc.yml").write_text(BOOK, encoding="utf-8")
    run(command_with("cvgen book"), released)
    html = released / "jupyter_book" / "_build" / "html"
    page = (html / "10_information" / "information.html").read_text(encoding="utf-8")
    for text in ("2 of 2 points", "A Mathematical Theory of Communication", "Figure 10.1"):
        assert text in page
    assert "entropy" in (html / "api" / "information.html").read_text(encoding="utf-8")
