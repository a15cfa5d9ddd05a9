"""What functions of a notebook follow from: their own code, and all that it names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from cvgen_course.provenance import PACKAGE, code_hash

SIMPLE = int | float | complex | str | bytes | None


def code_of(*functions: Callable[..., Any]) -> str:
    """Return a hash of the code that functions or classes follow from.

    What they name in the notebook (or module) where they stand is followed there: other functions,
    classes, numbers and texts. What they name elsewhere follows from what
    `cvgen_course.provenance.code_hash` says.

    Returns:
        16 hexadecimal digits.
    """
    found = _Found()
    for function in functions:
        found.follow(function)
    imports = code_hash(sources=["\n".join(sorted(found.imports))])
    text = "\n".join([imports, *found.texts])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class _Found:
    """What has been found so far."""

    def __init__(self) -> None:
        self.homes: set[str] = set()
        self.texts: list[str] = []
        self.imports: set[str] = set()
        self.seen: list[Any] = []

    def follow(self, *things: Any) -> None:
        """Count things, and what they follow from."""
        for thing in things:
            if isinstance(thing, SIMPLE):
                self.texts.append(repr(thing))
            elif isinstance(thing, partial):
                self.follow(thing.func, thing.args, thing.keywords)
            elif isinstance(thing, dict):
                self.follow(*thing.items())
            elif isinstance(thing, tuple | list):
                self.follow(*thing)
            elif isinstance(thing, ModuleType):
                self.imports.add(f"import {thing.__name__}")
            elif not any(thing is each for each in self.seen):
                self.seen.append(thing)
                self._code(thing if isinstance(thing, FunctionType | type) else type(thing))

    def _code(self, thing: FunctionType | type) -> None:
        """Count the code of a function or class: here where it stands at home, else its module."""
        if not self.homes and thing.__module__.partition(".")[0] != PACKAGE.name:
            self.homes.add(thing.__module__)
        if thing.__module__ not in self.homes:
            self.imports.add(f"import {thing.__module__}")
        elif isinstance(thing, FunctionType):
            self.follow(thing.__defaults__, thing.__kwdefaults__)
            self._names(thing.__code__, thing)
        else:
            self.follow(thing.__bases__)
            for name, part in vars(thing).items():
                part = getattr(part, "__func__", getattr(part, "fget", part))
                if not name.startswith("__") or isinstance(part, FunctionType):
                    self.follow(name, part)

    def _names(self, code: CodeType, function: FunctionType) -> None:
        """Count a function's instructions, and what they name."""
        self.texts += [code.co_code.hex(), *code.co_names, *code.co_freevars]
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._names(constant, function)
            elif constant != function.__doc__:
                self.texts.append(_text(constant))
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        inner = {name: cell.cell_contents for name, cell in cells}
        for name in (*code.co_names, *code.co_freevars):
            thing = inner.get(name, function.__globals__.get(name))
            if not isinstance(thing, ModuleType):
                self.follow(name, thing)
                continue
            taken = [part for part in code.co_names if hasattr(thing, part)]
            self.imports |= {f"from {thing.__name__} import {part}" for part in taken}
            self.imports |= set() if taken else {f"import {thing.__name__}"}


def _text(constant: object) -> str:
    """Return a constant as text; a set's order is another in each process."""
    return repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)
