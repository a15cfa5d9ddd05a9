"""The command line: what the pages name exists, and errors are one clear message."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.main import get_command
from typer.testing import CliRunner

from cvgen_course import cli
from cvgen_course.grading.results import ClassResult, Result

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("jupyter_book/*.md"), *ROOT.glob("solutions/*/*.md")]
COMMAND = re.compile(r"(?:^|`|&& |\./|bin/)cvgen (\w+)((?: --?[\w-]+)*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_a_page_names_are_there(page):
    commands = get_command(cli.app).commands
    for name, options in COMMAND.findall(page.read_text(encoding="utf-8")):
        assert name in commands
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(options.split()) <= known


def test_pattern_finds_commands_and_options():
    text = "`cvgen release`\n\ncvgen grade 01_a\n`cvgen book --serve`, make && cvgen demo"
    found = COMMAND.findall(text)
    assert found == [("release", ""), ("grade", ""), ("book", " --serve"), ("demo", "")]


def solution(source: str) -> nbformat.NotebookNode:
    flags = {"grade_id": "double", "solution": True, "grade": False, "locked": False}
    cell = new_code_cell(source, metadata={"nbgrader": flags})
    cell.id = "double"
    return new_notebook(cells=[cell])


def test_renew_writes_the_answers_and_says_which(tmp_path):
    mine, lecture = tmp_path / "mine.ipynb", tmp_path / "lecture.ipynb"
    nbformat.write(solution("def double(x):\n    return 2 * x"), mine)
    nbformat.write(
        solution("def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"), lecture
    )
    done = CliRunner().invoke(cli.app, ["renew", str(mine), str(lecture)])
    assert done.exit_code == 0
    assert done.output == f"{lecture}:\n  1 of 1 answers taken over: double.\n"
    assert "2 * x" in nbformat.read(lecture, as_version=4).cells[0].source


def test_users_error_is_one_message_and_exit_code_1(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cvgen", "renew", "none.ipynb", "neither.ipynb"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert capsys.readouterr().err == "none.ipynb: no such file\n"


@pytest.mark.parametrize(("well", "code"), [(True, 0), (False, 1)])
def test_doctor_s_exit_code_says_whether_a_student_can_work(well, code, monkeypatch):
    monkeypatch.setattr("cvgen_course.doctor.examine", lambda: well)
    assert CliRunner().invoke(cli.app, ["doctor"]).exit_code == code


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["graded", "timeout", "unreadable", "not submitted"], 0),
        (["graded", "not graded"], 3),
        (["set aside"], 3),
        (["bad name"], 3),
    ],
)
def test_grade_s_exit_code_says_whether_everyone_was_graded(statuses, code, monkeypatch):
    results = tuple(Result(f"s{n}", status) for n, status in enumerate(statuses))
    outcome = ClassResult("01_tiny", (), results, (), Path("index.html"), Path("grades.csv"))
    monkeypatch.setattr("cvgen_course.grading.cohort.grade", lambda *_, **__: outcome)
    assert CliRunner().invoke(cli.app, ["grade", "01_tiny"]).exit_code == code


def test_grade_that_was_stopped_says_so_in_its_exit_code(monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cvgen_course.grading.cohort.grade", stopped)
    assert CliRunner().invoke(cli.app, ["grade", "01_tiny"]).exit_code == 130


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp1252", b"\\u0141ukasz"), ("ascii:strict", "Łukasz".encode())]
)
def test_output_that_can_t_show_a_name_stops_nothing(encoding, name, tmp_path):
    mine, lecture = tmp_path / "Łukasz.ipynb", tmp_path / "Łukasz fresh.ipynb"
    nbformat.write(solution("def double(x):\n    return 2 * x"), mine)
    nbformat.write(
        solution("def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"), lecture
    )
    program = "from cvgen_course.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "renew", str(mine), str(lecture)],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert name + b" fresh.ipynb:" in done.stdout
    assert b"1 of 1 answers taken over" in done.stdout


def test_release_takes_a_chapter_s_name_for_its_folder(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "cvgen_course.grading.release.release", lambda _, names: asked.append(names) or []
    )
    monkeypatch.setattr(cli, "HERE", Path("nowhere"))
    for names in (["detection"], ["02_detection", "99_own"], []):
        assert CliRunner().invoke(cli.app, ["release", *names]).exit_code == 0
    assert asked == [["02_detection"], ["02_detection", "99_own"], None]


def test_release_renews_the_readme_s_table_of_chapters(tmp_path, monkeypatch):
    monkeypatch.setattr("cvgen_course.grading.release.release", lambda *_: [])
    monkeypatch.setattr(cli, "HERE", tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("# A\n\n<!-- chapters -->\n\n<!-- /chapters -->\n")
    said = [CliRunner().invoke(cli.app, ["release"]).output for _ in range(2)]
    assert "README.md: the tables of chapters" in said[0]
    assert said[1] == ""
    assert "(lectures/02_detection/detection.ipynb)" in readme.read_text()


def test_train_names_the_chapters_where_there_is_no_such_one(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cvgen", "train", "nothing", "--data", "bccd"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "expected one of introduction, segmentation, detection" in capsys.readouterr().err
