import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from cvgen_course.notebooks.cells import is_written, plain, unix_lines


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\r\nb", "a\nb"),
        ("a\rb\r", "a\nb\n"),
        ("a\r\r\nb", "a\nb"),
        ("a\n\r\nb  ", "a\n\nb  "),
        ("a\n\n  b", "a\n\n  b"),
    ],
)
def test_unix_lines_change_nothing_but_the_ends(source, expected):
    assert unix_lines(source) == expected


@pytest.mark.parametrize("source", ["a\n  b", "a\r\n  b\r\n", "\na  \n  b\t\n\n", "a\r  b"])
def test_plain_is_the_same_for_the_same_text(source):
    assert plain(source) == "a\n  b"


@pytest.mark.parametrize("source", ["a\nb", "a\n\n  b", "A\n  b", "a b"])
def test_plain_is_another_for_another_text(source):
    assert plain(source) != plain("a\n  b")


def test_is_written_knows_answers_in_words():
    flags = {"nbgrader": {"grade": True, "solution": True, "grade_id": "x", "points": 1}}
    assert is_written(new_markdown_cell("", metadata=flags))
    assert not is_written(new_code_cell("", metadata=flags))
    assert not is_written(new_markdown_cell(""))
