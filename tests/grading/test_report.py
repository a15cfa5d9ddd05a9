import csv
import dataclasses
import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from cvgen_course.grading.gradebook import Column, Name
from cvgen_course.grading.grades_csv import write_grades
from cvgen_course.grading.report import code, render, write_report
from cvgen_course.grading.results import ClassResult, Result
from cvgen_course.grading.table import show
from cvgen_course.reports import Report, Row

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def outcome(tmp_path):
    columns = (Column("test_a", "a_thing", 2.0, False), Column("w", "written", 6.0, True))
    rows = (Row(f"{EVIL} `x`", False, 1.0), Row("fine", True, 1.0))
    report = Report(EVIL, EVIL, 1.0, 2.0, rows, mistakes=(f"{EVIL} diagnosis",))
    results = (
        Result("=1+1", "graded", (), {"test_a": 2.0, "w": None}, ("written",), {"test_a": report},
               1.0, "feedback/=1+1/01_x/x #1.html", auto={"test_a": 1.0}),
        Result(f"{EVIL}\x1b[31m", "timeout", (f"{EVIL} took long.",), {"test_a": 0.5, "w": 0.0}),
        Result("nobody", "not submitted", ("There is no folder 01_x.",)),
    )  # fmt: skip
    folder = tmp_path / "reports" / "01_x"
    stray = ("[bold]x in submitted/ was left out.",)
    return ClassResult(
        "01_x", columns, results, stray, folder / "index.html", folder / "grades.csv"
    )


class Links(HTMLParser):
    """Collects tags and addresses."""

    def __init__(self):
        super().__init__()
        self.tags, self.addresses = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for k, v in attributes if k in ("href", "src", "action", "data")]


def test_report_escapes_what_students_wrote_and_loads_nothing(outcome, tmp_path):
    html = render(outcome, tmp_path)
    page = Links()
    page.feed(html)
    assert "script" not in page.tags
    assert not {"link", "img", "iframe", "object", "form"} & set(page.tags)
    assert page.addresses == ["../../feedback/%3D1%2B1/01_x/x%20%231.html", "grades.csv"]
    assert "http:" not in html
    assert "https:" not in html
    assert "\x1b" not in html
    assert "url(" not in html


def test_report_says_what_a_teacher_wants_to_know(outcome, tmp_path):
    html = render(outcome, tmp_path)
    for text in (
        "2 submissions; 1 without one",
        "mean of 8",
        "1 of 1",
        "diagnosis",
        "1×",
        "to be read: 1",
        "left out",
    ):
        assert text in html


def test_report_and_table_name_whom_the_gradebook_knows_by_name(outcome, tmp_path):
    assert "first_name" not in grades(outcome)[0]
    named = dataclasses.replace(outcome, names={"=1+1": Name(EVIL, "=Lovelace")})
    html = render(named, tmp_path)
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt; =Lovelace") == 1  # it has no remark
    first, second, third = grades(named)
    assert (first["first_name"], first["last_name"]) == (EVIL, "'=Lovelace")
    assert second["first_name"] == third["last_name"] == ""


def test_report_shows_a_mark_that_is_to_be_looked_at_again(outcome, tmp_path):
    first, *others = outcome.results
    again = dataclasses.replace(first, points={"test_a": 2.0, "w": 5.0})
    html = render(dataclasses.replace(outcome, results=(again, *others)), tmp_path)
    assert '5 <span class="soft">to read</span>' in html
    assert "to be read: 1" in html


def grades(outcome):
    write_grades(outcome)
    text = outcome.table.read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_report_of_an_empty_class_is_a_page_too(outcome, tmp_path):
    empty = ClassResult("01_x", outcome.columns, (), (), outcome.report, outcome.table)
    write_report(empty, tmp_path)
    assert "0 submissions" in outcome.report.read_text(encoding="utf-8")


def test_code_escapes_before_it_marks():
    assert code("`<b>` & x") == "<code>&lt;b&gt;</code> &amp; x"


def test_write_grades_holds_no_formula(outcome):
    write_grades(outcome)
    data = outcome.table.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row["total"] for row in rows] == ["2.0", "0.5", ""]
    assert (rows[0]["student"], rows[0]["written"], rows[0]["to read"]) == ("'=1+1", "", "written")
    assert rows[2]["status"] == "not submitted"
    cells = [value for row in rows for value in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@pytest.mark.parametrize("width", [50, 80, 200])
def test_show_fits_any_terminal(outcome, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    show(outcome, console)
    text = console.file.getvalue()
    table = text.partition("?")[0].splitlines()
    assert max(map(len, table)) <= width
    assert "\x1b" not in text
    assert "[bold]x in submitted/" in text
    assert "nobody: There is no folder 01_x." in text
    assert str(Path("01_x") / "index.html") in text
