from __future__ import annotations

import html.parser
import re
from dataclasses import replace

import pytest

from cvgen_course.reports import Report, Row, html_table, text_table
from cvgen_course.reports.text_table import WIDTH, points_in_words

HOSTILE = "</td><script>alert(1)</script> `<b>` \"'&$E$"
REPORT = Report(
    exercise="mean_iou",
    title="Mean intersection over union",
    points=0.5,
    max_points=2.0,
    rows=(
        Row("by hand", True, 1.0),
        Row("absent class", False, 2.0, "1 of 3 values differ.", "Look at 0/0.", "a", "b"),
        Row("again", False, 1.0, "1 of 3 values differ.", "Look at 0/0.", "a", "b"),
    ),
    diagnosis="This is what one gets when an absent class counts as 0.",
    read="Section 3",
)


class Wellformed(html.parser.HTMLParser):
    """Raises unless every tag is closed in order; collects tags and text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], set(), ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(report):
    parser = Wellformed()
    parser.feed(html_table(report))
    parser.close()
    assert parser.open == []
    return parser


def test_html_table_folds_a_case_s_numbers_away():
    rows = tuple(replace(row, numbers="" if row.passed else HOSTILE) for row in REPORT.rows)
    parser = parsed(replace(REPORT, rows=rows))
    assert {"details", "summary", "pre"} <= parser.tags
    assert "script" not in parser.tags
    assert parser.text.count(HOSTILE) == 2
    assert "details" not in parsed(REPORT).tags


def test_text_table_shows_what_passed_and_what_did_not():
    assert text_table(REPORT).splitlines() == [
        "mean_iou: Mean intersection over union" + " " * 35 + "0.5 of 2 points",
        "─" * WIDTH,
        "This is what one gets when an absent class counts as 0.",
        "",
        "✓ by hand",
        "✗ absent class",
        "    1 of 3 values differ.",
        "    expected: a",
        "    got:      b",
        "    hint:     Look at 0/0.",
        "✗ again",
        "    (the same)",
        "─" * WIDTH,
        "Read again: Section 3",
    ]


def test_text_table_wraps_long_text():
    row = Row("x " * 100, False, 1.0, "y" * 300, "z " * 100)
    lines = text_table(Report("e", "t " * 60, 0.0, 1.0, (row,), note="n " * 100)).splitlines()
    assert all(len(line) <= WIDTH for line in lines[1:])


def test_html_table_says_the_same_as_the_text_table():
    text = parsed(REPORT).text
    for words in ("mean_iou", "0.5 of 2 points", "absent class", "Look at 0/0", "Section 3", "✓"):
        assert words in text
    assert text.count("1 of 3 values differ.") == 1
    assert text.index("an absent class counts as 0") < text.index("absent class1 of 3")


def test_html_table_escapes_everything():
    row = Row(HOSTILE, False, 1.0, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    report = Report(HOSTILE, HOSTILE, 0.0, 1.0, (row,), HOSTILE, HOSTILE, HOSTILE)
    parser = parsed(report)
    assert parser.tags <= {"div", "span", "code", "table", "tbody", "tr", "td", "strong"}
    assert parser.text.count("<script>alert(1)</script>") == 10
    assert "mathjax_ignore" in html_table(report)


def test_html_table_needs_no_style_sheet_and_sets_no_text_colour():
    page = html_table(REPORT)
    assert "<style" not in page
    assert set(re.findall(r"[;\"]color:([^;]+)", page)) == {"inherit", "#fff"}


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (2.0, "2"),
        (0.0, "0"),
        (1.5, "1.5"),
        (1.999, "1.99"),
        (2 / 3, "0.66"),
        (0.29, "0.29"),
        (10, "10"),
    ],
)
def test_points_in_words_never_promises_more(points, words):
    assert points_in_words(points) == words
