"""The committed lectures are what the authored chapters make, and give nothing away."""

import shutil
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

from cvgen_course.grading.course import Course
from cvgen_course.grading.leaks import find_leaks
from cvgen_course.grading.release import check_release
from cvgen_course.notebooks.pairing import read_source

CHAPTERS = Course.find(Path(__file__)).chapters()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_lecture_is_what_release_makes(chapter):
    assert check_release(chapter.course.root, [chapter.name]) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_lecture_holds_no_answer(chapter):
    source = read_source(chapter.source, chapter.source.with_suffix(".ipynb"))
    assert chapter.released.is_file()
    assert find_leaks(source, chapter.release_folder) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_lecture_and_its_text_say_the_same(chapter):
    notebook = nbformat.read(chapter.released, as_version=4)
    text = jupytext.read(chapter.released.with_suffix(".md"))
    assert [(c.cell_type, c.source, c.metadata) for c in text.cells] == [
        (c.cell_type, c.source, c.metadata) for c in notebook.cells
    ]


@pytest.mark.parametrize("answer", ["", "one\n\n+++\n\ntwo", "\n\nlate\n\n"])
def test_jupyterlab_keeps_whatever_a_student_writes(answer, tmp_path):
    """With Jupytext's pairing, an emptied answer cell would be gone when the lecture is opened."""
    (chapter,) = (each for each in CHAPTERS if each.notebook == "segmentation")
    shutil.copytree(chapter.release_folder, tmp_path, dirs_exist_ok=True)
    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)()
    manager.root_dir = str(tmp_path)
    notebook = manager.get("segmentation.ipynb")["content"]
    (cell,) = (
        c
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == "written_question"
    )
    cell.source = answer
    manager.save({"type": "notebook", "content": notebook}, "segmentation.ipynb")
    again = manager.get("segmentation.ipynb")["content"]
    assert [(c.id, c.source) for c in again.cells] == [(c.id, c.source) for c in notebook.cells]
