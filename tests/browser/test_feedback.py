"""A feedback page with all that a student could put into it: nothing runs, nothing leads away."""

import json

import nbformat
import pytest
from support.sandboxed import grade
from support.tiny_course import CHAPTER, NOTEBOOK, RIGHT, answered, write_course

from cvgen_course.grading.release import release

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.follows_from("nbgrader_config.py", "cvgen_course.grading", "cvgen_course.reports"),
]
RUN = "document.title = 'it ran'"
HTML = f"""
<script>{RUN}</script><img src="x" onerror="{RUN}"><svg onload="{RUN}"></svg>
<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>
<meta http-equiv="refresh" content="0;url=about:blank"><base href="http://127.0.0.1/">
<input autofocus onfocus="{RUN}"><details open ontoggle="{RUN}"><summary>More</summary></details>
<a id="link" href="javascript:{RUN}">a link</a>
"""
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"><script>{RUN}</script></svg>"
WIDE = f"$$ {'x_{ij}' * 40} $$\n\n| {' | '.join('wide' * 9 for _ in range(9))} |\n|{'---|' * 9}"
BUNDLES = [
    {"text/html": HTML},
    {"text/markdown": HTML},
    {"image/svg+xml": SVG},
    {"application/javascript": RUN},
    {"text/latex": HTML},
]


@pytest.fixture(scope="session")  # before the browser: Playwright and nbclient need a loop each
def feedback(chromium, tmp_path_factory):
    root = write_course(tmp_path_factory.mktemp("course"))
    release(root)
    notebook = answered(nbformat.read(root / "lectures" / CHAPTER / NOTEBOOK, 4), RIGHT)
    code = f"from IPython.display import display\nfor b in {BUNDLES}:\n    display(b, raw=True)"
    notebook.cells += [nbformat.v4.new_markdown_cell(text) for text in (HTML, WIDE)]
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    place = root / "submitted/ada" / CHAPTER / NOTEBOOK
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(notebook), encoding="utf-8")
    (result,) = grade(root, CHAPTER).results
    return root / result.feedback


def test_feedback_runs_no_script_and_stays_where_it_is(page, feedback):
    visited, asked = [], []
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    page.on("request", lambda request: asked.append(request.url))
    page.route("https://**", lambda route: route.abort())
    page.goto(feedback.as_uri())
    page.get_by_text("a link").first.click()
    page.wait_for_load_state("networkidle")
    assert page.title() == f"{CHAPTER}: ada"
    assert visited == [feedback.as_uri()]
    assert [url for url in asked if url != feedback.as_uri() and not url.startswith("data:")] == []
    assert page.locator("math").last.bounding_box()["width"] > 100


def test_feedback_fits_a_phone(page, feedback):
    page.set_viewport_size({"width": 390, "height": 844})
    page.route("https://**", lambda route: route.abort())
    page.goto(feedback.as_uri())
    assert page.get_by_text("wide").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
