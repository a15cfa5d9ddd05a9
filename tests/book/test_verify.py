"""Finished pages are looked at: links, pictures, other hosts."""

import pytest

from cvgen_course.book.verify import problems


@pytest.fixture
def html(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1>')
    (tmp_path / "x.png").write_bytes(b"png")
    return tmp_path


@pytest.mark.parametrize(
    "body",
    [
        '<a href="a.html#top">A</a>',
        '<a href="#here" id="here">B</a>',
        '<a href="https://example.org/x">far away</a>',
        '<a href="mailto:a@example.org">mail</a>',
        '<img src="x.png" alt="a point">',
        '<img src="data:image/png;base64,AA==" alt="a point">',
    ],
)
def test_problems_accepts_what_is_there(html, body):
    (html / "b.html").write_text(body)
    assert problems(html) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<a href="gone.html">A</a>', "dead link to gone.html"),
        ('<a href="a.html#gone">A</a>', "no such place on the page"),
        ('<a href="#gone">A</a>', "dead link to #gone"),
        ('<img src="gone.png" alt="a">', "missing file gone.png"),
        ('<img src="x.png">', "x.png has no alternative text"),
        ('<script src="https://cdn.example.org/a.js"></script>', "readable offline"),
        ('<link rel="stylesheet" href="gone.css">', "missing file gone.css"),
    ],
)
def test_problems_names_what_is_wrong(html, body, expected):
    (html / "b.html").write_text(body)
    (found,) = problems(html)
    assert found.startswith("b.html: ")
    assert expected in found
