import errno
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import nbformat
import pytest

from cvgen_course.errors import CourseError, ReleaseError
from cvgen_course.grading.course import Course
from cvgen_course.grading.release import built, check_release, contents, release

SOURCE = "solutions/01_tiny/tiny.md"
LECTURE = "lectures/01_tiny/tiny.ipynb"


def edit(root, old, new, path=SOURCE):
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


def test_release_makes_what_students_get(released_course):
    files = contents(released_course / "lectures")
    assert set(files) == {"01_tiny/tiny.ipynb", "01_tiny/tiny.md", "01_tiny/toy.py"}
    notebook = nbformat.read(released_course / LECTURE, as_version=4)
    cells = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}
    stub = 'def double(x):\n    """Return twice x."""\n    # YOUR CODE HERE\n'
    assert cells["double"].source == f"{stub}    raise NotImplementedError()"
    assert cells["written"].source == "YOUR ANSWER HERE"
    assert cells["test_double"].metadata.editable is False
    assert notebook.metadata.kernelspec.name == "python3"


def test_release_writes_the_pair_without_outputs(released_course):
    notebook = nbformat.read(released_course / "solutions/01_tiny/tiny.ipynb", as_version=4)
    assert any("twice_the_argument" in c.source for c in notebook.cells)
    assert all(not c.get("outputs") for c in notebook.cells)


def test_release_twice_is_the_same_to_the_byte(ready):
    trees = ("lectures", "solutions")
    before = [contents(ready / tree) for tree in trees]
    (made,) = release(ready)
    assert made.changed == ()
    assert (made.graded, made.points) == (3, 6.0)
    assert [contents(ready / tree) for tree in trees] == before


def test_release_depends_on_no_gradebook_and_works_in_a_fresh_clone(ready, released_course):
    (ready / "gradebook.db").unlink()
    shutil.rmtree(ready / "lectures")
    shutil.rmtree(ready / ".cvgen", ignore_errors=True)
    release(ready, ["01_tiny"])
    assert contents(ready / "lectures") == contents(released_course / "lectures")
    assert contents(ready / "solutions") == contents(released_course / "solutions")


def test_release_keeps_ids_when_a_text_changes(ready):
    before = [c.id for c in nbformat.read(ready / LECTURE, as_version=4).cells]
    edit(ready, "Two exercises and a question.", "Two exercises and one question.")
    (made,) = release(ready)
    assert LECTURE in made.changed
    assert [c.id for c in nbformat.read(ready / LECTURE, as_version=4).cells] == before


def test_release_drops_what_is_no_longer_authored(ready):
    (ready / "lectures/01_tiny/old.txt").write_text("old")
    (made,) = release(ready)
    assert made.changed == ("lectures/01_tiny/old.txt",)
    assert not (ready / "lectures/01_tiny/old.txt").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('check("double", globals())', 'check("double", globals());', "trailing ';'"),
        ("    ### END SOLUTION", "", "between ### BEGIN SOLUTION"),
        ("## Question", '+++ {"secret": 1}\n\n## Question', "metadata 'secret'"),
    ],
)
def test_release_that_fails_leaves_everything_as_it_was(ready, old, new, message):
    edit(ready, old, new)
    before = contents(ready)
    with pytest.raises(ReleaseError, match=message):
        release(ready)
    assert contents(ready) == before
    assert not list((ready / ".cvgen").glob("release-*"))


@pytest.fixture
def other_disk(tmp_path):
    """A folder on another file system than the course's, where this machine has one."""
    for place in ("/dev/shm", Path.home()):
        if os.access(place, os.W_OK) and os.stat(place).st_dev != os.stat(tmp_path).st_dev:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                yield Path(folder)
            return
    pytest.skip("all folders lie on one file system")


@pytest.mark.parametrize("linked", ["lectures", "lectures/01_tiny", ".cvgen"])
def test_release_writes_through_a_link_to_another_disk(ready, released_course, other_disk, linked):
    (ready / linked).mkdir(exist_ok=True)
    shutil.copytree(ready / linked, other_disk / "there")
    shutil.rmtree(ready / linked)
    (ready / linked).symlink_to(other_disk / "there")
    edit(ready, "Two exercises", "Three exercises")
    (made,) = release(ready)
    assert set(made.changed) > {LECTURE}
    assert (ready / linked).is_symlink()
    assert "Three exercises" in (ready / LECTURE).read_text()
    edit(ready, "Three exercises", "Two exercises")
    release(ready)
    assert contents(ready / "lectures/01_tiny") == contents(released_course / "lectures/01_tiny")
    assert check_release(ready) == []


@pytest.mark.parametrize("at", [1, 2])
def test_release_that_can_not_be_put_in_place_leaves_the_old_lecture(ready, monkeypatch, at):
    edit(ready, "Two exercises", "Three exercises")
    before = contents(ready)
    calls, replace = [], os.replace

    def fail_once(*paths):
        calls.append(paths)
        if len(calls) == at:
            raise OSError(errno.EBUSY, "somebody has it open")
        replace(*paths)

    monkeypatch.setattr("cvgen_course.files.os.replace", fail_once)
    with pytest.raises(ReleaseError, match=r"01_tiny can't be written.*has it open.*as it was"):
        release(ready)
    assert contents(ready) == before
    assert not list(ready.rglob("*.part"))


def test_release_says_which_folder_can_not_be_written(ready, tmp_path):
    shutil.rmtree(ready / "lectures")
    (ready / "lectures").symlink_to(tmp_path / "a disk that is not there")
    with pytest.raises(ReleaseError, match="lectures/01_tiny can't be written"):
        release(ready)


def test_release_follows_files_that_become_folders(ready):
    folder = ready / "solutions/01_tiny"
    (folder / "data").mkdir()
    (folder / "data" / "x.csv").write_text("1")
    release(ready)
    assert (ready / "lectures/01_tiny/data/x.csv").is_file()
    shutil.rmtree(folder / "data")
    (folder / "data").write_text("2")
    (made,) = release(ready)
    assert set(made.changed) == {"lectures/01_tiny/data", "lectures/01_tiny/data/x.csv"}
    assert (ready / "lectures/01_tiny/data").read_text() == "2"
    (folder / "data").unlink()
    release(ready)
    assert not (ready / "lectures/01_tiny/data").exists()


def test_release_leaves_out_what_systems_leave(ready):
    before = contents(ready / "lectures")
    for name in ("._tiny.ipynb", "._toy.py", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (ready / "solutions/01_tiny" / name).write_bytes(b"\0\5\x16\7 \xff")
    (made,) = release(ready)
    assert made.changed == ()
    assert contents(ready / "lectures") == before
    assert not (ready / "lectures/01_tiny/Thumbs.db").exists()


@pytest.mark.parametrize("start", ["\ufeff", ""])
def test_release_is_the_same_whatever_the_editor(ready, released_course, start):
    text = (ready / SOURCE).read_text(encoding="utf-8")
    (ready / SOURCE).write_bytes((start + text.replace("\n", "\r\n")).encode())
    (made,) = release(ready)
    assert made.changed == ()
    assert contents(ready / "lectures") == contents(released_course / "lectures")


def test_release_looks_for_answers_beside_the_notebook(ready):
    (ready / "solutions/01_tiny/toy.py").write_text("twice_the_argument = x + x\n")
    with pytest.raises(ReleaseError, match=r"toy.py: the line 'twice_the_argument = x \+ x'"):
        release(ready)


def test_release_says_when_there_is_nothing_to_release(course):
    (course / SOURCE).unlink()
    with pytest.raises(ReleaseError, match=r"expected chapters such as 01_name/name\.md"):
        release(course)
    with pytest.raises(CourseError, match="got '01_tiny'"):
        release(course, ["01_tiny"])


def test_release_tells_the_gradebook(released_course):
    with sqlite3.connect(released_course / "gradebook.db") as book:
        rows = book.execute(
            "select name, max_score from grade_cells g join base_cell b on g.id = b.id"
        )
        assert dict(rows) == {"test_double": 2.0, "test_square": 3.0, "written": 1.0}
    book.close()


def test_built_leaves_the_courses_configuration_as_it_is(ready):
    with (ready / "nbgrader_config.py").open("a") as file:
        file.write("\nc.SaveCells.enabled = True\n")
    chapter = Course.find(ready).chapter("01_tiny")
    with built(chapter):
        assert chapter.course.config.SaveCells.enabled is True


def test_check_release_names_what_is_out_of_date(ready):
    assert check_release(ready) == []
    before = contents(ready)
    edit(ready, "Two exercises", "Three exercises")
    assert contents(ready).keys() == before.keys()
    assert check_release(ready) == [
        "lectures/01_tiny/tiny.ipynb is out of date; run: cvgen release",
        "lectures/01_tiny/tiny.md is out of date; run: cvgen release",
        "solutions/01_tiny/tiny.ipynb does not follow tiny.md; run: cvgen release",
    ]
