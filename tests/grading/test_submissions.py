import json
import os

import pytest

from cvgen_course.grading.course import Course
from cvgen_course.grading.submissions import (
    Submission,
    UnreadableError,
    find_submissions,
    parse_notebook,
    read_submission,
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


@pytest.mark.parametrize("name", ["a\nb", "M\udcfcller"])
def test_read_submission_refuses_a_name_that_can_not_be_shown(chapter, folder, name):
    assert refused(folder.parents[1] / name / "01_tiny", chapter)[0] == "bad name"


def test_read_submission_shows_names_that_are_not_utf8(chapter, folder):
    place = os.fsencode(folder) + b"/\xfc.ipynb"
    with open(place, "w") as file:
        file.write(GOOD)
    _, _, remarks = read(folder, chapter)
    assert remarks == ["The notebook was named \\udcfc.ipynb instead of tiny.ipynb."]
    os.truncate(place, 400_000_000)
    assert refused(folder, chapter) == ("unreadable", "\\udcfc.ipynb has 400 MB.")


def test_find_submissions_names_few_of_many_strays(chapter, folder):
    for i in range(300):
        (folder.parents[1] / f"{i}.zip").touch()
    _, strays = find_submissions(chapter)
    assert len(strays) == 41
    assert strays[-1] == "There are 260 more remarks like these."


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
