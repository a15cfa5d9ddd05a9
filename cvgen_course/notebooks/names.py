"""Which global names a cell of code reads, binds and changes, as Python's compiler sees it."""

from __future__ import annotations

import ast
import dis
import inspect
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_STATE = (ast.Call, ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_SWALLOW_NOTHING = ("torch.no_grad()", "torch.inference_mode()")


@dataclass
class Names:
    """The names of one cell. Where it can run in several ways, it is taken to read rather than not.

    Attributes:
        loads: the names that its statements read; for each, what the cell has surely bound before.
        binds: how it binds a name: ``"constant"``, ``"definition"``, ``"value"``, or what it
            imports, such as ``"import torch.nn"``. One name may be bound in several ways.
        surely: what is bound when it has run to its end.
        bodies: what runs when a function or class of the cell is used, by its name.
        lambdas: what its lambdas and comprehensions read, at once or whenever they run.
        stores: names of which it sets or deletes attributes or items.
        calls: names of which it calls methods, with the methods.
    """

    loads: dict[str, set[str]] = field(default_factory=dict)
    binds: dict[str, set[str]] = field(default_factory=dict)
    surely: set[str] = field(default_factory=set)
    bodies: dict[str, set[str]] = field(default_factory=dict)
    lambdas: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    calls: set[tuple[str, str]] = field(default_factory=set)


def names_in(tree: ast.Module) -> Names:
    """Return what a cell does with global names.

    Raises:
        SyntaxError: Python can't compile it, so that nothing of it ever runs.
    """
    _compiled(*tree.body)
    found = Names()
    _follow(tree.body, found.surely, found)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found.stores.add(root(node))
        elif isinstance(node, ast.AugAssign):
            found.stores.add(root(node.target))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.calls.add((root(node.func), node.func.attr))
        elif isinstance(node, ast.Call) and root(node.func) == "setattr" and node.args:
            found.stores.add(root(node.args[0]))
    globals_ = set(found.loads).union(found.binds, *found.bodies.values())
    found.stores &= globals_  # a function's own names are nobody else's
    found.calls = {(name, method) for name, method in found.calls if name in globals_}
    return found


def root(node: ast.AST) -> str:
    """Return ``a`` for ``a``, ``a.b``, ``a[0].b`` and ``a.b().c``; else an empty text."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _compiled(*statements: ast.stmt) -> CodeType:
    module = ast.fix_missing_locations(ast.Module(list(statements), []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(module, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _follow(statements: Iterable[ast.stmt], bound: set[str], found: Names) -> None:
    """Go through statements in their order; ``bound`` is what is surely bound by now."""
    for node in statements:
        if isinstance(node, ast.For):
            _note(ast.Expr(node.iter), bound, found)
            inside = set(bound)
            _note(ast.Assign([node.target], ast.Constant(None)), inside, found, kind="value")
            _follow(node.body, inside, found)
            _follow(node.orelse, set(bound), found)
        elif isinstance(node, ast.If):
            _note(ast.Expr(node.test), bound, found)
            branches = set(bound), set(bound)
            _follow(node.body, branches[0], found)
            _follow(node.orelse, branches[1], found)
            bound |= branches[0] & branches[1]
        elif isinstance(node, ast.With) and _swallows_nothing(node):
            _follow(node.body, bound, found)
        else:
            _note(node, bound, found)


def _swallows_nothing(node: ast.With) -> bool:
    """Return whether all of a block has run when it is over."""
    return all(ast.unparse(item) in _SWALLOW_NOTHING for item in node.items)


def _note(node: ast.stmt, bound: set[str], found: Names, kind: str = "") -> None:
    """Add what a single statement does, and what it has surely bound when it is over."""
    code = _Code(_compiled(node))
    for name in code.reads:
        found.loads[name] = found.loads.get(name, bound) & bound
    found.lambdas |= code.lambdas
    for name, body in code.bodies.items():
        found.bodies.setdefault(name, set()).update(body)
    if isinstance(node, ast.Delete):
        bound -= code.binds
    imports = _imports(node) if isinstance(node, _IMPORTS) else {}
    for name in code.binds | (imports.keys() & {"*"}):
        by_body = name != getattr(node, "name", name)  # a function's global statement
        how = imports.get(name) or kind or ("value" if by_body else _kind(node))
        found.binds.setdefault(name, set()).add(how)
    if isinstance(node, ast.Assign):
        bound |= {name for target in node.targets for name in _stored(target)}
    elif isinstance(node, _DEFINITIONS):
        bound.add(node.name)
    elif imports:
        bound |= set(imports) - {"*"}


def _stored(target: ast.AST) -> set[str]:
    names = [node for node in ast.walk(target) if isinstance(node, ast.Name)]
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


class _Code:
    """What compiled statements do at once, and what their functions do when they are called."""

    def __init__(self, code: CodeType) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.bodies: dict[str, set[str]] = {}
        self.lambdas: set[str] = set()
        self._add(code, self.reads, "", is_module=True)

    def _add(self, code: CodeType, reads: set[str], owner: str, is_module: bool = False) -> None:
        for step in dis.get_instructions(code):
            verb, _, scope = step.opname.partition("_")
            if scope not in ("NAME", "GLOBAL", "FROM_DICT_OR_GLOBALS", "CLASSDEREF"):
                continue
            if verb in ("STORE", "DELETE") and (is_module or scope == "GLOBAL"):
                self.binds.add(str(step.argval))
            if verb in ("LOAD", "DELETE") or (scope == "GLOBAL" and not is_module):
                reads.add(str(step.argval))
        for inner in (part for part in code.co_consts if isinstance(part, CodeType)):
            is_function = bool(inner.co_flags & inspect.CO_OPTIMIZED)
            if inner.co_name.startswith("<"):  # a lambda or comprehension: it may run at once
                before = set(reads)
                self._add(inner, reads, owner)
                self.lambdas |= reads - before
            elif is_function or reads is not self.reads:
                name = owner or inner.co_name
                self._add(inner, self.bodies.setdefault(name, set()), name)
            else:  # a class: its own statements run at once
                self.bodies.setdefault(inner.co_name, set())
                self._add(inner, reads, owner or inner.co_name)


def _imports(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Return what each name stands for that an import binds."""
    found = {}
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            found[alias.asname or alias.name] = f"import {node.module}.{alias.name}"
        else:
            what = alias.name if alias.asname else alias.name.partition(".")[0]
            found[alias.asname or what] = f"import {what}"
    return found


def is_import(kind: str) -> bool:
    """Return whether a name is bound by an import."""
    return kind.startswith("import ")


def _kind(node: ast.stmt) -> str:
    """Return whether what a statement binds can change without being bound again."""
    if isinstance(node, ast.Assign) and _is_constant(node.value):
        return "constant" if all(isinstance(t, ast.Name) for t in node.targets) else "value"
    if not isinstance(node, _DEFINITIONS) or node.decorator_list:
        return "value"
    kept: list[ast.AST] = [node.args] if not isinstance(node, ast.ClassDef) else [*node.keywords]
    if isinstance(node, ast.ClassDef):
        kept += [part for part in node.body if not isinstance(part, _DEFINITIONS)]
        kept += [p.args for p in node.body if isinstance(p, ast.FunctionDef)]
    holds_state = any(isinstance(part, _STATE) for root in kept for part in ast.walk(root))
    return "value" if holds_state else "definition"


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)
