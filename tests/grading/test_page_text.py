import re

import pytest
from support.harmful_html import HARMFUL, TAG

from cvgen_course.grading.page_text import MARK, page_text


def shown(source):
    return page_text({}, source)


@pytest.mark.parametrize("html", HARMFUL)
def test_page_text_is_as_clean_as_html(html):
    for tag, attributes in TAG.findall(shown(f"One\n\n{html}\n\nTwo {html} $a$")):
        assert tag not in {"script", "iframe", "meta", "base", "form", "svg", "style", "object"}
        assert not re.search(r"\bon\w+=|script:|data:|position|url\(", attributes)


def test_page_text_sets_formulas_between_and_within_lines():
    page = shown("Let $a<b$.\n\n$$c \\tag{3.1}$$\n\n\\begin{align}d\\end{align}")
    assert "Let <math><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>." in page
    assert page.count('<math display="block">') == 2
    assert "(3.1)" in page


def test_page_text_leaves_code_as_it_is():
    page = shown("`$a$`\n\n```\n$b$\n```")
    assert "<math" not in page
    assert "<code>$a$</code>" in page


@pytest.mark.parametrize("quote", ['"', "'"])
def test_no_formula_stands_within_a_tag(quote):
    inside = f"<p title={quote}\n\n$\\text{{ onclick=x() }}$\n\n$$b$$\n\n{quote}>words</p>"
    page = shown(inside)
    assert MARK not in page
    tags = re.findall(r"<(?:\"[^\"]*\"|'[^']*'|[^'\">])*>", page)
    assert not any("<math" in tag[1:] for tag in tags)


def test_a_mark_that_a_student_writes_is_no_harm():
    page = shown(f"{MARK}7{MARK} {MARK}x $a$ {MARK}{'9' * 5000}{MARK}")
    assert page.count("<math") == 1


def test_links_lead_to_the_page_itself_or_into_the_web():
    page = shown(
        "## Half a $g$ *glyph*\n\n[here](#half-a--glyph), [there](../01_a/a.ipynb#b), "
        "[net](https://arxiv.org), <a href='b.html'>html</a>"
    )
    assert '<h2 id="half-a--glyph">' in page
    assert '<a href="#half-a--glyph">here</a>' in page
    assert "<a>there</a>" in page
    assert '<a href="https://arxiv.org">net</a>' in page
    assert "<a>html</a>" in page
