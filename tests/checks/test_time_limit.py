"""An answer that comes to no end is stopped, and stops nothing else."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time

import pytest
import torch
from support.toy_exercises import EXERCISES

from cvgen_course.checks import expected, judge, make_cases, run
from cvgen_course.checks.time_limit import OutOfTimeError, TimeLimit

NEAREST = EXERCISES["nearest"]


@pytest.fixture
def soon_over(monkeypatch):
    """Let answers run out of time quickly."""
    monkeypatch.setattr(sys.modules["cvgen_course.checks.run"], "SECONDS", 0.2)
    monkeypatch.setattr("cvgen_course.checks.time_limit.LEAST", 0.1)


def right(x):
    return x.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)


def spins():
    while True:
        pass


def catches_what_it_can():
    while True:
        with contextlib.suppress(Exception):
            torch.ones(2).sum()


def calls_functions():
    for _ in map(torch.tensor, itertools.repeat(0.0)):
        pass


def sleeps_a_little_again_and_again():
    while True:
        time.sleep(0.01)


ENDLESS = [spins, catches_what_it_can, calls_functions, sleeps_a_little_again_and_again]


@pytest.mark.parametrize("endless", ENDLESS)
def test_one_call_ends_what_does_not_end(endless):
    with TimeLimit(0.1) as limit, pytest.raises(OutOfTimeError), limit.one_call():
        endless()


def test_one_call_leaves_what_ends_in_time_alone():
    with TimeLimit(100) as limit:
        for _ in range(3):
            with limit.one_call():
                done = sum(range(1000))
    assert done == 499500
    assert 99 < limit.left < 100


def test_one_call_takes_half_of_what_is_left():
    with TimeLimit(4) as limit:
        with pytest.raises(OutOfTimeError), limit.one_call():
            spins()
        assert limit.left == pytest.approx(2, abs=1)  # seconds of work, on a busy machine too


def test_no_error_comes_after_a_call(monkeypatch):
    monkeypatch.setattr("cvgen_course.checks.time_limit._AGAIN", 0.001)
    monkeypatch.setattr("cvgen_course.checks.time_limit.LEAST", 0.0)
    calls = stopped = 0
    deadline = time.monotonic() + 60
    with TimeLimit(0.0) as limit:
        while (calls < 300 or stopped < 20) and time.monotonic() < deadline:
            calls += 1
            try:
                with limit.one_call():
                    sum(range(10_000))
            except OutOfTimeError:
                stopped += 1
            sum(range(1000))
    assert stopped >= 20


def test_a_time_limit_s_thread_ends_with_it():
    before = threading.active_count()
    for _ in range(20):
        with TimeLimit(1):
            pass
    deadline = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


@pytest.mark.parametrize("endless", ENDLESS)
def test_run_goes_on_after_a_case_without_end(soon_over, endless):
    def implementation(x):
        return right(x) if x.is_floating_point() else endless()

    outcomes = run(NEAREST, implementation, make_cases(NEAREST))
    assert [outcome.kind for outcome in outcomes] == ["value", "value", "out of time"]
    assert "came to no end" in outcomes[2].text


def test_an_answer_without_end_gets_points_and_a_hint_for_what_it_ended(soon_over):
    def implementation(x):
        return right(x) if x.is_floating_point() else spins()

    cases = make_cases(NEAREST)
    report = judge(NEAREST, cases, run(NEAREST, implementation, cases), expected(NEAREST, cases))
    assert [row.passed for row in report.rows] == [True, True, False]
    assert report.points == 1.5
    assert report.rows[2].hint == cases[2].hint


def test_an_answer_that_is_too_slow_the_second_time_is_not_called_unstable(soon_over):
    calls = []

    def implementation(x):
        calls.append(x)
        return right(x) if len(calls) <= 3 else spins()

    outcomes = run(NEAREST, implementation, make_cases(NEAREST))
    assert [outcome.kind for outcome in outcomes] == ["value"] * 3
    assert len(calls) == 6


def test_a_watched_answer_without_end_is_no_forbidden_one(soon_over):
    outcomes = run(NEAREST, lambda x: spins(), make_cases(NEAREST))
    assert {outcome.kind for outcome in outcomes} == {"out of time"}


def test_an_interrupt_by_hand_is_no_end_of_time(soon_over):
    def implementation(x):
        raise KeyboardInterrupt

    outcomes = run(NEAREST, implementation, make_cases(NEAREST))
    assert {outcome.kind for outcome in outcomes} == {"interrupted"}
