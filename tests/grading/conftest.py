"""A tiny course of one chapter, made in a temporary folder: quick to release and to grade."""

import json
import shutil

import nbformat
import pytest
from support.tiny_course import CHAPTER, NOTEBOOK, RIGHT, answered, write_course


@pytest.fixture(scope="session")
def released_course(tmp_path_factory):
    """A course whose chapter is released; don't change it."""
    from cvgen_course.grading.release import release

    root = write_course(tmp_path_factory.mktemp("course"))
    release(root)
    return root


@pytest.fixture
def course(tmp_path):
    """A course of one's own, not yet released."""
    return write_course(tmp_path / "course")


@pytest.fixture
def ready(released_course, tmp_path):
    """A released course of one's own."""
    shutil.copytree(released_course, tmp_path / "ready")
    return tmp_path / "ready"


@pytest.fixture
def lecture(released_course):
    """The notebook that students get."""
    return nbformat.read(released_course / "lectures" / CHAPTER / NOTEBOOK, as_version=4)


@pytest.fixture(scope="session")
def right():
    """Right answers, by grade_id."""
    return dict(RIGHT)


@pytest.fixture(scope="session")
def submit(released_course):
    """Write a submission: the lecture with some answers, then changed by ``edit``."""
    lecture = nbformat.read(released_course / "lectures" / CHAPTER / NOTEBOOK, as_version=4)

    def write(root, student, answers=RIGHT, edit=None, name=NOTEBOOK):
        notebook = answered(lecture, answers)
        if edit:
            edit(notebook)
        folder = root / "submitted" / student / CHAPTER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
        return folder

    return write
