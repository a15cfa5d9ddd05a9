"""Whether code may look up names that do not stand in it."""

from __future__ import annotations

import ast
import re

_NAMES = frozenset(
    (
        "__builtins__",
        "__import__",
        "__main__",
        "breakpoint",
        "compile",
        "delattr",
        "dir",
        "eval",
        "exec",
        "get_ipython",
        "globals",
        "locals",
        "vars",
    )
)
_ATTRIBUTES = frozenset(
    (
        "__builtins__",
        "__closure__",
        "__code__",
        "__dict__",
        "__getattribute__",
        "__globals__",
        "__import__",
        "__main__",
        "__subclasses__",
        "_getframe",
        "attrgetter",
        "currentframe",
        "environ",
        "f_back",
        "f_builtins",
        "f_globals",
        "f_locals",
        "get_ipython",
        "getenv",
        "methodcaller",
        "putenv",
        "run_cell",
        "run_line_magic",
        "settrace",
        "setprofile",
        "tb_frame",
        "unsetenv",
        "user_global_ns",
        "user_ns",
    )
)
_MODULES = frozenset(
    (
        "IPython.core",
        "IPython.terminal",
        "IPython.utils",
        "__main__",
        "atexit",
        "builtins",
        "code",
        "codeop",
        "ctypes",
        "dill",
        "doctest",
        "gc",
        "importlib",
        "inspect",
        "ipykernel",
        "joblib",
        "multiprocessing",
        "pdb",
        "pickle",
        "pkgutil",
        "runpy",
        "signal",
        "threading",
        "timeit",
        "trace",
        "traceback",
        "unittest",
    )
)
_ATTRIBUTE_FUNCTIONS = ("getattr", "hasattr", "setattr")


def is_dynamic(tree: ast.Module) -> bool:
    """Return whether code may read or bind names that do not stand in it, or run at odd times.

    It may be wrong in one direction only: harmless code may be taken for such code.
    """
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in _NAMES:
                return True
            case ast.Name(id=name) if name in _ATTRIBUTE_FUNCTIONS and id(node) not in called:
                return True
            case ast.Name(id=name) if re.fullmatch(r"In|Out|_(_|__|i+|ih|oh|dh|i?\d+)?", name):
                if isinstance(node.ctx, ast.Load):
                    return True  # what IPython keeps of earlier cells
            case ast.Attribute(attr=name) if name in _ATTRIBUTES:
                return True
            case ast.Attribute(attr="modules") if id(node) not in called:
                return True  # sys.modules, and not a network's modules()
            case ast.Call(func=ast.Name(id=name), args=args) if name in _ATTRIBUTE_FUNCTIONS:
                if len(args) < 2 or not isinstance(args[1], ast.Constant):
                    return True
            case ast.Constant(value=str(text)) if text in _ATTRIBUTES or "__main__" in text:
                return True
            case ast.Import(names=names) if any(map(_is_odd, (a.name for a in names))):
                return True
            case ast.ImportFrom(module=module, names=names):
                whole = [f"{module}.{alias.name}" for alias in names]
                if any(map(_is_odd, whole)) or any(a.name == "*" for a in names):
                    return True
                if any(a.name in _ATTRIBUTES or a.name == "modules" for a in names):
                    return True
    return False


def _is_odd(module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:n]) in _MODULES for n in (1, 2))
