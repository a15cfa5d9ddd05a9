"""Plain Markdown becomes MyST: equations, references, captions, citations, boxes."""

import pytest

from cvgen_course.book.markdown import (
    CAPTION,
    Numbers,
    Translator,
    boxes,
    outside_code_and_math,
    slug,
)
from cvgen_course.book.references import Reference
from cvgen_course.errors import BookError

LONG = Reference("long2015", "Long et al.", "2015")
ARXIV = "https://arxiv.org/abs/1411.4038"


@pytest.fixture
def translator() -> Translator:
    numbers = Numbers()
    numbers.collect("page", ["$$\na = b \\tag{1.1}\n$$", "**Figure 1.2.** A picture."])
    return Translator("solutions/01_sample/sample.md", numbers, {ARXIV: LONG})


def test_translate_gives_an_equation_an_anchor_and_keeps_its_number(translator):
    text = translator.translate("Before\n\n$$\na \\\\ b \\tag{1.1}\n$$\n\nafter")
    assert "(eq-1-1)=\n```{math}\n:nowrap:\n\n\\[\na \\\\ b \\tag{1.1}\n\\]\n```" in text
    assert "$$" not in text


@pytest.mark.parametrize(
    "text",
    ["see equation (1.1).", "see eq. (1.1).", "By (1.1), …", "Equations (1.1) and (1.1) agree"],
)
def test_translate_links_equation_numbers(translator, text):
    assert "[(1.1)](#eq-1-1)" in translator.translate(text)


@pytest.mark.parametrize("text", ["`f(1.1)`", "$f(1.1)$", "$$\n(1.1)\n$$", "```\n(1.1)\n```"])
def test_translate_leaves_code_and_math_alone(translator, text):
    assert translator.translate(text) == text


def test_translate_leaves_other_numbers_in_brackets_alone(translator):
    assert translator.translate("a threshold (0.5) here") == "a threshold (0.5) here"


def test_translate_refuses_a_reference_to_no_equation(translator):
    with pytest.raises(BookError, match=r"no equation \(9\.9\)"):
        translator.translate("see equation (9.9)")


def test_translate_links_figures_and_refuses_unknown_ones(translator):
    assert translator.translate("In Figure 1.2 …") == "In [Figure 1.2](#fig-1-2) …"
    with pytest.raises(BookError, match=r"no Figure 3\.1"):
        translator.translate("Figure 3.1 shows")


@pytest.mark.parametrize(
    ("label", "role"), [("Long et al., 2015", "cite:alp"), ("Long et al. (2015)", "cite:t")]
)
def test_translate_turns_a_paper_s_link_into_a_citation(translator, label, role):
    assert translator.translate(f"([{label}]({ARXIV}))") == f"({{{role}}}`long2015`)"
    assert "{bibliography}" in translator.bibliography()


def test_translate_keeps_a_link_without_a_year_and_lists_the_paper(translator):
    text = f"[fully convolutional]({ARXIV})"
    assert translator.translate(text) == text + "{cite:empty}`long2015`"
    assert translator.cited == {"long2015"}


def test_translate_refuses_a_paper_that_is_not_in_the_list(translator):
    with pytest.raises(BookError, match=r"1111\.2222 is not in references\.bib"):
        translator.translate("[Nobody, 2011](https://arxiv.org/abs/1111.2222)")


@pytest.mark.parametrize(
    "label",
    ["Long et al., 2014", "Short et al., 2015", "Long and Short, 2015", "FCN by Long et al., 2015"],
)
def test_translate_refuses_another_year_or_author(translator, label):
    with pytest.raises(BookError, match=r"sample\.md: .* is by Long et al\., 2015"):
        translator.translate(f"[{label}]({ARXIV})")


def test_translate_changes_jupyterlab_s_anchors(translator):
    text = "[up](#Max-unpooling:-why?), [there](../02_x/x.ipynb#A-Section)"
    expected = "[up](#max-unpooling-why), [there](../02_x/x.ipynb#a-section)"
    assert translator.translate(text) == expected


def test_bibliography_is_empty_where_nothing_is_cited(translator):
    assert translator.bibliography() == ""


def test_collect_refuses_a_number_that_is_used_twice():
    numbers = Numbers()
    numbers.collect("one", ["$$\na \\tag{1.1}\n$$"])
    with pytest.raises(BookError, match=r"equation 1\.1 is numbered twice \(also in one\)"):
        numbers.collect("two", ["text\n\n$$a \\tag{1.1}$$"])


def test_boxes_turns_a_titled_blockquote_into_a_box():
    text = boxes("Text\n\n> **Goals**\n>\n> - one\n> - two\n\nMore")
    assert ":::::{admonition} Goals\n:class: cvgen-goals\n\n\n- one\n- two\n:::::" in text
    assert text.startswith("Text\n")
    assert text.endswith("\nMore")


def test_boxes_keeps_an_ordinary_quotation():
    text = "> **Bold** words in a quotation\n> and more."
    assert boxes(text) == text


def test_outside_code_and_math_puts_everything_back():
    text = "a `b` $c$ $$d$$ ``e ` f`` \\$5\n```python\ng\n```\nh"
    assert outside_code_and_math(text, str.upper) == text.replace("a ", "A ").replace("\nh", "\nH")


def test_caption_is_the_first_paragraph_alone():
    match = CAPTION.match("**Figure 1.2.** Two\nlines.\n\nMore text.")
    assert match.group(1) == "**Figure 1.2.** Two\nlines."
    assert match.group(2) == "1.2"


def test_slug_is_github_s():
    assert slug("The-Jaccard-index:-why?") == "the-jaccard-index-why"
