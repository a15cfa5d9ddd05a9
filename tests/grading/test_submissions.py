import json
import os
from pathlib import Path

import pytest

from cvgen_course.grading.course import Course
from cvgen_course.grading.submissions import (
    Submission,
    UnreadableError,
    copy_companions,
    find_submissions,
    parse_notebook,
    printable,
    read_submission,
    shadows_a_package,
)

GOOD = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})


@pytest.fixture
def chapter(course):
    return Course.find(course).chapter("01_tiny")


@pytest.fixture
def folder(chapter):
    folder = chapter.course.root / "submitted/ada/01_tiny"
    folder.mkdir(parents=True)
    return folder


def read(folder, chapter):
    return read_submission(Submission(folder.parent.name, folder), chapter)


def refused(folder, chapter):
    with pytest.raises(UnreadableError) as caught:
        read(folder, chapter)
    return caught.value.status, str(caught.value)


def test_find_submissions_names_strays(chapter, folder):
    submitted = folder.parents[1]
    for name in ("bob", ".ipynb_checkpoints", "__MACOSX"):
        (submitted / name).mkdir()
    (submitted / "list.csv").write_text("")
    (submitted / "link").symlink_to(folder)
    found, strays = find_submissions(chapter)
    assert [s.student for s in found] == ["ada", "bob"]
    assert [s.partition(" ")[0] for s in strays] == ["link", "list.csv"]


def test_find_submissions_of_nobody(chapter):
    assert find_submissions(chapter) == ([], [])


def test_read_submission_takes_the_notebook(chapter, folder):
    (folder / "tiny.ipynb").write_text(GOOD)
    (folder / "other.ipynb").write_text("{")
    notebook, path, remarks = read(folder, chapter)
    assert (notebook.cells, path.name, remarks) == ([], "tiny.ipynb", [])


@pytest.mark.parametrize("name", ["Tiny.ipynb", "tiny (1).ipynb", "deep/er/tiny.ipynb", "x.IPYNB"])
def test_read_submission_takes_the_only_notebook_and_says_so(chapter, folder, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(GOOD)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints/tiny-checkpoint.ipynb").write_text(GOOD)
    _, _, remarks = read(folder, chapter)
    assert remarks == [f"The notebook was named {name} instead of tiny.ipynb."]


def test_read_submission_refuses_to_guess(chapter, folder):
    assert refused(folder, chapter) == ("no notebook", "The folder holds no notebook tiny.ipynb.")
    (folder / "a.ipynb").write_text(GOOD)
    (folder / "b.ipynb").write_text(GOOD)
    assert refused(folder, chapter) == ("no notebook", "None of 2 notebooks is named tiny.ipynb.")


def test_read_submission_says_where_nothing_was_handed_in(chapter, folder):
    folder.rmdir()
    assert refused(folder, chapter)[0] == "not submitted"
    folder.write_text("a file")
    assert refused(folder, chapter)[0] == "no notebook"


def test_read_submission_follows_no_link(chapter, folder, tmp_path):
    (tmp_path / "other.ipynb").write_text(GOOD)
    (folder / "tiny.ipynb").symlink_to(tmp_path / "other.ipynb")
    assert refused(folder, chapter) == (
        "unreadable",
        "tiny.ipynb is a link or a folder, not a file.",
    )


def test_read_submission_refuses_a_name_with_control_characters(chapter, folder):
    assert refused(folder.parents[1] / "a\nb" / "01_tiny", chapter)[0] == "bad name"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"cells": [', "not valid JSON, line 1"),
        (b'{"a": 1,\n<<<<<<< HEAD\n}', "marks of a merge conflict"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"[]", "not a notebook"),
        (b"{}", "not a notebook"),
        (b'{"nbformat": "4", "cells": []}', "not a notebook"),
        (b'{"nbformat": 4, "cells": {}}', "it has no cells"),
        (b'{"nbformat": 2, "worksheets": 3}', "old format"),
        (b"[" * 200_000, "not valid JSON"),
    ],
)
def test_parse_notebook_says_what_is_wrong(content, message):
    with pytest.raises(UnreadableError, match=message) as caught:
        parse_notebook(content)
    assert caught.value.status == "unreadable"


def test_parse_notebook_takes_a_byte_order_mark_and_an_old_format():
    assert parse_notebook(b"\xef\xbb\xbf" + GOOD.encode()).cells == []
    cell = {"cell_type": "code", "input": "1", "outputs": [], "language": "python", "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    assert parse_notebook(json.dumps(old).encode()).cells[0].source == "1"


def test_copy_companions_leaves_dangerous_files_behind(chapter, folder, tmp_path):
    for name in ("tiny.ipynb", "picture.png", "deep/data.csv", "torch.py", "numpy/__init__.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    (folder / "timestamp.txt").write_text("yesterday-ish")
    (folder / "secret").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    place = tmp_path / "place"
    remarks = copy_companions(Submission("ada", folder), folder / "tiny.ipynb", place)
    copied = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()}
    assert copied == {"picture.png", "deep/data.csv"}
    assert [remark.partition(" ")[0] for remark in remarks] == [
        "numpy/__init__.py",
        "timestamp.txt",
        "torch.py",
    ]


@pytest.mark.parametrize(
    "name", ["json.py", "cvgen_course.py", "torch/x.py", "sitecustomize.py", "random.pyc"]
)
def test_shadows_a_package_knows_modules(name):
    assert shadows_a_package(Path(name))


@pytest.mark.parametrize("name", ["my_helper.py", "torch.txt", "data/torch.py", "figure.png"])
def test_shadows_a_package_lets_others_be(name):
    assert not shadows_a_package(Path(name))


def test_printable_escapes_what_terminals_obey():
    assert printable("Zoë \x1b[31m\n\udcff") == "Zoë \\x1b[31m\\n\\udcff"
