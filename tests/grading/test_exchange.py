"""nbgrader's own commands do their whole round in this repository's lay-out."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cvgen_course.demo.cohort import answered, own_answers

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.nbgrader,
    pytest.mark.slow,
    pytest.mark.follows_from(
        "lectures/01_segmentation",
        "solutions/01_segmentation",
        "nbgrader_config.py",
        "cvgen_course.checks",
        "cvgen_course.grading.unpair",
        "cvgen_course.notebooks.regions",
    ),
]
CHAPTER = "01_tiny"

# Several commands in one process, each as its command line would run it: nbgrader starts slowly.
COMMANDS = """
import json, os, sys
from nbgrader.apps.nbgraderapp import NbGraderApp
from traitlets.config import Application
for folder, *arguments in json.loads(sys.argv[1]):
    os.chdir(folder)
    try:
        NbGraderApp.launch_instance(arguments)
    except SystemExit as end:
        if end.code:
            sys.exit(f"{arguments}: {end.code}")
    type(Application.instance()).clear_instance()
"""


@pytest.fixture
def nbgrader(tmp_path):
    """Run nbgrader commands, each in a folder, with an exchange folder and a cache of their own."""
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    environment = os.environ | {
        "CVGEN_EXCHANGE": str(exchange),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }

    def run(*commands):
        words = json.dumps([[str(word) for word in command] for command in commands])
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS, words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return run


def test_nbgraders_round_works_from_source_to_export(ready, nbgrader, tmp_path, submit, right):
    lecture = ready / "lectures" / CHAPTER
    ours = (lecture / "tiny.ipynb").read_bytes()
    shutil.rmtree(ready / "lectures")
    (ready / "gradebook.db").unlink()
    home = tmp_path / "student"
    home.mkdir()
    shutil.copy(ready / "nbgrader_config.py", home)

    nbgrader(
        (ready, "generate_assignment", CHAPTER),
        (ready, "release_assignment", CHAPTER),
        (home, "fetch_assignment", CHAPTER),
    )
    files = {"tiny.ipynb", "toy.py"}  # no .md: it would hold the answers
    assert {path.name for path in lecture.iterdir()} == files
    assert {path.name for path in (home / CHAPTER).iterdir()} == files
    assert (lecture / "tiny.ipynb").read_bytes() == ours

    answers = submit(tmp_path / "answers", "x", {"double": right["double"]})
    shutil.copy(answers / "tiny.ipynb", home / CHAPTER)
    nbgrader(
        (home, "submit", CHAPTER),
        (ready, "collect", CHAPTER),
        (ready, "autograde", CHAPTER),
        (ready, "generate_feedback", CHAPTER),
        (ready, "export"),
    )
    (student,) = (path.name for path in (ready / "submitted").iterdir())
    assert (ready / "autograded" / student / CHAPTER / "tiny.ipynb").is_file()
    assert (ready / "feedback" / student / CHAPTER / "tiny.html").is_file()
    header, row = (ready / "grades.csv").read_text().splitlines()
    exported = dict(zip(header.split(","), row.split(","), strict=True))
    assert (float(exported["score"]), float(exported["max_score"])) == (2.0, 6.0)
    with sqlite3.connect(ready / "gradebook.db") as book:
        scores = book.execute("select auto_score from grade").fetchall()
    book.close()
    assert sorted(scores) == [(0.0,), (0.0,), (2.0,)]


def test_nbgraders_round_works_with_the_first_real_chapter(nbgrader, tmp_path):
    teacher, home, chapter = tmp_path / "teacher", tmp_path / "student", "01_segmentation"
    for place in (teacher, home):
        place.mkdir()
        shutil.copy(ROOT / "nbgrader_config.py", place)
    shutil.copytree(ROOT / "solutions" / chapter, teacher / "solutions" / chapter)
    nbgrader(
        (teacher, "generate_assignment", chapter),
        (teacher, "release_assignment", chapter),
        (home, "fetch_assignment", chapter),
    )
    notebook = home / chapter / "segmentation.ipynb"
    committed = ROOT / "lectures" / chapter / "segmentation.ipynb"
    assert notebook.read_bytes() == committed.read_bytes()

    right = own_answers(nbformat.read(teacher / "solutions" / chapter / notebook.name, 4))
    nbformat.write(answered(nbformat.read(notebook, 4), right), notebook)
    nbgrader(
        (home, "submit", chapter),
        (teacher, "collect", chapter),
        (teacher, "autograde", chapter),
        (teacher, "generate_feedback", chapter),
        (teacher, "export"),
    )
    header, row = (teacher / "grades.csv").read_text().splitlines()
    exported = dict(zip(header.split(","), row.split(","), strict=True))
    assert (float(exported["score"]), float(exported["max_score"])) == (24.0, 30.0)


def test_plain_autograde_and_cvgen_grade_share_a_gradebook(ready, nbgrader, submit):
    from support.sandboxed import grade

    submit(ready, "ada")
    nbgrader((ready, "autograde", CHAPTER))
    (result,) = grade(ready, CHAPTER).results
    assert (result.status, result.total, result.pending) == ("graded", 5.0, ("written",))
    nbgrader((ready, "generate_feedback", CHAPTER, "--force"), (ready, "export"))
    assert ",ada," in (ready / "grades.csv").read_text()
