"""What a callable comes down to: is it the course's own solution, and what do students call it?"""

from __future__ import annotations

import functools
import inspect
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, MethodType
from typing import Any

_SHORT = {
    "torch.nn.functional": "F",
    "torch._C._nn": "F",
    "torch.nn": "nn",
    "builtins": "",
    "__main__": "",
}

_LONG_DOCSTRING = 60


def underlying(item: Any, *, past_wrappers: bool = True) -> Any:
    """Return what a callable comes down to, past decorators, ``partial`` and bound methods.

    Args:
        item: any object.
        past_wrappers: follow the ``__wrapped__`` of Python functions, too.
    """
    for _ in range(100):
        kind = type(item)  # not isinstance: an object may claim any class
        if issubclass(kind, functools.partial):
            item = functools.partial.func.__get__(item)
        elif kind is MethodType:
            item = item.__func__
        elif kind is FunctionType and not past_wrappers:
            break
        elif (inner := _wrapped(item)) is not None:
            item = inner
        else:
            break
    return item


def _wrapped(item: Any) -> Any:
    """Return an object's ``__wrapped__``, and run nothing of the object's for it."""
    if type(item) is FunctionType:  # most are: quicker than getattr_static, and the same
        return dict.get(item.__dict__, "__wrapped__")
    return inspect.getattr_static(item, "__wrapped__", None)


def is_or_wraps(implementation: Any, reference: Any) -> bool:
    """Return whether an object is the reference: an alias, ``partial``, copy or subclass of it.

    ``__wrapped__`` of a Python function is not believed: ``@functools.wraps(reference)`` may stand
    above an answer of one's own. What does call the reference is seen when it runs.
    """
    mine, theirs = underlying(implementation, past_wrappers=False), underlying(reference)
    if mine is theirs or implementation is reference:
        return True
    if isinstance(theirs, type):
        return isinstance(mine, type) and issubclass(mine, theirs)
    code, original = getattr(mine, "__code__", None), getattr(theirs, "__code__", None)
    if type(code) is not CodeType or type(original) is not CodeType:
        return False
    return code is original or same_code(code, original)


def same_code(mine: CodeType, theirs: CodeType) -> bool:
    """Return whether a code object is a copy of one with a docstring.

    Two people may write the same short function, but not the same docstring, a constant of the
    code.
    """
    constants = theirs.co_consts
    return (
        bool(constants)
        and isinstance(constants[0], str)
        and len(constants[0]) >= _LONG_DOCSTRING
        and mine.co_names == theirs.co_names
        and mine.co_consts == constants
        and mine.co_code == theirs.co_code
    )


def name_of(item: Any) -> str:
    """Return the name under which a student knows a forbidden item, e.g. ``"torch.cumsum"``."""
    item = getattr(item, "_qualified_op_name", item)
    if isinstance(item, str):
        return item
    item = underlying(item)
    name = getattr(item, "__name__", None) or type(item).__name__
    if isinstance(item, MethodDescriptorType):
        return f"{item.__objclass__.__name__.removesuffix('Base')}.{name}"
    if isinstance(item, BuiltinFunctionType) and item.__self__ is None:
        return f"torch.{name}"
    if name.startswith("linalg_"):
        return f"torch.linalg.{name.removeprefix('linalg_')}"
    module = _SHORT.get(module := _exporting_module(item, name), module)
    return f"{module}.{name}" if module else name


def _exporting_module(item: Any, name: str) -> str:
    """Return the outermost package that has an item under its own name."""
    module = getattr(item, "__module__", None) or getattr(type(item), "__module__", None) or ""
    if module.startswith("torch.nn.modules"):
        return "torch.nn"
    parts = module.split(".")
    for length in range(1, len(parts)):
        package = ".".join(parts[:length])
        if getattr(sys.modules.get(package), name, None) is item:
            return package
    return module
