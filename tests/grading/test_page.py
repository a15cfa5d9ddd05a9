import copy
import re
from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvgen_course.grading.course import Course
from cvgen_course.grading.page import FeedbackPage
from cvgen_course.grading.page_text import page_text
from cvgen_course.grading.steps import TEMPLATES

TEXTS = [
    "# Title\n\nA *text* with $a<b$, `code` and \"quotes\".\n\n```python\nx = 'a'\n```",
    "<b>open <i>tags <img src='data:image/png;base64,AAAA'>",
    "<script>x()</script></div></main>",
    "<!-- a comment --> <!--0 0-->",
    "",
]
BUNDLES = [
    {"text/html": "<table style='color: red'><tr><td>1 & 2<br>3</table>"},
    {"text/html": "no tags.html"},
    {"text/markdown": "**bold** <img src=x>"},
    {"image/png": "AAAA"},
    {"text/plain": "<a> & 'b'"},
]


def page(kind, notebook):
    config = copy.deepcopy(Course.find(Path(__file__)).config)
    config.HTMLExporter.template_name = "cvgen_feedback"
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    config.HTMLExporter.filters["page_text"] = page_text
    said = {
        "notebook": "tiny",
        "assignment": "01_tiny",
        "student": "ada",
        "score": 1.0,
        "max_score": 2.0,
        "late_penalty": 0,
    }
    resources = {"nbgrader": said, "inlining": {"css": []}, "metadata": {"path": ""}}
    html, _ = kind(config=config).from_notebook_node(notebook, resources)
    html = re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "NONCE", html)
    return re.sub("\n+", "\n", html)  # nbconvert keeps empty lines behind text, not behind tags


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_feedback_page_is_the_one_that_nbconvert_makes(time):
    outputs = [new_output("display_data", data=data) for data in BUNDLES]
    outputs.append(new_output("stream", text="\x1b[31mred\x1b[0m <b>\n"))
    cells = [*map(new_markdown_cell, TEXTS), new_code_cell("x = '<&>'  # \"\"", outputs=outputs)]
    cells += [new_code_cell(""), new_code_cell("%%bash\nls", metadata={"magics_language": "bash"})]
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    assert page(FeedbackPage, notebook) == page(HTMLExporter, notebook)
