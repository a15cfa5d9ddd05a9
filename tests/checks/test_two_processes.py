"""Student code and probe in one process, cases, reference and comparison in another."""

# ruff: noqa: E501 - students' sources, one a line

from __future__ import annotations

import pytest
import torch
from support.toy_exercises import EXERCISES
from support.two_processes import grade_in_one_process, grade_in_two_processes, stop

from cvgen_course.checks import encode, expected, judge_bytes, make_cases
from cvgen_course.checks.outcome import Outcome
from cvgen_course.checks.sides import answer_bytes, encode_outcomes, encode_questions

PATH = "support.toy_exercises:EXERCISES"

ANSWERS = {
    "weighted_mean": {
        "right": "def weighted_mean(x, w): return (x * w).sum() / w.sum()",
        "double": "def weighted_mean(x, w): return (x.double() @ w.double()) / w.double().sum()",
        "a known mistake": "def weighted_mean(x, w): return (x * w).sum() / len(x)",
        "forbidden": "def weighted_mean(x, w): return (x * w / w.sum() * len(x)).mean()",
        "cut off": "def weighted_mean(x, w): return ((x * w).sum() / w.sum()).item()",
        "nothing": "def weighted_mean(x, w): pass",
        "blank": "def weighted_mean(x, w): raise NotImplementedError()",
        "raises": "def weighted_mean(x, w):\n    if len(x) == 1: raise ValueError('one')\n    return (x * w).sum() / w.sum()",
        "leaves": "def weighted_mean(x, w): raise SystemExit(1)",
        "misnamed": "def mean_weighted(x, w): return x",
        "syntax error": "def weighted_mean(x, w) return x",
        "raises before": "1 / 0\ndef weighted_mean(x, w): return x",
        "prints": "def weighted_mean(x, w):\n    print('x' * 10**6)\n    return (x * w).sum() / w.sum()",
        "in place": "def weighted_mean(x, w):\n    total = w.sum()\n    w.zero_()\n    return (x * (total / len(x))).sum()",
    },
    "nearest": {
        "right": "def nearest(x): return x.repeat_interleave(2, 2).repeat_interleave(2, 3)",
        "labels only": "def nearest(x): return x[..., None, None].expand(*x.shape, 2, 2).transpose(-3, -2).reshape(*x.shape[:2], 2 * x.shape[2], -1) if not x.is_floating_point() else x",
        "the reference": "from support.toy_exercises import nearest",
        "calls the reference": "from support.toy_exercises import nearest as n\ndef nearest(x): return n(x)",
        "needs grad": "def nearest(x): return x.double().repeat_interleave(2, 2).repeat_interleave(2, 3).requires_grad_()",
        "10 GB": "def nearest(x): return x.new_zeros(1).expand(100_000, 25_000)",
        "not a tensor": "def nearest(x): return x.repeat_interleave(2, 2).repeat_interleave(2, 3).tolist()",
        "NaN": "def nearest(x): return x.repeat_interleave(2, 2).repeat_interleave(2, 3) * float('nan')",
    },
    "Affine": {
        "right": "import torch\nclass Affine(torch.nn.Module):\n    def __init__(self, a, b):\n        super().__init__()\n        self.a, self.b = torch.nn.Parameter(a), torch.nn.Parameter(b)\n    def forward(self, x): return x * self.a + self.b",
        "no parameters": "import torch\nclass Affine(torch.nn.Module):\n    def __init__(self, a, b):\n        super().__init__()\n        self.a, self.b = a, b\n    def forward(self, x): return x * self.a + self.b",
        "subclass": "import support.toy_exercises as t\nclass Affine(t.Affine): pass",
    },
}


@pytest.mark.parametrize("seed", ["public", "of a student"])
@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name in ANSWERS for answer in ANSWERS[name]]
)
def test_two_processes_give_the_same_report_as_one(name, answer, seed):
    source = ANSWERS[name][answer]
    one = grade_in_one_process(PATH, name, source, seed)
    two = grade_in_two_processes(PATH, name, source, seed)
    assert two == one
    assert (two.points == two.max_points) is (answer in ("right", "double", "prints"))


def test_two_processes_survive_the_death_of_the_students():
    source = "import os\ndef nearest(x): os._exit(0)"
    report = grade_in_two_processes(PATH, "nearest", source)
    assert report.points == 0.0
    assert "No answer came" in report.note
    assert grade_in_two_processes(PATH, "nearest", ANSWERS["nearest"]["right"]).points == 3.0


def test_two_processes_end_a_loop_without_end():
    source = "def nearest(x):\n    while True: pass"
    report = grade_in_two_processes(PATH, "nearest", source, timeout=3)
    assert report.points == 0.0
    assert "No answer came" in report.note


def test_two_processes_do_not_let_the_student_decide():
    """Patching the judge or the comparison in the student's process changes nothing."""
    source = """
import sys
import torch
import cvgen_course.checks.compare, cvgen_course.checks.judge
for module in [m for n, m in sys.modules.items() if n.startswith("cvgen_course.checks")]:
    for name in ("compare", "judge", "points_for", "assert_close", "_row"):
        if hasattr(module, name):
            setattr(module, name, lambda *a, **k: None)
torch.testing.assert_close = lambda *a, **k: None
def nearest(x): return x
"""
    assert grade_in_two_processes(PATH, "nearest", source).points == 0.0
    stop(PATH)  # the next test must not meet this student's patches


@pytest.mark.parametrize(
    "answers", [b"", b"garbage", encode(None), encode([1, 2, 3]), encode_outcomes([])]
)
def test_judge_bytes_gives_nothing_for_damaged_answers(answers):
    exercise = EXERCISES["nearest"]
    cases = make_cases(exercise)
    report = judge_bytes(exercise, cases, answers, expected(exercise, cases))
    assert report.points == 0.0
    assert len(report.rows) == 3


def test_judge_bytes_believes_no_claim_without_a_value():
    exercise = EXERCISES["nearest"]
    cases = make_cases(exercise)
    right = expected(exercise, cases)
    claims = [Outcome("value", value) for value in (True, "passed", torch.ones(1))]
    assert judge_bytes(exercise, cases, encode_outcomes(claims), right).points == 0.0


def test_encode_questions_tells_neither_titles_nor_weights_nor_hints():
    exercise = EXERCISES["weighted_mean"]
    questions = encode_questions(make_cases(exercise))
    assert b"five values" not in questions
    assert b"Divide by" not in questions


def test_answer_bytes_keeps_to_the_limit(monkeypatch):
    exercise = EXERCISES["nearest"]
    cases = make_cases(exercise)
    monkeypatch.setattr("cvgen_course.checks.sides.MAX_BYTES", 2000)
    answers = answer_bytes(
        exercise, {"nearest": lambda x: torch.zeros(1000)}, encode_questions(cases)
    )
    report = judge_bytes(exercise, cases, answers, expected(exercise, cases))
    assert "too large" in report.rows[0].message
