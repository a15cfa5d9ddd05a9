"""Compare what came with what was expected, and say how they differ."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import equal
from torch.testing import assert_close

from cvgen_course.checks.plain import FLOATS
from cvgen_course.checks.words import describe, dtype_name, number, shorten

TOLERANCES = {
    torch.float16: (1e-2, 1e-3),
    torch.bfloat16: (2e-2, 1e-2),
    torch.float32: (1e-4, 1e-5),
    torch.float64: (1e-9, 1e-11),  # float32 on the way to float64 is not what was promised
}
"""Relative and absolute tolerance by the dtype that was expected."""

_BITS = {torch.float16: 16, torch.bfloat16: 16, torch.float32: 32, torch.float64: 64}
_NUMBERS = (bool, int, float)


@dataclass(frozen=True)
class Difference:
    """How an answer differs from the right one, in plain words.

    Attributes:
        message: what is wrong, one sentence.
        expected: what was expected: type, dtype, shape, range; empty where the message says it all.
        got: what came, likewise.
    """

    message: str
    expected: str = ""
    got: str = ""


def compare(got: Any, expected: Any, where: str = "") -> Difference | None:
    """Compare plain data with plain data.

    The same structure is expected (a list passes for a tuple); tensors of the same kind (floating
    point, integer or bool), the same shape and at least the same precision; a Python number and a
    0-dimensional tensor are interchangeable, and an integer number passes for a floating point
    number. NaN is never equal to anything. Values are compared by ``torch.testing.assert_close``
    with ``TOLERANCES``.

    Args:
        got: what the student's implementation made of a case.
        expected: what the reference made of it.
        where: which part this is, in words, e.g. ``"the gradient"``.

    Returns:
        None where they agree, else the first difference.
    """
    if isinstance(expected, dict):
        return _compare_dictionaries(got, expected, where)
    if isinstance(expected, list | tuple):
        return _compare_sequences(got, expected, where)
    if isinstance(expected, torch.Tensor | bool | int | float):
        return _compare_numbers(got, expected, where)
    if type(got) is type(expected) and got == expected:
        return None
    return _differ("this is something else", got, expected, where)


def same(a: Any, b: Any) -> bool:
    """Return whether two results are alike: as ``compare``, but NaN equals NaN."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor | bool | int | float) and isinstance(
        b, torch.Tensor | bool | int | float
    ):
        a, b = _tensor(a), _tensor(b)
        coarser = min(a.dtype, b.dtype, key=lambda dtype: _BITS.get(dtype, 0))
        return _kind(a) == _kind(b) and a.shape == b.shape and _close(a, b, coarser, nan=True)
    return type(a) is type(b) and a == b


def comparison_works() -> bool:
    """Return whether comparing still tells wrong from right; a cell may have replaced its parts."""
    one, two, nan = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([math.nan])
    try:
        rejects = all(compare(got, one) is not None for got in (two, nan, one.int(), one[0], None))
        return rejects and compare(one.clone(), one) is None
    except Exception:
        return False


def _differ(message: str, got: Any, expected: Any, where: str) -> Difference:
    message = f"{where}: {message}" if where else message
    message = message[0].upper() + message[1:] + "."
    wanted, came = describe(expected), describe(got)
    return Difference(message, wanted, came) if wanted != came else Difference(message)


def _compare_dictionaries(got: Any, expected: dict[str, Any], where: str) -> Difference | None:
    if not isinstance(got, dict):
        return _differ("a dictionary was expected", got, expected, where)
    if got.keys() != expected.keys():
        return _differ("the keys differ", got, expected, where)
    for key in expected:
        inner = f"{where}, {key}" if where else key
        if difference := compare(got[key], expected[key], inner):
            return difference
    return None


def _compare_sequences(
    got: Any, expected: list[Any] | tuple[Any, ...], where: str
) -> Difference | None:
    if not isinstance(got, list | tuple):
        kind = "tuple" if isinstance(expected, tuple) else "list"
        return _differ(f"a {kind} of {len(expected)} was expected", got, expected, where)
    if expected and all(type(item) is str for item in (*got, *expected)):
        return _compare_names(list(got), list(expected), where)
    if len(got) != len(expected):
        return _differ(
            f"{len(expected)} items were expected, {len(got)} came", got, expected, where
        )
    for i, (got_item, expected_item) in enumerate(zip(got, expected, strict=True)):
        inner = f"{where}, item {i}" if where else f"item {i}"
        if difference := compare(got_item, expected_item, inner):
            return difference
    return None


def _compare_names(got: list[str], expected: list[str], where: str) -> Difference | None:
    """Compare short texts and list them all, e.g. which blocks of a network were called."""
    if got == expected:
        return None
    came, wanted = (shorten(", ".join(f"`{name}`" for name in names)) for names in (got, expected))
    return replace(
        _differ(f"{came or 'nothing'} came, but {wanted} was expected", got, expected, where),
        expected="",
        got="",
    )


def _compare_numbers(got: Any, expected: Any, where: str) -> Difference | None:
    if not isinstance(got, torch.Tensor | bool | int | float):
        missing = (
            "nothing was returned (None)" if got is None else "a tensor or number was expected"
        )
        return _differ(missing, got, expected, where)
    want, have = _tensor(expected), _tensor(got)
    if type(got) is int and want.is_floating_point():
        have = have.double()  # `return 0` is as good as `return 0.0`
    if _kind(have) != _kind(want):
        message = f"the kind of numbers is {_kind(have)}, it should be {_kind(want)}"
    elif have.shape != want.shape:
        message = _shape_message(tuple(have.shape), tuple(want.shape))
    elif _less_precise(have.dtype, want.dtype):
        message = f"the numbers are {dtype_name(have)}, they should be {dtype_name(want)}"
    elif _close(have, want, want.dtype):
        return None
    else:
        message = _value_message(have, want)
        if want.ndim == 0:  # the message says it all
            return replace(_differ(message, got, expected, where), expected="", got="")
    return _differ(message, got, expected, where)


def _tensor(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    dtype = {bool: torch.bool, int: torch.int64, float: torch.float64}[type(value)]
    return torch.tensor(value, dtype=dtype)


def _kind(tensor: torch.Tensor) -> str:
    if tensor.dtype in FLOATS:
        return "floating point"
    return "bool" if tensor.dtype == torch.bool else "integer"


def _less_precise(got: torch.dtype, expected: torch.dtype) -> bool:
    """Return whether ``got`` can't hold everything that ``expected`` can."""
    return torch.promote_types(got, expected) != got


def _close(
    got: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype, nan: bool = False
) -> bool:
    rtol, atol = TOLERANCES.get(dtype, (0.0, 0.0))
    if got.dtype in FLOATS:
        got, expected = got.double(), expected.double()
    if got.dtype == expected.dtype and equal(got, expected):
        return True  # as most are; assert_close takes fifty times as long
    try:
        assert_close(
            got,
            expected,
            rtol=rtol,
            atol=atol,
            equal_nan=nan,
            check_dtype=False,
            check_stride=False,
        )
    except AssertionError:
        return False
    return True


def _shape_message(got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    message = f"the shape is {got}, it should be {expected}"
    if len(got) > 1 and got != expected and got == expected[::-1]:
        return message + " (the dimensions are in reverse order)"
    if [n for n in got if n != 1] == [n for n in expected if n != 1]:
        return message + " (dimensions of size 1 are too many or missing)"
    return message


def _value_message(got: torch.Tensor, expected: torch.Tensor) -> str:
    """Say how many values differ, which one most, and in which simple relation they stand."""
    rtol, atol = TOLERANCES.get(expected.dtype, (0.0, 0.0))
    promised = expected.dtype
    got, expected = got.double(), expected.double()
    num_nan = int(got.isnan().sum())
    if num_nan:
        share = "it is NaN" if got.ndim == 0 else f"{num_nan} of {got.numel()} values are NaN"
        return f"{share} (0/0, log(0), inf - inf?)"
    relation = "" if promised == torch.bool else _relation(got, expected)
    if promised == torch.float64 and torch.allclose(got, expected, rtol=1e-6, atol=0):
        relation = "only the first digits are right, as if something was float32 on the way"
    if got.ndim == 0:
        came, wanted = _told_apart(got.item(), expected.item())
        message = f"{came} came, {wanted} was expected"
        return f"{message} ({relation})" if relation else message
    gap = (got - expected).abs().nan_to_num(nan=math.inf)
    gap = torch.where(got == expected, 0.0, gap)
    wrong = gap > atol + rtol * expected.abs().nan_to_num(posinf=0.0)
    num_wrong = max(int(wrong.sum()), 1)
    index = tuple(int(i) for i in torch.unravel_index(gap.argmax(), gap.shape))
    message = (
        f"{num_wrong} of {gap.numel()} {'value differs' if num_wrong == 1 else 'values differ'}"
    )
    came, wanted = _told_apart(got[index].item(), expected[index].item())
    message += f", most at {list(index)}: {came} came, {wanted} was expected"
    return f"{message}; {relation}" if relation else message


def _told_apart(got: float, expected: float) -> tuple[str, str]:
    """Return two numbers with as many digits as it takes to see that they differ."""
    texts = number(got), number(expected)
    for digits in (9, 12, 17):
        if texts[0] == texts[1]:
            texts = f"{got:.{digits}g}", f"{expected:.{digits}g}"
    return texts


def _relation(got: torch.Tensor, expected: torch.Tensor) -> str:
    """Name a simple relation between wrong values and right ones, where there is one."""
    finite = bool(got.isfinite().all() and expected.isfinite().all())
    if not finite or not bool(expected.any()) or _near(got, expected):
        return ""
    largest = expected.abs().argmax()
    ratio = (got.flatten()[largest] / expected.flatten()[largest]).item()
    several = expected.numel() > 1
    if ratio and _near(got, expected * ratio) and (several or _is_simple(ratio)):
        subject = "every value is" if several else "it is"
        return (
            f"{subject} {number(ratio)} times the right one" if ratio != -1 else "the sign is wrong"
        )
    if not several:
        return ""
    shift = (got.flatten()[0] - expected.flatten()[0]).item()
    if _near(got, expected + shift):
        return f"every value is {number(abs(shift))} too {'large' if shift > 0 else 'small'}"
    if got.ndim == 2 and got.shape[0] == got.shape[1] and _near(got, expected.T):
        return "it is the transpose of the right one"
    if _near(got.flatten().sort().values, expected.flatten().sort().values):
        return "the values are right, but in another order"
    return ""


def _is_simple(ratio: float) -> bool:
    return any(
        math.isclose(abs(r), round(abs(r)), rel_tol=1e-4) and 1 <= abs(r) <= 100
        for r in (ratio, 1 / ratio)
    )


def _near(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool(torch.allclose(a, b, rtol=1e-3, atol=1e-6))
