"""What a student's code may do while it is run; each time there is an outcome, and nothing escapes.

What these tests cannot promise: a process that ends (`os._exit`, a crash in C code), a loop without
end, memory that the operating system runs out of, and code that patches this package itself. For
those the student's side runs in a process of its own, with limits, and the decision falls outside.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
import warnings

import numpy as np
import pytest
import torch
from support.toy_exercises import EXERCISES, nearest, weighted_mean

from cvgen_course.checks import Outcome, WrongAnswer, expected, make_cases, run

NEAREST = EXERCISES["nearest"]
MEAN = EXERCISES["weighted_mean"]


def right(x):
    return (
        x[..., :, None, :, None]
        .expand(*x.shape[:-1], 2, x.shape[-1], 2)
        .reshape(*x.shape[:-2], 2 * x.shape[-2], 2 * x.shape[-1])
    )


def run_nearest(implementation, **options):
    return run(NEAREST, implementation, make_cases(NEAREST), **options)


def raising(error):
    def implementation(x):
        raise error

    return implementation


def test_run_returns_values_as_the_reference_does():
    outcomes = run_nearest(right)
    for mine, theirs in zip(outcomes, expected(NEAREST, make_cases(NEAREST)), strict=True):
        assert mine.kind == theirs.kind == "value"
        assert torch.equal(mine.value, theirs.value)
        assert mine.changed == ()


class SaysNothingError(Exception):
    def __str__(self):
        raise ValueError


class LeavesError(Exception):
    def __str__(self):
        raise SystemExit


class SaysALotError(Exception):
    def __str__(self):
        return "x" * 10**7


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ValueError("bad <b>"), "raised", "ValueError: bad <b>"),
        (NotImplementedError(), "blank", "Not solved yet"),
        (SystemExit(0), "raised", "exit"),
        (RecursionError(), "raised", "without end"),
        (MemoryError(), "raised", "memory"),
        (GeneratorExit(), "raised", "GeneratorExit"),
        (StopIteration(), "raised", "StopIteration"),
        (SaysNothingError(), "raised", "SaysNothing"),
        (LeavesError(), "raised", "LeavesError"),
        (SaysALotError(), "raised", "xxx…"),
        (WrongAnswer("no"), "wrong", "No."),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "\ud800"), "raised", "UnicodeDecodeError"),
    ],
)
def test_run_turns_every_exception_into_an_outcome(error, kind, words):
    outcomes = run_nearest(raising(error))
    assert [outcome.kind for outcome in outcomes] == [kind] * 3
    assert words in outcomes[0].text
    assert len(outcomes[0].text) < 600


def test_run_survives_recursion_and_allocation():
    def recursive(x):
        return recursive(x)

    def huge(x):
        return torch.empty(2**55)

    assert run_nearest(recursive)[0].text.startswith("Your code called itself without end")
    assert "more memory" in run_nearest(huge)[0].text


def test_run_stops_where_it_is_interrupted():
    calls = []

    def implementation(x):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return nearest(x)

    outcomes = run_nearest(implementation, watch=False)
    assert [outcome.kind for outcome in outcomes] == ["value", "interrupted", "interrupted"]
    assert len(calls) == 2


def test_run_names_another_function_that_is_not_solved_yet():
    def helper(x):
        raise NotImplementedError()

    def nearest(x):
        return helper(x)

    for outcome in run_nearest(nearest):
        assert outcome.kind == "raised"
        assert "`helper`, which is not solved yet" in outcome.text


def test_run_takes_an_operator_that_torch_lacks_for_an_error_not_for_a_blank():
    def in_python(x):
        return torch.nn.Module()(x)

    def in_c(x):
        return torch.ones(2, dtype=torch.int64).lerp_(torch.zeros(2, dtype=torch.int64), 0.5)

    for implementation in (in_python, in_c):
        assert run_nearest(implementation)[0].kind == "raised"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: None, None),
        (lambda x: (v for v in x), "generator"),
        (lambda x: nearest_copy(x).numpy(), "NumPy array"),
        (lambda x: nearest_copy(x.float()).requires_grad_(), "requires_grad"),
        (lambda x: torch.zeros(1).expand(10**5, 25_000), "10 GB"),
        (lambda x: x.to("meta"), "meta"),
        (lambda x: coroutine(x), "not async def"),
    ],
)
def test_run_says_what_is_wrong_with_what_came_back(make, words):
    outcome = run_nearest(make)[0]
    if words is None:
        assert outcome == Outcome("value")
    else:
        assert outcome.kind == "wrong"
        assert words in outcome.text


async def coroutine(x):
    return x


def nearest_copy(x):
    return right(x).clone()


def test_run_notes_inputs_that_were_changed_in_place():
    def implementation(x):
        x += 1
        return right(x - 1)

    assert [outcome.changed for outcome in run_nearest(implementation)] == [("x",)] * 3


def test_run_gives_each_call_its_own_inputs():
    cases = make_cases(NEAREST)
    before = [case.inputs["x"].clone() for case in cases]
    run(NEAREST, lambda x: x.zero_(), cases)
    assert all(torch.equal(a, case.inputs["x"]) for a, case in zip(before, cases, strict=True))


def test_run_does_not_take_a_gradient_that_the_probe_asked_for_as_a_change():
    outcomes = run(MEAN, lambda x, w: (w @ x) / w.sum(), make_cases(MEAN))
    assert all(outcome.changed == () and outcome.kind == "value" for outcome in outcomes)


def test_run_finds_answers_that_depend_on_earlier_calls():
    calls = []

    def counts(x):
        calls.append(1)
        return right(x) + len(calls)

    def remembers(x, seen=[]):  # noqa: B006
        seen.append(x)
        return right(seen[0])

    def raises_later(x):
        calls.append(1)
        if len(calls) > 10:
            raise ValueError
        return right(x)

    assert "different results" in run_nearest(counts)[0].text
    assert run_nearest(remembers)[1].kind == "value"  # wrong, but the same every time
    calls.clear()
    outcomes = [outcome for _ in range(3) for outcome in run_nearest(raises_later)]
    assert any("ended differently" in outcome.text for outcome in outcomes)


def test_run_gives_every_call_the_same_random_numbers():
    def implementation(x):
        return torch.rand(2), torch.tensor([random.random(), np.random.rand()])

    first, second = run_nearest(implementation), run_nearest(implementation)
    assert first[0].kind == "value"
    assert torch.equal(first[0].value[0], second[2].value[0])
    assert torch.equal(first[0].value[1], second[2].value[1])


def test_run_leaves_the_global_state_as_it_was():
    torch.manual_seed(1)
    state = torch.get_rng_state()

    def implementation(x):
        assert torch.get_default_dtype() == torch.float32
        assert torch.is_grad_enabled()
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        np.random.seed(0)
        sys.setrecursionlimit(5000)
        warnings.simplefilter("error")
        return right(x)

    limit = sys.getrecursionlimit()
    with torch.no_grad():
        outcomes = run_nearest(implementation)
        assert not torch.is_grad_enabled()
    assert [outcome.kind for outcome in outcomes] == ["value"] * 3
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_default_device() == torch.device("cpu")
    assert sys.getrecursionlimit() == limit
    assert torch.equal(state, torch.get_rng_state())


def test_run_puts_the_random_generators_back():
    def draw():
        return torch.rand(1).item(), np.random.rand(), random.random()

    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(1)
    numbers = draw(), draw()
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(1)
    assert draw() == numbers[0]
    run_nearest(lambda x: right(x) * (np.random.rand() < 2))
    assert draw() == numbers[1]


def test_run_survives_an_exchanged_generator():
    usual = np.random.get_bit_generator()

    def exchanges(x):
        np.random.set_bit_generator(np.random.PCG64())
        return right(x)

    try:
        outcomes = run_nearest(exchanges)
    finally:
        np.random.set_bit_generator(usual)
    assert [outcome.kind for outcome in outcomes] == ["value"] * 3


def test_run_is_the_same_under_another_default_dtype():
    plain = expected(MEAN, make_cases(MEAN))
    torch.set_default_dtype(torch.float64)
    try:
        other = expected(MEAN, make_cases(MEAN))
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(
        torch.equal(a.value["the mean"], b.value["the mean"])
        for a, b in zip(plain, other, strict=True)
    )


def test_run_is_quiet(capfd):
    def loud(x):
        print("x" * 10**6)
        print("error", file=sys.stderr)
        sys.__stderr__.write("more")
        os.write(2, b"from C")
        os.system("echo from a shell; echo and more >&2")
        warnings.warn("careful", stacklevel=1)
        thread = threading.Thread(target=raising(ValueError("in a thread")), args=(x,))
        thread.start()
        thread.join()
        return right(x)

    assert run_nearest(loud)[0].kind == "value"
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    print("again")
    assert capfd.readouterr().out == "again\n"


def test_run_works_where_the_streams_are_closed():
    def implementation(x):
        sys.stdout.close()
        return right(x)

    assert run_nearest(implementation)[0].kind == "value"


def test_run_finds_the_reference_and_forbidden_calls():
    outcomes = run_nearest(lambda x: nearest(x))
    assert [outcome.kind for outcome in outcomes] == ["forbidden"] * 3
    assert "`support.toy_exercises.nearest`" in outcomes[0].text
    outcomes = run_nearest(lambda x: torch.nn.functional.interpolate(x.double(), scale_factor=2))
    assert "`F.interpolate`" in outcomes[0].text


def test_run_counts_a_forbidden_call_whose_exception_was_swallowed():
    def implementation(x):
        with contextlib.suppress(AttributeError):
            nearest(None)
        return right(x)

    assert run_nearest(implementation)[0].kind == "forbidden"


def test_weighted_mean_reference_is_right():
    x, w = torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0])
    assert weighted_mean(x, w).item() == 2.0


def test_run_does_not_ask_a_slow_answer_twice(monkeypatch):
    calls = []

    def answer(x, w):
        calls.append(len(x))
        return (x * w).sum() / w.sum()

    monkeypatch.setattr(sys.modules["cvgen_course.checks.run"], "SLOW", 0.0)
    outcomes = run(MEAN, answer, make_cases(MEAN))
    assert [outcome.kind for outcome in outcomes] == ["value"] * 3
    assert calls == [5, 1, 7]
