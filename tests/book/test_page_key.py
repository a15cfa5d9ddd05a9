"""What makes the book execute a notebook again."""

import nbformat
import pytest

from cvgen_course import provenance
from cvgen_course.book.page_key import page_key


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text"), *cells])


USES_MATRIX = notebook("%pip install x\nif True:\n    !ls", "from tools.matrix import det\ndet(3)")
USES_BOOK = notebook("import tools.book")


@pytest.fixture(autouse=True)
def tools(tmp_path, monkeypatch):
    """A library of two modules in the place of the course's."""
    monkeypatch.delenv("CVGEN_DATA", raising=False)
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("__init__", "matrix", "book"):
        (folder / f"{name}.py").write_text("def det(x):\n    return x\n")
    monkeypatch.setattr(provenance, "ROOTS", {"tools": folder})
    return folder


def test_page_key_is_the_same_twice():
    assert page_key(USES_MATRIX, "cpu") == page_key(USES_MATRIX, "cpu")


def test_page_key_changes_with_the_profile():
    assert len({page_key(USES_MATRIX, profile) for profile in ("smoke", "cpu", "gpu")}) == 3


def test_page_key_changes_with_the_library_that_the_page_uses_and_with_no_other(tools):
    before = page_key(USES_MATRIX, "cpu"), page_key(USES_BOOK, "cpu")
    (tools / "matrix.py").write_text("def det(x):\n    return x + 1\n")
    after = page_key(USES_MATRIX, "cpu"), page_key(USES_BOOK, "cpu")
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_page_key_stays_when_only_a_docstring_changes(tools):
    before = page_key(USES_MATRIX, "cpu")
    (tools / "matrix.py").write_text('def det(x):\n    """Return x."""\n    return x\n')
    assert page_key(USES_MATRIX, "cpu") == before


def test_page_key_changes_with_the_packages(monkeypatch):
    page = notebook("import numpy")
    before = page_key(page, "cpu")
    monkeypatch.setattr(provenance, "version", lambda name: "0.1")
    assert page_key(page, "cpu") != before


def test_page_key_changes_with_the_data(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.bin").write_bytes(b"1")
    monkeypatch.setenv("CVGEN_DATA", str(data))
    before = page_key(USES_MATRIX, "cpu")
    (data / ".DS_Store").write_bytes(b"left by somebody who only looked")
    assert page_key(USES_MATRIX, "cpu") == before
    (data / "a.bin").write_bytes(b"12")
    assert page_key(USES_MATRIX, "cpu") != before


def test_page_key_finds_data_at_home(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CVGEN_DATA", "~/data")
    before = page_key(USES_MATRIX, "cpu")
    (tmp_path / "data" / "a.bin").write_bytes(b"1")
    assert page_key(USES_MATRIX, "cpu") != before
