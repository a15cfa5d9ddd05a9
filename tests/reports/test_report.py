"""A report as data: what a student's process sends is anything at all."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.toy_exercises import EXERCISES

from cvgen_course.checks import grade
from cvgen_course.reports import Report, Row
from cvgen_course.reports.report import LONGEST_TEXT, MOST_ROWS

REPORT = Report("e", "t", 0.5, 2.0, (Row("a", True, 1.0), Row("b", False, 2.0, "wrong")), "d")
ROW = REPORT.to_json()["rows"][0]


def deep(levels):
    data = []
    for _ in range(levels):
        data = [data]
    return data


def test_reports_need_no_torch():
    program = "import sys, cvgen_course.reports; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("answer", [lambda x: x, lambda x: None, None])
def test_to_json_goes_through_json_and_back(answer):
    report = grade(EXERCISES["nearest"], answer)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


@pytest.mark.parametrize(
    "change",
    [
        {"points": 3.0},
        {"points": float("nan")},
        {"points": True},
        {"points": -1.0},
        {"title": 3},
        {"rows": [{"title": "x"}]},
        {"points": float("inf"), "max_points": float("inf")},
        {"points": 10**400, "max_points": 10**401},
        {"points": "2"},
        {"diagnosis": None},
        {"mistakes": None},
        {"mistakes": "text"},
        {"mistakes": [3]},
        {"mistakes": {"a": "b"}},
        {"rows": [3]},
        {"rows": ["title"]},
        {"rows": "title"},
        {"rows": {"title": "x"}},
        {"rows": [ROW | {"passed": 1}]},
        {"rows": [ROW | {"title": ["x"]}]},
        {"rows": [ROW | {"weight": float("nan")}]},
        {"rows": [ROW | {"weight": -1.0}]},
        {"rows": [ROW | {"more": 1}]},
        {"more": 1},
        {"rows": None},
    ],
)
def test_from_json_refuses_anything_else(change):
    with pytest.raises(ValueError, match="report: expected"):
        Report.from_json(REPORT.to_json() | change)


@pytest.mark.parametrize("data", [None, 3, "text", "[" * 100_000, [], {}, {"rows": []}, deep(900)])
def test_from_json_refuses_what_is_no_report(data):
    with pytest.raises(ValueError, match="report: expected"):
        Report.from_json(data)


def test_from_json_cuts_long_texts_and_tables():
    long = "x" * 10_000
    texts = dict.fromkeys(("exercise", "title", "diagnosis", "note", "read"), long)
    cells = dict.fromkeys(("title", "message", "hint", "expected", "got", "numbers"), long)
    report = Report.from_json(
        REPORT.to_json() | texts | {"rows": [ROW | cells] * 1000, "mistakes": [long]}
    )
    assert len(report.rows) == MOST_ROWS
    assert report.mistakes == (long[:LONGEST_TEXT],)
    kept = [getattr(report, name) for name in texts]
    kept += [getattr(row, name) for row in report.rows for name in cells]
    assert {len(text) for text in kept} == {LONGEST_TEXT}
