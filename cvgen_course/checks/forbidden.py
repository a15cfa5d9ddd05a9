"""Watch for calls that an exercise does not allow. This is teaching, not security.

``sys.setprofile`` reports every call of Python and C functions while a probe runs. A Python
function is known by its code object, so that aliases, ``partial``, decorators and copies of it are
the same function; a C function by itself. Operators of torch that have a name of their own
(``"torchvision::nms"``) are seen by a ``TorchDispatchMode``; those of ``aten`` only where Python
calls them by that name, since autograd calls many of them by itself.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from collections.abc import Iterable
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
)
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cvgen_course.checks.identity import name_of, same_code, underlying
from cvgen_course.checks.time_limit import OutOfTimeError

SWITCHED_OFF = "sys.setprofile"
_SWITCH = (sys.setprofile, SWITCHED_OFF)

_REMOVE_PROFILERS = (RecursionError, MemoryError, OutOfTimeError)

_METHODS = ("forward", "__call__", "__iter__")
_CONSTRUCTORS = ("__init__", "__new__")
_ANY_C_FUNCTION = (
    BuiltinFunctionType,
    MethodDescriptorType,
    MethodType,
    type(str.__add__),
    type([].__len__),
)


class CallWatcher:
    """A context that records which of some callables were called inside it, by whatever name.

    Args:
        items: functions, classes (a call of their ``forward``, ``__call__`` or constructor counts),
            C functions, or names of torch operators such as ``"torchvision::nms"``.
        by_identity: Python functions of which copies don't count, since they are short enough for a
            student to write the very same.

    Raises:
        TypeError: an item can't be watched.
    """

    def __init__(self, items: Iterable[Any], by_identity: Iterable[FunctionType] = ()) -> None:
        self._called: dict[int, Any] = {}
        self._codes: dict[int, list[tuple[CodeType, Any, Any]]] = {}
        self._originals: dict[tuple[str, ...], list[tuple[CodeType, Any]]] = {}
        self._builtins: dict[str, list[tuple[Any, Any]]] = {"setprofile": [_SWITCH]}
        self._operators: dict[str, Any] = {}
        self._dispatch: dict[str, Any] = {}
        self._active = False
        for item in items:
            self._add(item, item)
        for function in by_identity:
            self._add_code(function.__code__, function, _same_closure(function))
        self._add_code(_canary.__code__, None, None)
        self._canary_seen = False

    @property
    def hits(self) -> list[str]:
        """The names of what was called, in the order of their first calls."""
        return list(dict.fromkeys(map(name_of, self._called.values())))

    def __enter__(self) -> CallWatcher:
        self._called = {}
        self._canary_seen = False
        self._previous = (sys.getprofile(), threading.getprofile())
        self._stack = contextlib.ExitStack()
        if self._dispatch:
            self._stack.enter_context(_OperatorWatcher(self._dispatch, self._hit))
        self._active = True
        threading.setprofile(self._on_event)
        sys.setprofile(self._on_event)
        _canary()
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._active, still_there = False, sys.getprofile() == self._on_event
        sys.setprofile(self._previous[0])
        threading.setprofile(self._previous[1])
        self._stack.close()
        # Python itself removes a profiler that finds no room on a full stack, or is interrupted.
        removed = kind is not None and issubclass(kind, _REMOVE_PROFILERS)
        if not (self._canary_seen and (still_there or removed)):
            self._hit(SWITCHED_OFF)

    def _hit(self, asked: Any) -> None:
        self._called.setdefault(id(asked), asked)

    def _add(self, item: Any, asked: Any) -> None:
        """Watch for calls of an item; what is forbidden by name is ``asked``."""
        if isinstance(item, str):
            self._operators[item] = asked
            if not item.startswith("aten::"):
                self._dispatch[item] = asked
            return
        item = underlying(item)
        if isinstance(item, type):
            self._add_class(item, asked)
        elif isinstance(item, FunctionType):
            code = item.__code__
            self._add_code(code, asked, _same_closure(item))
            self._originals.setdefault(code.co_names, []).append((code, asked))
        elif isinstance(item, _ANY_C_FUNCTION):
            self._builtins.setdefault(item.__name__, []).append((item, asked))
            self._operators[f"aten::{item.__name__}"] = asked
        elif isinstance(getattr(item, "_qualified_op_name", None), str):
            self._add(item._qualified_op_name, asked)
        elif isinstance(call := inspect.getattr_static(type(item), "__call__", None), FunctionType):
            self._add_code(call.__code__, asked, _first_argument_is(item))
        else:
            raise TypeError(
                f"forbidden: expected functions, classes or operator names, got {item!r}, "
                "which can't be watched"
            )

    def _add_class(self, cls: type, asked: Any) -> None:
        methods = [getattr(cls, method, None) for method in _METHODS]
        methods = [
            m
            for m in methods
            if isinstance(m, FunctionType) and m.__module__ != "torch.nn.modules.module"
        ]
        constructors = [getattr(cls, method) for method in _CONSTRUCTORS]
        methods = methods or [m for m in constructors if isinstance(m, FunctionType)]
        if not methods:
            raise TypeError(f"forbidden: expected a class with methods in Python, got {cls!r}")
        for method in methods:
            method = underlying(method)
            self._add_code(method.__code__, asked, _first_argument_is_a(cls))

    def _add_code(self, code: CodeType, asked: Any, holds: Any) -> None:
        self._codes.setdefault(id(code), []).append((code, asked, holds))

    def _on_event(self, frame: FrameType, event: str, argument: Any) -> None:
        if not self._active:
            return
        if event == "c_call":
            for item, asked in self._builtins.get(getattr(argument, "__name__", ""), ()):
                if _is_c_function(argument, item):
                    self._hit(asked)
        elif event == "call":
            code = frame.f_code
            if entries := self._codes.get(id(code)):
                self._on_call(frame, entries)
            elif id(code) in _OPERATOR_CALLS and self._operators:
                self._on_operator(frame)
            for original, asked in self._originals.get(code.co_names, ()):
                if code is not original and same_code(code, original):
                    self._hit(asked)

    def _on_call(self, frame: FrameType, entries: list[tuple[CodeType, Any, Any]]) -> None:
        for code, asked, holds in entries:
            if code is _canary.__code__:
                self._canary_seen = True
            elif holds is None or holds(frame):
                self._hit(asked)

    def _on_operator(self, frame: FrameType) -> None:
        operator = frame.f_locals.get(frame.f_code.co_varnames[0])
        operator = getattr(operator, "_overloadpacket", operator)
        asked = self._operators.get(getattr(operator, "_qualified_op_name", ""))
        if asked is not None:
            self._hit(asked)


class _OperatorWatcher(TorchDispatchMode):
    def __init__(self, asked: dict[str, Any], hit: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self._asked = asked
        self._report = hit

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func._schema.name
        if name in self._asked:
            self._report(self._asked[name])
        return func(*args, **(kwargs or {}))


def _canary() -> None:
    """Be called, so that the watcher knows that it sees calls."""


_OPERATOR_CALLS = frozenset(
    id(kind.__call__.__code__) for kind in (torch._ops.OpOverloadPacket, torch._ops.OpOverload)
)


def _is_c_function(called: Any, item: Any) -> bool:
    """Return whether a called C function is a forbidden one, also as a tensor's method."""
    if called is item:
        return True
    owner = getattr(called, "__self__", None)
    if isinstance(item, MethodDescriptorType):
        return isinstance(owner, item.__objclass__)
    of_torch = item.__self__ is None or getattr(item.__self__, "__name__", "").startswith("torch.")
    if of_torch and isinstance(owner, torch.Tensor):
        return True
    return called == item


def _same_closure(function: FunctionType) -> Any:
    """Tell functions made by one factory apart: same code, but closed over other things."""
    if not function.__closure__:
        return None
    cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))

    def holds(frame: FrameType) -> bool:
        local = frame.f_locals
        return all(
            name not in local or local[name] is _content(cell) for name, cell in cells.items()
        )

    return holds


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _first_argument_is_a(cls: type) -> Any:
    def holds(frame: FrameType) -> bool:
        names = frame.f_code.co_varnames
        first = frame.f_locals.get(names[0]) if names else None
        kind = first if isinstance(first, type) else type(first)
        return cls in kind.__mro__

    return holds


def _first_argument_is(item: Any) -> Any:
    def holds(frame: FrameType) -> bool:
        names = frame.f_code.co_varnames
        return bool(names) and frame.f_locals.get(names[0]) is item

    return holds
