"""A program's definitions without what people change at no effort: names, layout, types."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from typing import Any

from cvgen_course.grading.bindings import (
    COMPREHENSIONS,
    DEFINITIONS,
    INNER,
    Scope,
    inner,
    outside,
    statements,
)

NO_FINGERPRINT = ("", 0)
LEFT_OUT = {"ctx", "annotation", "returns", "type_comment", "type_params", "kind", "simple"}
COURSE = "cvgen_course."


class Program:
    """The statements of a module or a notebook, of which definitions have fingerprints.

    Args:
        body: the statements, in the order in which they run.
        exercises: names of functions that the course has too: calling one's own is calling the
            course's, and it is no part of the answer.
    """

    def __init__(self, body: Iterable[ast.stmt], exercises: set[str]) -> None:
        body = list(body)
        self.module = Scope(body)
        self.exercises = exercises
        self.definitions: list[tuple[int, str, ast.stmt]] = []
        for position, outer in enumerate(body):
            for statement in statements([outer]):
                if isinstance(statement, DEFINITIONS):
                    self.definitions.append((position, statement.name, statement))
                elif isinstance(statement, ast.Assign | ast.AnnAssign):
                    names = Scope([statement]).paths
                    self.definitions += [(position, name, statement) for name in names]

    def fingerprint(self, name: str, before: int | None = None) -> tuple[str, int]:
        """Return the fingerprint of what a name stands for, and its number of nodes.

        Both are empty where there is no such definition, or one that isn't implemented.

        Args:
            name: the name.
            before: how many statements have run.
        """
        known = {
            defined: statement
            for position, defined, statement in self.definitions
            if before is None or position < before
        }
        aliases = {name}
        while isinstance(alias := getattr(known.get(name), "value", None), ast.Name):
            if alias.id in aliases:
                return NO_FINGERPRINT
            name = alias.id
            aliases.add(name)
        if name not in known:
            return NO_FINGERPRINT
        writer = _Writer(self, known, aliases)
        try:
            writer.write_definitions(name)
        except RecursionError:
            return NO_FINGERPRINT
        if "'NotImplementedError'" in writer.tokens:
            return NO_FINGERPRINT
        return hashlib.sha256("\0".join(writer.tokens).encode()).hexdigest(), writer.nodes


class _Writer:
    """Writes a definition as a list of tokens, and behind it the module's others that it uses."""

    def __init__(self, program: Program, defined: dict[str, ast.stmt], own_names: set[str]) -> None:
        self.program = program
        self.defined = defined
        self.own_names = own_names
        self.tokens: list[str] = []
        self.nodes = 0
        self.numbers: dict[tuple[int, str], str] = {}
        self.scopes: list[Scope] = []  # kept alive: their ids are in `numbers`
        self.helpers: list[str] = []

    def write_definitions(self, name: str) -> None:
        self.write(self.defined[name], self.program.module)
        for helper in self.helpers:  # which grows
            self.write(self.defined[helper], self.program.module)

    def write(self, node: Any, scope: Scope) -> None:
        """Write any node."""
        self.nodes += 1
        path = self.outside_path(node, scope)
        if path:
            self.tokens.append(path)
        elif isinstance(node, ast.Name):
            self.tokens.append(self.name(node.id, scope))
        elif isinstance(node, ast.Constant):
            self.tokens.append(repr(node.value))
        elif isinstance(node, ast.AnnAssign):
            self.write_fields("Assign", [[node.target], node.value], scope)
        elif isinstance(node, INNER):
            self.write_scope(node, scope)
        elif isinstance(node, ast.Call):
            self.write_call(node, scope)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            named = self.name(node.name, scope)
            fields = [value for field, value in ast.iter_fields(node) if field != "name"]
            self.write_fields(f"{type(node).__name__} {named}", fields, scope)
        else:
            fields = [value for field, value in ast.iter_fields(node) if field not in LEFT_OUT]
            self.write_fields(type(node).__name__, fields, scope)

    def write_fields(self, kind: str, values: list[Any], scope: Scope) -> None:
        self.tokens.append(f"({kind}")
        for value in values:
            if isinstance(value, ast.AST):
                self.write(value, scope)
            elif isinstance(value, list):
                self.tokens.append("[")
                for each in self.meaningful(value, scope):
                    if isinstance(each, ast.AST):
                        self.write(each, scope)
                    else:
                        self.tokens.append(repr(each))
                self.tokens.append("]")
            else:
                self.tokens.append(repr(value))
        self.tokens.append(")")

    def write_call(self, node: ast.Call, scope: Scope) -> None:
        keywords = sorted(node.keywords, key=lambda keyword: keyword.arg or "")
        own = isinstance(node.func, ast.Name) and self.name(node.func.id, scope)[0] in "vh"
        self.write_fields("Call", [node.func, node.args], scope)
        for keyword in keywords:  # those of one's own functions are names like any other
            self.tokens.append("=" if own else f"{keyword.arg}=")
            self.write(keyword.value, scope)

    def write_scope(self, node: Any, scope: Scope) -> None:
        """Write a function, a class or a comprehension."""
        own = inner(node, scope)
        self.scopes.append(own)
        if isinstance(node, COMPREHENSIONS):
            out, *others = [part for g in node.generators for part in (g.iter, g.target, *g.ifs)]
            self.write(out, scope)
            element = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self.write_fields(type(node).__name__, [*others, *element], own)
            return
        self.write_fields("outside", outside(node), scope)
        if not isinstance(node, ast.ClassDef):
            arguments = node.args
            plain = [*arguments.posonlyargs, *arguments.args]
            for each in (plain, [arguments.vararg], arguments.kwonlyargs, [arguments.kwarg]):
                self.tokens.append(" ".join(self.name(a.arg, own) for a in each if a))
        if not isinstance(node, ast.Lambda):
            self.tokens.append(self.name(node.name, scope))
        self.write_fields(type(node).__name__, [node.body], own)

    def name(self, name: str, scope: Scope) -> str:
        """Return what stands for a name: v1 for a variable, h1 for a helper, the others stay."""
        home = scope.home(name)
        if home is not None and home is not self.program.module:
            if isinstance(home.node, ast.ClassDef):
                return f".{name}"
            return self.numbers.setdefault((id(home), name), f"v{len(self.numbers)}")
        if name in self.own_names:
            return "self"
        if name in self.program.exercises:
            return f"{COURSE}{name}"
        if name in self.defined:
            if name not in self.helpers:
                self.helpers.append(name)
            return f"h{self.helpers.index(name)}"
        return f"'{name}'"

    def outside_path(self, node: Any, scope: Scope) -> str:
        """Return the path of something imported, however the import was written; else nothing."""
        if not isinstance(node, ast.Attribute | ast.Name):
            return ""
        path = scope.path(node)
        if path.startswith("builtins."):
            return ""
        return COURSE + path.rpartition(".")[2] if path.startswith(COURSE) else path

    def meaningful(self, nodes: list[Any], scope: Scope) -> list[Any]:
        """Return nodes without the statements that do nothing for the result."""
        return [node for node in nodes if not self.does_nothing(node, scope)]

    def does_nothing(self, node: Any, scope: Scope) -> bool:
        """Return whether a statement is an import, a text, or a check of arguments."""
        if isinstance(node, ast.Expr):
            value = node.value
            name = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
            asks = name.rpartition(".")[2].lstrip("_").startswith("require")
            return isinstance(value, ast.Constant) or (asks and "requires" not in name)
        if isinstance(node, ast.If) and not node.orelse:
            return all(isinstance(each, ast.Raise) for each in node.body)
        if isinstance(node, ast.AnnAssign):
            return node.value is None
        nothing = ast.Import | ast.ImportFrom | ast.Pass | ast.Global | ast.Nonlocal | ast.Assert
        return isinstance(node, nothing)
