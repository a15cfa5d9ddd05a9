"""Which names a piece of Python binds, and what the names that it reads stand for."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
INNER = FUNCTIONS | COMPREHENSIONS | ast.ClassDef
"""What has names of its own."""


class Scope:
    """The names that a module, a function, a class or a comprehension binds.

    Attributes:
        paths: each name → the dotted path of what was imported under it, e.g.
            ``"torch.nn.functional"``; an empty text for any other.
        outer: the scope around it, None for a module.
        node: what has these names, None for a module.
    """

    def __init__(
        self, nodes: Iterable[ast.AST], outer: Scope | None = None, node: ast.AST | None = None
    ) -> None:
        self.outer, self.node = outer, node
        self.paths: dict[str, str] = {}
        elsewhere: set[str] = set()
        count: Counter[str] = Counter()
        aliases: dict[str, ast.expr] = {}
        for found in _own_nodes(nodes):
            for name, path in _bound(found):
                self.paths[name] = self.paths.get(name) or path
                count[name] += 1
            if isinstance(found, ast.Global | ast.Nonlocal) and node is not None:
                elsewhere.update(found.names)
            if isinstance(found, ast.Assign) and isinstance(found.targets[0], ast.Name):
                aliases[found.targets[0].id] = found.value
        for name in elsewhere:
            self.paths.pop(name, None)
        for name, value in aliases.items():  # conv = F.conv2d
            if count[name] == 1 and name in self.paths:
                self.paths[name] = self.path(value)

    def home(self, name: str) -> Scope | None:
        """Return the scope that a name read here is bound in; None for a builtin or no name."""
        scope: Scope | None = self
        while scope is not None:
            seen = scope is self or not isinstance(scope.node, ast.ClassDef)
            if seen and name in scope.paths:
                return scope
            scope = scope.outer
        return None

    def path(self, node: ast.AST) -> str:
        """Return what an expression names, as a dotted path; an empty text if it can't be told.

        ``F.relu`` is ``"torch.nn.functional.relu"`` and ``eval`` is ``"builtins.eval"``, by
        whichever way they are reached: another name, ``getattr``, ``import_module``.
        """
        attributes: list[str] = []
        while True:
            if isinstance(node, ast.Attribute):
                attributes.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call) and _text(node.args[1:2]):
                if self.path(node.func) != "builtins.getattr":
                    return ""
                attributes.append(_text(node.args[1:2]))
                node = node.args[0]
            else:
                break
        root = self._root(node)
        return ".".join([root, *reversed(attributes)]) if root else ""

    def _root(self, node: ast.AST) -> str:
        """Return the path of a name, or of a module that is asked for by its name as a text."""
        if isinstance(node, ast.Name):
            home = self.home(node.id)
            if home is not None:
                return home.paths[node.id]
            return f"builtins.{node.id}" if hasattr(builtins, node.id) else ""
        if isinstance(node, ast.Call) and _text(node.args):
            by_text = self.path(node.func) in ("importlib.import_module", "builtins.__import__")
            return _text(node.args) if by_text else ""
        if isinstance(node, ast.Subscript) and self.path(node.value) == "sys.modules":
            return _text([node.slice])
        return ""


def inner(node: Any, outer: Scope) -> Scope:
    """Return the scope of a function, class or comprehension."""
    if isinstance(node, COMPREHENSIONS):
        return Scope([g.target for g in node.generators], outer, node)
    if isinstance(node, ast.Lambda):
        return Scope([node.args], outer, node)
    arguments = [] if isinstance(node, ast.ClassDef) else [node.args]
    return Scope([*arguments, *node.body], outer, node)


def outside(node: Any) -> list[ast.AST]:
    """Return the parts of a function, class or comprehension that the scope around it evaluates."""
    if isinstance(node, COMPREHENSIONS):
        return [node.generators[0].iter]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    return [*getattr(node, "decorator_list", []), *defaults]


def walk(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """Yield a node and all below it, each with the scope that it is evaluated in."""
    stack = [(node, scope)]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        if isinstance(node, INNER):
            out = outside(node)
            own = inner(node, scope)
            kept = {id(part) for part in out}
            parts = [(part, scope) for part in out]
            parts += [(part, own) for part in _below(node) if id(part) not in kept]
        else:
            parts = [(part, scope) for part in ast.iter_child_nodes(node)]
        stack += reversed(parts)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node's children; those of its arguments and generators in place of these."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.arguments | ast.comprehension):
            yield from ast.iter_child_nodes(child)
        else:
            yield child


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield a module's statements in order, those within ``if``, ``for``, ``try`` … too."""
    for statement in body:
        yield statement
        if not isinstance(statement, DEFINITIONS):
            for child in ast.iter_child_nodes(statement):
                if isinstance(child, ast.stmt):
                    yield from statements([child])
                elif isinstance(child, ast.ExceptHandler | ast.match_case):
                    yield from statements(child.body)


def binds(statement: ast.stmt) -> set[str]:
    """Return the global names that a module's statement binds, those declared global too."""
    names = set(Scope([statement]).paths)
    declared = (n.names for n in ast.walk(statement) if isinstance(n, ast.Global))
    return names.union(*declared)


def reads(statement: ast.AST, module: Scope) -> set[str]:
    """Return the global names that a statement reads, within functions too."""
    return {
        node.id
        for node, scope in walk(statement, module)
        if isinstance(node, ast.Name) and scope.home(node.id) in (module, None)
    }


def _own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield nodes and those below them, but none that belong to a scope within."""
    stack = list(nodes)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, COMPREHENSIONS):  # a name bound by := belongs to the scope around
            stack += [n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
        elif isinstance(node, INNER):
            stack += outside(node)
        else:
            stack += list(ast.iter_child_nodes(node))[::-1]


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that a node itself binds, each with the path of what is imported."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id, ""
    elif isinstance(node, ast.arg):
        yield node.arg, ""
    elif isinstance(node, DEFINITIONS | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        if node.name:
            yield node.name, ""
    elif isinstance(node, ast.MatchMapping):
        if node.rest:
            yield node.rest, ""
    elif isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            yield alias.asname or first, alias.name if alias.asname else first
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            path = f"{node.module or ''}.{alias.name}".lstrip(".")
            yield alias.asname or alias.name, path


def _text(nodes: list[ast.expr]) -> str:
    """Return the text that the first node is, or an empty one."""
    value = getattr(nodes[0], "value", None) if nodes else None
    return value if isinstance(value, str) and isinstance(nodes[0], ast.Constant) else ""
