"""A visit complains of what is broken on a page, and of nothing else."""

import dataclasses

import pytest
from support.site import serving
from support.visit import visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.follows_from("tests/support/visit.js"),
    pytest.mark.xdist_group("browser"),
]

FRAME = """<!doctype html>
<html lang="en">
<head><title>A page</title><link rel="icon" href="data:,"></head>
<style>
  :root {{ color-scheme: light dark }}
  body {{ margin: 0; overflow-x: hidden; background: light-dark(#fff, #111) }}
  pre {{ overflow-x: auto }}
</style>
<body><main><h1>A page</h1>{}</main></body>
</html>
"""
SQUARE = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
SOUND = (
    "<p>Text.</p>",
    f'<img src="{SQUARE}" alt="a square" loading="lazy">',
    '<pre tabindex="0">' + "a long line of code, " * 9 + "</pre>",
    "<script>console.log('a remark')</script>",
)
PALE = "color: light-dark(#bbb, #ddd)"
BROKEN = {
    "an error in the console": ("<script>console.error('no')</script>", {"console"}),
    "a warning in the console": ("<script>console.warn('no')</script>", {"console"}),
    "an uncaught error": ("<script>const a = 1</script><script>const a = 2</script>", {"console"}),
    "a missing script": ('<script src="gone.js"></script>', {"console", "requests"}),
    "another host": ('<script src="http://a.invalid/"></script>', {"console", "requests"}),
    "outside of the path": ("<script>fetch('/')</script>", {"requests"}),
    "a missing picture": ('<img src="data:image/png,no" alt="nothing">', {"missing"}),
    "an equation as it was written": ('<p class="math">\\(x^2\\)</p>', {"raw"}),
    "a box of 500 pixels": ('<div style="width: 500px">Wide.</div>', {"wide"}),
    "a word that is too long": (f"<p>{'Unbreakable' * 9}</p>", {"wide"}),
    "tiny text": ('<p style="font-size: 8px">Tiny.</p>', {"tiny"}),
    "pale text by day": (f'<p style="{PALE}">Pale.</p>', {"light"}),
    "text on a background that is as dark by day": (
        '<p>Text.</p><p style="background: light-dark(#333, #111)">Text.</p>',
        {"light"},
    ),
    "dim text by night": ('<p style="color: light-dark(#333, #444)">Dim.</p>', {"dark"}),
    "a picture without text": (f'<img src="{SQUARE}">', {"light", "dark"}),
    "pale text in a fold": (
        f'<details><summary>More</summary><p style="{PALE}">Pale.</p></details>',
        {"light"},
    ),
    "a pale word of code after a strong one": (
        '<pre><span class="k">if</span> <span class="k">if</span> '
        f'<span class="p" style="{PALE}">pale</span></pre>',
        {"light"},
    ),
}


@pytest.fixture
def found(page, tmp_path):
    """What a visit to a page with some content complains of."""

    def visited(content):
        folder = tmp_path / "below"
        folder.mkdir()
        (folder / "page.html").write_text(FRAME.format(content), encoding="utf-8")
        with serving(tmp_path) as address:
            seen = visit(page, f"{address}below/", "page.html")
        complaints = dataclasses.asdict(seen)
        return {name for name, texts in complaints.items() if texts and isinstance(texts, list)}

    return visited


def test_visit_is_content_with_a_sound_page(found):
    assert found("".join(SOUND)) == set()


@pytest.mark.parametrize("what", BROKEN)
def test_visit_complains_of(found, what):
    content, expected = BROKEN[what]
    assert found(content) == expected
