from __future__ import annotations

import functools
import sys
import threading
from types import FunctionType

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cvgen_course.checks.forbidden import SWITCHED_OFF, CallWatcher
from cvgen_course.checks.identity import is_or_wraps, name_of

X = torch.arange(16.0).view(1, 1, 4, 4)
W = torch.ones(1, 1, 2, 2)
BOXES = torch.tensor([[0.0, 0, 4, 4], [1, 1, 5, 5]])


def reference(x):
    """Return x + 1, with a docstring that is long enough to be nobody else's."""
    return x + 1


def other(x):
    return x + 2


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def opaque(function):
    def wrapper(*args):
        return function(*args)

    return wrapper


def add(n):
    def added(x):
        return x + n

    return added


class Layer(nn.Module):
    def forward(self, x):
        return x + 1


class Mine(Layer):
    pass


one, two = add(1), add(2)


def hits(items, call):
    with CallWatcher(items) as watcher:
        call()
    return watcher.hits


@pytest.mark.parametrize(
    "call",
    [
        lambda: reference(1),
        lambda: (lambda x: reference(x))(1),
        lambda: functools.partial(reference, 1)(),
        lambda: decorated(reference)(1),
        lambda: opaque(reference)(1),
        lambda: FunctionType(reference.__code__, {})(1),
        lambda: list(map(reference, [1])),
        lambda: sorted([2, 1], key=reference),
        lambda: torch.no_grad()(reference)(1),
        lambda: eval("f(1)", {"f": reference}),
    ],
)
def test_call_watcher_knows_a_function_by_whatever_name(call):
    assert hits([reference], call) == [name_of(reference)]


def test_call_watcher_follows_new_threads():
    def call():
        thread = threading.Thread(target=reference, args=(1,))
        thread.start()
        thread.join()

    assert hits([reference], call)


@pytest.mark.parametrize(
    ("item", "call"),
    [
        (F.conv_transpose2d, lambda: F.conv_transpose2d(X, W)),
        (F.conv_transpose2d, lambda: torch.conv_transpose2d(X, W)),
        (F.conv_transpose2d, lambda: nn.ConvTranspose2d(1, 1, 2)(X)),
        (F.conv_transpose2d, lambda: torch.ops.aten.conv_transpose2d(X, W)),
        (torch.cumsum, lambda: torch.ops.aten.cumsum.default(X, 0)),
        (nn.ConvTranspose2d, lambda: nn.ConvTranspose2d(1, 1, 2)(X)),
        (nn.Upsample, lambda: nn.UpsamplingBilinear2d(scale_factor=2)(X)),
        (F.cross_entropy, lambda: nn.CrossEntropyLoss()(torch.ones(1, 2), torch.tensor([0]))),
        (F.max_pool2d, lambda: F.max_pool2d(X, 2)),
        (F.max_pool2d, lambda: nn.MaxPool2d(2)(X)),
        (F.gelu, lambda: nn.GELU()(X)),
        (torch.cumsum, lambda: X.cumsum(0)),
        (torch.Tensor.cumsum, lambda: X.cumsum(0)),
        (torch.Tensor.unfold, lambda: X.unfold(2, 2, 1)),
        (torch.linalg.svd, lambda: torch.linalg.svd(X)),
        (torchvision.ops.nms, lambda: torchvision.ops.nms(BOXES, BOXES[:, 0], 0.5)),
        ("torchvision::nms", lambda: torchvision.ops.nms(BOXES, BOXES[:, 0], 0.5)),
        ("torchvision::nms", lambda: torch.ops.torchvision.nms(BOXES, BOXES[:, 0], 0.5)),
        (torch.ops.torchvision.nms, lambda: torchvision.ops.nms(BOXES, BOXES[:, 0], 0.5)),
        (
            "torchvision::nms",
            lambda: torchvision.ops.batched_nms(BOXES, BOXES[:, 0], BOXES[:, 0], 1),
        ),
        (torch.nn.functional.interpolate, lambda: nn.Upsample(scale_factor=2)(X)),
        (sorted, lambda: sorted([2, 1])),
        (Layer, lambda: Mine()(1)),
        (one, lambda: one(1)),
        (functools.partial(reference, 1), lambda: reference(2)),
    ],
)
def test_call_watcher_sees_functions_classes_and_operators(item, call):
    call()
    assert name_of(item) in hits([item], call)


@pytest.mark.parametrize(
    ("item", "call"),
    [
        (reference, lambda: other(1)),
        (one, lambda: two(1)),
        (F.max_pool2d, lambda: F.max_pool1d(X[0], 2)),
        (F.max_pool2d, lambda: F.adaptive_max_pool2d(X, 2)),
        (nn.UpsamplingBilinear2d, lambda: nn.Upsample(scale_factor=2)(X)),
        (nn.ConvTranspose2d, lambda: nn.Conv2d(1, 1, 2)(X)),
        (F.conv_transpose2d, lambda: F.conv2d(X, W)),
        (torch.cumsum, lambda: X.cumprod(0)),
        (torch.Tensor.index_fill, lambda: [1].index(1)),
        (torch.sort, lambda: [2, 1].sort()),
        (Layer, lambda: nn.ReLU()(X)),
        ("torchvision::nms", lambda: torchvision.ops.box_iou(BOXES, BOXES)),
    ],
)
def test_call_watcher_lets_other_calls_pass(item, call):
    assert hits([item], call) == []


def test_call_watcher_puts_the_previous_profilers_back():
    seen = []

    def profiler(frame, event, argument):
        seen.append(event)

    before = sys.getprofile(), threading.getprofile()
    try:
        sys.setprofile(profiler)
        threading.setprofile(profiler)
        with pytest.raises(ZeroDivisionError), CallWatcher([reference]):
            _ = 1 / 0
        assert sys.getprofile() is profiler
        assert threading.getprofile() is profiler
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])
    assert seen


def test_call_watcher_notices_that_it_was_switched_off():
    assert hits([reference], lambda: sys.setprofile(None)) == [SWITCHED_OFF]

    def for_a_moment():
        mine = sys.getprofile()
        sys.setprofile(None)
        reference(1)
        sys.setprofile(mine)

    assert SWITCHED_OFF in hits([reference], for_a_moment)


def test_call_watcher_notices_a_replaced_setprofile(monkeypatch):
    monkeypatch.setattr(sys, "setprofile", lambda f: None)
    assert hits([reference], lambda: reference(1)) == [SWITCHED_OFF]


def test_call_watcher_refuses_what_it_cannot_watch():
    with pytest.raises(TypeError, match="forbidden: expected functions, classes or operator names"):
        CallWatcher([3])
    with pytest.raises(TypeError, match="class with methods in Python"):
        CallWatcher([int])


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (F.conv_transpose2d, "torch.conv_transpose2d"),
        (F.cross_entropy, "F.cross_entropy"),
        (F.gelu, "F.gelu"),
        (nn.ConvTranspose2d, "nn.ConvTranspose2d"),
        (torch.cumsum, "torch.cumsum"),
        (torch.Tensor.cumsum, "Tensor.cumsum"),
        (torchvision.ops.nms, "torchvision.ops.nms"),
        (torch.ops.torchvision.nms, "torchvision::nms"),
        (torch.linalg.svd, "torch.linalg.svd"),
        ("torchvision::nms", "torchvision::nms"),
        (sorted, "sorted"),
        (F.max_pool2d, "F.max_pool2d"),
    ],
)
def test_name_of_is_what_a_student_writes(item, name):
    assert name_of(item) == name


@pytest.mark.parametrize(
    "implementation",
    [
        reference,
        functools.partial(reference),
        functools.cache(reference),
        FunctionType(reference.__code__, {}),
        FunctionType(reference.__code__.replace(co_name="mine", co_filename="mine.py"), {}),
    ],
)
def test_is_or_wraps_knows_the_reference(implementation):
    assert is_or_wraps(implementation, reference)


def test_is_or_wraps_knows_a_class_and_its_subclasses():
    assert is_or_wraps(Layer, Layer)
    assert is_or_wraps(Mine, Layer)
    assert not is_or_wraps(nn.ReLU, Layer)
    assert not is_or_wraps(other, reference)
    assert not is_or_wraps(functools.wraps(reference)(other), reference)
    assert not is_or_wraps(lambda x: x + 1, reference)
    assert not is_or_wraps(None, reference)


def test_is_or_wraps_takes_an_object_that_answers_to_every_name():
    class Agreeable:
        def __getattr__(self, name):
            return name

    assert not is_or_wraps(Agreeable(), reference)


def test_call_watcher_sees_a_copy_of_a_function_with_a_docstring():
    copied = FunctionType(reference.__code__.replace(co_name="mine"), {})
    with CallWatcher([reference]) as watcher:
        copied(1)
    assert watcher.hits == [name_of(reference)]


def test_call_watcher_knows_short_functions_by_identity():
    copied = FunctionType(other.__code__.replace(co_name="mine"), {})
    with CallWatcher([], by_identity=[other]) as watcher:
        copied(1)
        assert not watcher.hits
        other(1)
    assert watcher.hits == [name_of(other)]


def test_call_watcher_sees_operators_of_aten_only_where_python_calls_them():
    name = "aten::convolution_backward"
    x, w = X.clone().requires_grad_(), W.clone().requires_grad_()
    with CallWatcher([name]) as watcher:
        y = F.conv2d(x, w)
        y.sum().backward()
        assert not watcher.hits
        options = [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False]
        torch.ops.aten.convolution_backward(torch.ones_like(y), X, W, None, *options)
    assert watcher.hits == [name]
