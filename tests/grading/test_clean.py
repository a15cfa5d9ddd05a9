import copy
import re
from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader.handlers import template_path
from support.harmful_html import HARMFUL, TAG

from cvgen_course.grading.clean import clean_html, markdown_to_html
from cvgen_course.grading.course import Course
from cvgen_course.reports import Report, Row
from cvgen_course.reports.html_table import html_table


@pytest.mark.parametrize("html", HARMFUL)
def test_clean_html_leaves_nothing_that_runs_loads_or_leads_away(html):
    for tag, attributes in TAG.findall(clean_html(html)):
        assert tag in {"a", "img", "details", "summary", "div", "p", "table"}
        assert not re.search(
            r"\bon\w+=|script:|data:|src=|position|url\(|srcdoc|action=", attributes
        )


@pytest.mark.parametrize("html", HARMFUL)
def test_markdown_is_as_clean_as_html(html):
    for tag, attributes in TAG.findall(markdown_to_html({}, f"One\n\n{html}\n\nTwo {html}")):
        assert tag not in {"script", "iframe", "meta", "base", "form", "svg", "style", "object"}
        assert not re.search(r"\bon\w+=|script:|data:|position|url\(", attributes)


@pytest.mark.parametrize(
    "html",
    [
        '<table border="1" class="dataframe"><thead><tr><th>a</th></tr></thead></table>',
        '<img src="data:image/png;base64,AAAA" alt="a curve">',
        '<a href="https://arxiv.org/abs/1512.02325">SSD</a>',
        "<details open><summary>More</summary><p>H<sub>2</sub>O</p></details>",
    ],
)
def test_clean_html_leaves_what_is_harmless(html):
    assert clean_html(html).replace('open=""', "open") == html


def test_clean_html_leaves_a_checks_table_as_it_is():
    rows = (Row("zero", True, 1.0), Row("one", False, 1.0, "wrong", "look", "`1`", "2"))
    table = html_table(Report("double", "Double", 1.0, 2.0, rows, "a mistake"))
    styles = re.findall(r'style="([^"]*)"', clean_html(table))
    assert [s.replace(" ", "").count(":") for s in styles] == [
        s.replace(" ", "").count(":") for s in re.findall(r'style="([^"]*)"', table)
    ]


def test_what_a_student_writes_with_angle_brackets_is_not_lost():
    assert "if x &lt;y and z&gt; w" in markdown_to_html({}, "if x <y and z> w").replace('=""', "")


def test_markdown_keeps_equations_and_pasted_pictures():
    cell = {"attachments": {"a.png": {"image/png": "AAAA"}}}
    html = markdown_to_html({"cell": cell}, "$a<b$ ![x](attachment:a.png)")
    assert "$a&lt;b$" in html
    assert 'src="data:image/png;base64,AAAA"' in html


def test_the_formgrader_shows_a_submission_without_its_scripts():
    """It is the same nbgrader_config.py; the page's own scripts stay."""
    config = copy.deepcopy(Course.find(Path(__file__)).config)
    assert "template_name" not in config.HTMLExporter  # or the Formgrader would show another page
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [template_path]
    evil = "<script>x()</script><img src=a onerror=x()>"
    bundles = ({"text/html": evil}, {"text/markdown": evil}, {"application/javascript": "x()"})
    outputs = [new_output("display_data", data=data) for data in bundles]
    cells = [new_markdown_cell(evil), new_code_cell("1", outputs=outputs)]
    flags = {"grade": True, "solution": True, "grade_id": "written", "points": 6}
    cells.append(new_markdown_cell(evil, metadata={"nbgrader": flags}))
    shown = {"index": 0, "total": 1, "metadata": {"path": ""}}
    html, _ = HTMLExporter(config=config).from_notebook_node(new_notebook(cells=cells), shown)
    assert "&lt;script&gt;x()" in html
    assert not re.search(r"<script[^>]*>\s*x\(\)|<img[^>]*onerror|^x\(\)$", html, re.MULTILINE)
