import html.parser
import re
from pathlib import Path

import nbformat
import pytest

from cvgen_course.grading.formulas import MOST_PARTS, to_mathml
from cvgen_course.grading.page_text import page_text

LECTURES = sorted(Path(__file__).parents[2].glob("lectures/*/*.ipynb"))
FORMULA = re.compile(
    r"(?<!\\)\$\$(?P<display>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$`]+?)\$", re.DOTALL
)


class Texts(html.parser.HTMLParser):
    """Collects what a reader sees of a formula."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.tags = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.seen.append(data)


def test_to_mathml_sets_a_formula_in_a_line_and_on_a_line_of_its_own():
    assert to_mathml("x_1") == "<math><msub><mi>x</mi><mn>1</mn></msub></math>"
    assert to_mathml("x", display=True) == '<math display="block"><mi>x</mi></math>'


def test_to_mathml_sets_rows_one_below_the_other():
    rows = Texts(to_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", display=True))
    assert rows.tags.count("mtr") == 2
    assert "".join(rows.seen) == "a=bc=d"


@pytest.mark.parametrize("tex", [r"\frac{1", "}", r"\begin{cases} a", "{" * 50_000])
def test_to_mathml_shows_what_is_no_formula_as_code(tex):
    assert to_mathml(tex) == f"<code>{tex}</code>"


def test_to_mathml_shows_a_command_that_it_does_not_know():
    assert r"\unknown" in "".join(Texts(to_mathml(r"\unknown x")).seen)


@pytest.mark.parametrize("part", [r"\sqrt{", r"\left.\frac{", r"\begin{matrix}", "x^{"])
def test_to_mathml_survives_formulas_nested_in_each_other(part):
    assert to_mathml(part * (MOST_PARTS // 2)).startswith("<code>")
    assert to_mathml(part * 20_000).startswith("<code>")


@pytest.mark.parametrize("tex", [r"\text{<script>x()</script>}", "<img src=x onerror=x()>"])
def test_to_mathml_escapes_what_looks_like_html(tex):
    assert not {"script", "img"} & set(Texts(to_mathml(tex)).tags)


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_every_formula_of_the_lectures_is_shown(path):
    found = 0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            formulas = len(FORMULA.findall(re.sub(r"```.*?```|`[^`]*`", "", cell.source)))
            page = page_text({"cell": cell}, cell.source)
            assert page.count("<math") == formulas, cell.source
            assert "color:" not in page  # as an unknown command is shown
            assert "$" not in re.sub(r"<code>.*?</code>|<pre>.*?</pre>", "", page, flags=re.DOTALL)
            found += formulas
    assert found > 0
