from __future__ import annotations

import math
import re
import sys

import pytest
import torch

from cvgen_course.checks.compare import compare, comparison_works, same

f32, f64, f16 = torch.float32, torch.float64, torch.float16


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])),
        (torch.tensor([1.0, 2.0], dtype=f64), torch.tensor([1.0, 2.0])),
        (torch.tensor([1.00005]), torch.tensor([1.0])),
        (torch.tensor([math.inf, -math.inf]), torch.tensor([math.inf, -math.inf])),
        (0.5, torch.tensor(0.5)),
        (torch.tensor(0.5, dtype=f64), 0.5),
        (0, torch.tensor(0.0)),
        (0, 0.0),
        (3, torch.tensor(3)),
        (torch.tensor(3), 3),
        (True, torch.tensor(True)),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
        ([1, 2.0], (1, 2.0)),
        ({"a": [torch.ones(1)]}, {"a": (torch.ones(1),)}),
        ("text", "text"),
        (None, None),
    ],
)
def test_compare_accepts_right_answers(got, expected):
    assert compare(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (None, torch.ones(1), "None"),
        ("1", torch.ones(1), "a tensor or number was expected"),
        ([1.0], torch.ones(1), "a tensor or number was expected"),
        (torch.ones(1), torch.tensor(1.0), r"size 1"),
        (torch.ones(2, 3), torch.ones(3, 2), "reverse order"),
        (torch.ones(2), torch.ones(3), r"shape is \(2,\), it should be \(3,\)"),
        (torch.ones(2, dtype=f16), torch.ones(2), "are float16, they should be float32"),
        (torch.ones(2), torch.ones(2, dtype=f64), "are float32, they should be float64"),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=f16), "should be float16"),
        (torch.ones(2, dtype=torch.int32), torch.ones(2, dtype=torch.int64), "should be int64"),
        (torch.ones(2, dtype=torch.int64), torch.ones(2), "integer, it should be floating"),
        (torch.ones(2), torch.ones(2, dtype=torch.int64), "floating point, it should be integer"),
        (torch.ones(2, dtype=torch.bool), torch.ones(2, dtype=torch.int64), "is bool"),
        (1.0, 1, "floating point, it should be integer"),
        (True, 1.0, "bool"),
        (True, 1, "bool"),
        (math.nan, 1.0, "NaN"),
        (math.nan, math.nan, "NaN"),
        (torch.tensor([math.nan, 1.0]), torch.tensor([math.nan, 1.0]), "1 of 2 values are NaN"),
        (torch.tensor([math.inf]), torch.tensor([-math.inf]), "1 of 1 value differs"),
        (torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0]), r"1 of 2 value.*\[1\]: 5 came, 2 was"),
        (torch.tensor([[1, 2], [3, 4]]), torch.tensor([[1, 3], [2, 4]]), "transpose"),
        (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]), "0.5 times"),
        (torch.tensor([1.0, 4.0]), torch.tensor([2.0, 5.0]), "1 too small"),
        (torch.tensor([1.0, 2.0, 4.0]), torch.tensor([2.0, 1.0, 4.0]), "in another order"),
        (-0.5, 0.5, "the sign is wrong"),
        (0.25, 0.5, "0.5 times"),
        (0.3, 0.5, "0.3 came, 0.5 was expected"),
        (["a", "b", "b"], ["a", "b"], "`a`, `b`, `b` came, but `a`, `b` was expected"),
        (1.0 + 3e-8, 1.0, "1.00000003 came, 1 was .*only the first digits.*float32"),
        (0, 7.09e-06, "0 came, 7.09e-06 was expected$"),
        (1e-8, 0.0, "1e-08 came, 0 was expected$"),
        (24.9515, 24.9537, "24.9515 came, 24.9537 was expected$"),
        (torch.tensor([1.0 + 1e-7, 1e-8]).double(), torch.tensor([1.0, 0.0]).double(), "expected$"),
        (
            torch.tensor([0.1, 0.7, 0.0, math.inf]).double(),
            torch.tensor([0.1, 0.7, 0.0, math.inf], dtype=torch.float64),
            "only the first digits",
        ),
        (torch.tensor([1.0, 2.0 + 1e-3]), torch.tensor([1.0, 2.0]), r"2.001 came, 2 was expected$"),
        ((1, 2, 3), (1, 2), "2 items were expected, 3 came"),
        (torch.ones(2), (1, 2), "a tuple of 2 was expected"),
        ({"a": 1}, {"b": 1}, "keys"),
        ([], {"b": 1}, "dictionary"),
        (1, None, "something else"),
        ("a", "b", "something else"),
    ],
)
def test_compare_explains_wrong_answers(got, expected, words):
    difference = compare(got, expected)
    assert difference is not None
    message = difference.message.removesuffix(".")
    assert re.search(words, message, re.IGNORECASE), message


def test_compare_says_which_part():
    expected = {"the loss": 1.0, "boxes": [torch.ones(2), torch.zeros(2)]}
    got = {"the loss": 1.0, "boxes": [torch.ones(2), torch.tensor([0.0, 2.0])]}
    assert compare(got, expected).message.startswith("Boxes, item 1: 1 of 2")


def test_compare_describes_shape_dtype_and_range():
    difference = compare(torch.zeros(3, 4), torch.arange(12.0).view(4, 3))
    assert difference.expected == "a float32 tensor of shape (4, 3), values from 0 to 11"
    assert difference.got == "a float32 tensor of shape (3, 4), all 0"


@pytest.mark.parametrize(("dtype", "error"), [(f32, 3e-4), (f64, 3e-9), (f16, 3e-2)])
def test_compare_tolerates_by_the_expected_dtype(dtype, error):
    expected = torch.ones(3, dtype=dtype)
    assert compare((expected.double() + error), expected) is not None
    assert compare((expected.double() + error / 10), expected) is None


def test_same_takes_nan_for_equal_and_works_both_ways():
    nan = torch.tensor([math.nan, 1.0])
    assert same(nan, nan.double())
    assert same({"a": [nan, None]}, {"a": (nan, None)})
    assert not same(nan, torch.tensor([1.0, 1.0]))
    assert not same(nan, nan[:1])
    assert not same(None, nan)
    assert not same(1, 1.0)
    assert same(1.0, torch.tensor(1.0))


def test_comparison_works_notices_a_replaced_assert_close(monkeypatch):
    assert comparison_works()
    module = sys.modules["cvgen_course.checks.compare"]  # the package has a function of that name
    monkeypatch.setattr(module, "assert_close", lambda *a, **k: None)
    assert not comparison_works()


def test_bool_values_are_not_said_to_be_in_another_order():
    got, expected = torch.tensor([True, False, False]), torch.tensor([False, False, True])
    message = compare(got, expected).message
    assert "order" not in message
    assert "2 of 3" in message
