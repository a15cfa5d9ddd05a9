"""The built book in the browser."""

import threading
import urllib.request

import pytest

from cvgen_course.book.serve import serve
from cvgen_course.errors import BookError


def test_serve_shows_the_book(tmp_path):
    (tmp_path / "index.html").write_text("the book")
    started, address = threading.Event(), []

    def on_start(text):
        address.append(text)
        started.set()

    options = {"port": 0, "on_start": on_start}
    threading.Thread(target=serve, args=(tmp_path,), kwargs=options, daemon=True).start()
    assert started.wait(10)
    with urllib.request.urlopen(address[0]) as answer:
        assert answer.read() == b"the book"


def test_serve_says_that_there_is_no_book(tmp_path):
    with pytest.raises(BookError, match="run: cvgen book"):
        serve(tmp_path)
