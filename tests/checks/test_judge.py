from __future__ import annotations

import dataclasses
import math
import sys

import pytest
import torch
from support.toy_exercises import EXERCISES, Affine, nearest

from cvgen_course.checks import Case, Mistake, Outcome, expected, grade, judge, make_cases
from cvgen_course.checks.judge import judge_case, points_for
from cvgen_course.reports import Row, text_table

NEAREST = EXERCISES["nearest"]
MEAN = EXERCISES["weighted_mean"]


def right(x):
    return (
        torch.stack([x, x], -1)
        .flatten(-2)
        .unsqueeze(-2)
        .expand(*x.shape[:-1], 2, 2 * x.shape[-1])
        .flatten(-3, -2)
    )


def judged(outcomes, exercise=NEAREST):
    cases = make_cases(exercise)
    return judge(exercise, cases, outcomes, expected(exercise, cases))


@pytest.mark.parametrize(
    "answer", [right, lambda x: torch.kron(x, torch.ones(1, 1, 2, 2, dtype=x.dtype))]
)
def test_grade_gives_full_points_to_right_answers(answer):
    report = grade(NEAREST, answer)
    assert report.points == 3.0
    assert type(report.points) is float
    assert report.passed
    assert report.diagnosis == ""


def test_grade_gives_a_right_answer_in_double_precision_full_points():
    report = grade(NEAREST, lambda x: right(x.double() if x.is_floating_point() else x))
    assert report.points == 3.0


def test_grade_shows_one_hint_where_every_case_fails():
    def cases(rng):
        return [dataclasses.replace(case, hint="Look.") for case in NEAREST.cases(rng)]

    exercise = dataclasses.replace(NEAREST, cases=cases)
    rows = grade(exercise, lambda x: right(x) + 1).rows
    assert [(row.passed, row.hint) for row in rows] == [(False, "Look."), *[(False, "")] * 2]
    rows = grade(exercise, lambda x: right(x) + (len(x) > 1)).rows
    assert all(row.hint == ("" if row.passed else "Look.") for row in rows)
    assert len({row.passed for row in rows}) == 2


def test_a_recognised_mistake_takes_the_place_of_its_cases_hints():
    def cases(rng):
        return [dataclasses.replace(case, hint="Look.") for case in MEAN.cases(rng)]

    def hints(answer, *mistakes):
        exercise = dataclasses.replace(MEAN, cases=cases, mistakes=mistakes)
        return [row.hint for row in grade(exercise, answer).rows if not row.passed]

    def mistaken(x, w):
        return (x * w).sum() / x.numel()

    known, _ = MEAN.mistakes
    assert "Look." in hints(mistaken)
    assert set(hints(mistaken, known)) == {""}
    also = Mistake("also", lambda x, w: torch.dot(x, w) / len(x), "n is used")
    assert "Look." in hints(mistaken, known, also)  # it is one of the two


def test_hints_stay_where_a_recognised_mistake_explains_nothing():
    (*_, last) = make_cases(MEAN)

    def cases(rng):
        return [dataclasses.replace(case, hint="Look.") for case in MEAN.cases(rng)]

    def answer(x, w):
        if x.shape == last.inputs["x"].shape:
            raise ValueError("another trouble")
        return (x * w).sum() / x.numel()

    report = grade(dataclasses.replace(MEAN, cases=cases), answer)
    assert report.diagnosis.startswith("In ")
    by_title = {row.title: row.hint for row in report.rows if not row.passed}
    assert by_title.pop(last.title) == "Look."
    assert set(by_title.values()) == {""}


def test_a_result_of_the_wrong_kind_gets_no_hint_about_its_case():
    case = Case("one", {}, hint="Look.")
    rows = {
        kind: judge_case(case, Outcome(kind, text="No."), Outcome("value", 1.0)).hint
        for kind in ("wrong", "raised", "out of time", "forbidden")
    }
    assert rows == {"wrong": "", "raised": "Look.", "out of time": "Look.", "forbidden": ""}


def test_points_come_in_hundredths_rounded_down():
    exercise = dataclasses.replace(NEAREST, points=2)
    rows = tuple(Row("case", passed, 1.0) for passed in (True, True, False))
    assert points_for(exercise, rows) == 1.33
    tenths = tuple(Row("case", i < 3, 1.0) for i in range(10))
    assert points_for(exercise, tenths) == 0.6


def test_grade_gives_points_by_weight():
    report = grade(NEAREST, lambda x: right(x) if x.is_floating_point() else x)
    assert [row.passed for row in report.rows] == [True, True, False]
    assert report.points == 1.5


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __bool__(self):
        return True

    __hash__ = None
    __class__ = torch.Tensor


class Wrapped:
    @property
    def __wrapped__(self):
        raise SystemExit

    def __getattr__(self, name):
        print("noise")
        raise SystemExit

    def __call__(self, x):
        raise SystemExit


def many_calls(x, count=[0]):  # noqa: B006
    count[0] += 1
    return right(x) if count[0] % 2 else x


def changes_input(x):
    y = right(x)
    x.zero_()
    return y


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: None,
        lambda x: "text",
        lambda x: AlwaysEqual(),
        lambda x: right(x) * math.nan,
        lambda x: right(x)[..., 0],
        lambda x: right(x).double().requires_grad_(),
        lambda x: right(x).half(),
        lambda x: right(x).numpy(),
        lambda x: (row for row in right(x)),
        lambda x: right(x).to("meta"),
        lambda x: torch.zeros(1).expand(10**5, 25_000),
        lambda x: sys.exit(),
        lambda x: exec("raise NotImplementedError"),
        changes_input,
        many_calls,
        nearest,
        lambda x: nearest(x),
        7,
        None,
        pytest.param(Wrapped(), id="hostile"),
        AlwaysEqual(),
        type("Any", (), {"__getattr__": lambda *_: None, "__call__": lambda *_: None})(),
    ],
)
def test_grade_gives_nothing_for_wrong_answers_and_says_why(answer):
    report = grade(NEAREST, answer)
    assert report.points == 0.0
    assert not any(row.passed for row in report.rows)
    assert report.note or all(row.message for row in report.rows)
    assert len(text_table(report)) < 5000


def test_grade_checks_classes_too():
    class Mine(torch.nn.Module):
        def __init__(self, scale, shift):
            super().__init__()
            self.a, self.b = torch.nn.Parameter(scale), torch.nn.Parameter(shift)

        def forward(self, x):
            return torch.addcmul(self.b, self.a, x)

    class Frozen(Mine):
        def __init__(self, scale, shift):
            super().__init__(scale, shift)
            self.b = torch.nn.Parameter(shift, requires_grad=False)
            del self.a
            self.a = scale

    class Derived(Affine):
        pass

    affine = EXERCISES["Affine"]
    assert grade(affine, Mine).points == 1.0
    assert grade(affine, Frozen).points == 0.0
    assert "own solution" in grade(affine, Derived).note
    assert "`support.toy_exercises.Affine`" in grade(affine, lambda *a: Affine(*a)).rows[0].message


def test_grade_recognises_a_mistake():
    report = grade(MEAN, lambda x, w: torch.dot(x, w) / x.numel())
    assert report.diagnosis == (
        "This is what one gets when the sum is divided by the number of values."
    )
    assert report.points < 4


def test_grade_names_every_mistake_that_fits():
    def also(x, w):
        return (x * w).sum() / x.numel()

    twice = dataclasses.replace(MEAN, mistakes=(*MEAN.mistakes, Mistake("b", also, "n is used")))
    assert grade(twice, lambda x, w: torch.dot(x, w) / len(x)).diagnosis == (
        "This is consistent with several mistakes: the sum is divided by the number of values; "
        "or n is used."
    )


def test_grade_keeps_quiet_where_no_mistake_fits():
    assert grade(MEAN, lambda x, w: torch.dot(x, w) / len(x) + x.numel()).diagnosis == ""
    assert grade(MEAN, lambda x, w: None).diagnosis == ""


def test_grade_recognises_mistakes_that_raise_or_give_nan():
    def raises(x):
        return x.view(-1)[1000]

    def nan(x):
        return right(x) / 0 * 0 if x.is_floating_point() else right(x)

    exercise = dataclasses.replace(
        NEAREST, mistakes=(Mistake("a", raises, "an index is too large"), Mistake("b", nan, "0/0"))
    )
    assert "index is too large" in grade(exercise, lambda x: x.flatten()[1000]).diagnosis
    assert grade(exercise, lambda x: x.flatten()[2000]).diagnosis == ""  # another complaint
    report = grade(exercise, lambda x: right(x) / 0 * 0 if x.is_floating_point() else right(x))
    assert "0/0" in report.diagnosis


def test_judge_calls_a_blank_a_blank():
    report = judged([Outcome("blank")] * 3)
    assert report.note.startswith("Not solved yet")
    assert report.points == 0.0


def test_judge_gives_nothing_for_answers_that_are_missing():
    right_ones = expected(NEAREST, make_cases(NEAREST))
    assert judged(right_ones).points == 3.0
    assert judged(right_ones[:1]).points == 0.75
    assert judged([]).points == 0.0
    assert judged([*right_ones, *right_ones]).points == 3.0


def test_judge_accepts_a_change_of_inputs_that_the_reference_makes_too():
    right_ones = expected(NEAREST, make_cases(NEAREST))
    changed = [dataclasses.replace(outcome, changed=("x",)) for outcome in right_ones]
    cases = make_cases(NEAREST)
    assert judge(NEAREST, cases, changed, right_ones).points == 0.0
    assert judge(NEAREST, cases, changed, changed).points == 3.0
    assert judge(NEAREST, cases, right_ones, changed).points == 3.0


def test_judge_gives_nothing_when_assert_close_was_replaced(monkeypatch):
    module = sys.modules["cvgen_course.checks.compare"]
    monkeypatch.setattr(module, "assert_close", lambda *a, **k: None)
    report = grade(NEAREST, lambda x: x)
    assert report.points == 0.0
    assert "assert_close" in report.note


def test_replacing_assert_close_later_changes_nothing(monkeypatch):
    monkeypatch.setattr(torch.testing, "assert_close", lambda *a, **k: None)
    assert grade(NEAREST, lambda x: x).points == 0.0
    assert grade(NEAREST, right).points == 3.0


def test_replacing_setprofile_earns_nothing(monkeypatch):
    monkeypatch.setattr(sys, "setprofile", lambda f: None)
    report = grade(NEAREST, lambda x: nearest(x))
    assert report.points == 0.0
    assert "sys.setprofile" in report.rows[0].message


@pytest.mark.parametrize("weights", [(1, 1, 1), (0.1, 0.2, 0.7), (1e-9, 1, 3), (1 / 3,) * 3])
def test_points_for_is_full_exactly_when_everything_passes(weights):
    rows = tuple(Row(str(i), True, weight) for i, weight in enumerate(weights))
    assert points_for(NEAREST, rows) == 3.0
    for i in range(3):
        some = tuple(dataclasses.replace(row, passed=j != i) for j, row in enumerate(rows))
        assert 0 <= points_for(NEAREST, some) < 3.0
    assert points_for(NEAREST, ()) == 0.0


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([], "different titles"),
        ([Case("a", {}), Case("a", {})], "different titles"),
        ([Case("a", {}, weight=0)], "positive weight"),
        ([Case("a", {}, weight=math.nan)], "positive weight"),
    ],
)
def test_make_cases_refuses_wrong_exercises(cases, words):
    with pytest.raises(ValueError, match=words):
        make_cases(dataclasses.replace(NEAREST, cases=lambda rng: cases))


def test_make_cases_follows_from_the_seed():
    a, b, c = (make_cases(NEAREST, seed) for seed in ("one", "one", "two"))
    assert torch.equal(a[1].inputs["x"], b[1].inputs["x"])
    assert not torch.equal(a[1].inputs["x"], c[1].inputs["x"])


def test_memorised_public_answers_fail_with_another_seed():
    memory = {
        case.inputs["x"].numpy().tobytes(): nearest(case.inputs["x"])
        for case in make_cases(NEAREST)
    }

    def memorised(x):
        return memory.get(x.numpy().tobytes())

    assert grade(NEAREST, memorised).points == 3.0
    assert grade(NEAREST, memorised, "a student's own").points == 0.0
