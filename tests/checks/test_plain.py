from __future__ import annotations

import collections
import enum

import numpy as np
import pytest
import torch
from torch import nn

from cvgen_course.checks.outcome import WrongAnswer
from cvgen_course.checks.plain import MAX_BYTES, as_tensor, copy_plain, to_plain


class Liar:
    """An object that says that it is a tensor, equal to everything, true, and printable."""

    __class__ = torch.Tensor

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __repr__(self):
        raise SystemExit

    def __getattr__(self, name):
        raise KeyboardInterrupt


class MyInt(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class MyStr(str):
    __slots__ = ()


def emptied(tensor):
    tensor.untyped_storage().resize_(0)
    return tensor


class MyTensor(torch.Tensor):
    pass


class Colour(enum.IntEnum):
    RED = 1


async def _async():
    yield 1


def _itself():
    items = []
    items += [items, items]
    return items


def _nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -2.5, "text", [1, (2.0, None)], {"a": [torch.arange(3)], "b": {}}, ()],
)
def test_to_plain_keeps_plain_data(value):
    plain = to_plain(value)
    assert type(plain) is type(value)
    assert repr(plain) == repr(value)


def test_to_plain_copies_tensors():
    tensor = torch.arange(6).view(2, 3).T
    plain = to_plain(tensor)
    assert plain.is_contiguous()
    assert plain.data_ptr() != tensor.data_ptr()
    assert torch.equal(plain, tensor)


def test_to_plain_keeps_the_precision_of_numpy_numbers():
    assert to_plain(np.float64(0.1)).dtype == torch.float64
    assert to_plain(np.float16(0.1)).dtype == torch.float16
    assert to_plain(np.int32(3)).dtype == torch.int32
    assert to_plain(np.bool_(True)).dtype == torch.bool
    assert to_plain(np.array(0.1)).dtype == torch.float64


def test_to_plain_takes_named_tuples_and_ordered_dictionaries_for_what_they_are():
    largest = torch.tensor([1.0, 3.0]).max(dim=0)
    plain = to_plain({"max": largest, "d": collections.OrderedDict(a=1)})
    assert type(plain["max"]) is tuple
    assert type(plain["d"]) is dict


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: (i for i in range(3)), "generator"),
        (lambda: np.zeros(3), "NumPy array"),
        (lambda: _async(), "not async def"),
        (lambda: torch.ones(2, requires_grad=True), "requires_grad"),
        (lambda: nn.Parameter(torch.ones(2)), "requires_grad"),
        (lambda: torch.ones(2, 2).to_sparse(), "sparse"),
        (lambda: torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged), "NestedTensor"),
        (lambda: torch.ones(2, device="meta"), "meta"),
        (lambda: emptied(torch.ones(2, 3)), "memory was taken away"),
        (lambda: torch.ones(2).as_subclass(MyTensor), "MyTensor"),
        (lambda: torch.ones(2, dtype=torch.complex64), "complex64"),
        (lambda: torch.zeros(1).expand(100_000, 25_000), "10 GB"),
        (lambda: [torch.zeros(1).expand(MAX_BYTES // 5)] * 2, "at most"),
        (lambda: MyInt(3), "MyInt"),
        (lambda: MyStr("x"), "MyStr"),
        (lambda: Colour.RED, "Colour"),
        (lambda: 10**5000, "bits"),
        (lambda: "x" * 10**6, "characters"),
        (lambda: {1, 2}, "set"),
        (lambda: range(3), "range"),
        (lambda: {1: 2}, "key"),
        (lambda: 1j, "complex"),
        (lambda: b"x", "bytes"),
        (lambda: torch.Tensor, "class"),
        (lambda: nn.ReLU(), "can be called"),
        (lambda: len, "can be called"),
        (lambda: object(), "object"),
        (lambda: Liar(), "Liar"),
        (lambda: _itself(), "nested"),
        (lambda: _nested(10_000), "nested"),
        (lambda: list(range(20_000)), "20,000 items"),
        (lambda: [[0] * 200] * 200, "too many"),
    ],
)
def test_to_plain_says_why_something_is_no_plain_data(make, words):
    with pytest.raises(WrongAnswer, match=words):
        to_plain(make())


def test_to_plain_names_the_part_that_is_wrong():
    with pytest.raises(WrongAnswer, match="item 1 of 'boxes' of what came back is a set"):
        to_plain({"boxes": [1, {2}]})


def test_to_plain_is_not_deceived_by_attributes_of_an_instance():
    tensor = torch.zeros(1).expand(10**10)
    tensor.numel = lambda: 1
    tensor.element_size = lambda: 0
    with pytest.raises(WrongAnswer, match="40 GB"):
        to_plain(tensor)


def test_to_plain_ignores_overridden_iteration():
    class Evil(list):
        def __iter__(self):
            raise SystemExit

        def __len__(self):
            return 0

    assert to_plain(Evil([1, 2])) == [1, 2]


def test_as_tensor_keeps_the_graph():
    x = torch.ones(3, requires_grad=True)
    y = as_tensor(x.sum(), "the loss", needs_grad=True)
    y.backward()
    assert torch.equal(x.grad, torch.ones(3))


@pytest.mark.parametrize("value", [2.0, 2, True, np.float32(2), np.array(2.0)])
def test_as_tensor_takes_numbers(value):
    assert as_tensor(value).shape == ()
    assert as_tensor(value).item() == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "the loss is None; is there a return"),
        ([1.0], "a list; a tensor was expected"),
        (np.ones(2), "NumPy array"),
        ("1", "a str; a tensor"),
        (torch.ones(1, device="meta"), "meta"),
    ],
)
def test_as_tensor_says_what_came_instead(value, words):
    with pytest.raises(WrongAnswer, match=words):
        as_tensor(value, "the loss")


def test_as_tensor_is_not_deceived_by_class():
    with pytest.raises(WrongAnswer, match="Liar"):
        as_tensor(Liar())


@pytest.mark.parametrize("value", [torch.tensor(1.0), 1.0])
def test_as_tensor_says_that_the_graph_is_cut(value):
    with pytest.raises(WrongAnswer, match="autograd sees no way from the loss"):
        as_tensor(value, "the loss", needs_grad=True)


def test_copy_plain_shares_nothing():
    plain = {"x": torch.arange(6).view(2, 3).T, "y": [torch.zeros(1)], "z": (1, "a")}
    copy = copy_plain(plain)
    copy["x"].zero_()
    copy["y"].append(0)
    assert plain["x"].sum() == 15
    assert len(plain["y"]) == 1
    assert copy["x"].is_contiguous()
    assert copy["z"] == (1, "a")
