"""Mutants: the reference with one small change each, to see whether an exercise's cases notice.

A mutant that keeps full points is either equivalent to the reference (the test says why), or shows
a gap in the cases.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import itertools
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeVar

Tree = TypeVar("Tree", bound=ast.AST)

LOOP_BUDGET = 100_000
"""How many loop turns one mutant may take in all; more counts as an endless loop."""

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
NAMES = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "max_pool2d": "avg_pool2d",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "new_zeros": "new_ones",
    "softmax": "log_softmax",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
}


class EndlessLoopError(Exception):
    """A mutant took more loop turns than the budget allows."""


@dataclass(frozen=True)
class Mutant:
    """The reference with one change.

    Attributes:
        change: what was changed, e.g. ``"conv_transpose2d: stride * i -> stride / i"``.
        build: makes the changed function anew, with a budget of its own for its loops.
    """

    change: str
    build: Callable[[], Callable[..., Any]]


def mutants(reference: Callable[..., Any], helpers: tuple[str, ...] = ()) -> Iterator[Mutant]:
    """Yield the mutants of a function.

    The whole module is run again for each, so that a mutant shares no code object with the
    reference and its helpers. Checks of arguments (``if …: raise``, calls of functions named
    ``require…``) stay as they are: they are not asked of students. The same goes for annotations,
    docstrings and texts.

    Args:
        reference: a function defined at the top level of its module.
        helpers: names of functions of that module to be changed too.
    """
    tree = _parsed(reference.__module__)
    ready = _with_budget(tree)
    places = {node.name: i for i, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef)}
    for name in (reference.__name__, *helpers):
        place = places[name]
        unchanged = ready.body[place]
        for change in _changes(tree.body[place]):
            ready.body[place] = _with_budget(tree.body[place])
            build = functools.partial(_run, _compiled(ready), reference.__name__)
            yield Mutant(f"{name}: {change}", build)
        ready.body[place] = unchanged


def rebuilt(reference: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function made anew from its source: of the reference, it must get full points."""
    return _run(_unchanged(reference.__module__), reference.__name__)


@functools.cache
def _unchanged(module: str) -> CodeType:
    return _compiled(_with_budget(_parsed(module)))


def _parsed(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def _with_budget(tree: Tree) -> Tree:
    return ast.fix_missing_locations(_Budget().visit(copy.deepcopy(tree)))


def _compiled(tree: ast.Module) -> CodeType:
    with warnings.catch_warnings(action="ignore"):  # of `1 is None` and the like
        return compile(tree, "<mutant>", "exec", dont_inherit=True)


def _run(code: CodeType, name: str) -> Callable[..., Any]:
    """Run a module's code and return one of its functions, with a budget for its loops."""
    turns = itertools.count()

    def turn() -> None:
        if next(turns) > LOOP_BUDGET:
            raise EndlessLoopError(f"more than {LOOP_BUDGET} turns of a loop")

    namespace = {"__name__": "mutant", "_turn": turn}
    exec(code, namespace)
    return namespace[name]


def without_docstring(function: ast.FunctionDef) -> ast.FunctionDef:
    """Take a function's docstring away: what makes it a copy of the reference, not an answer."""
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    return function


class _Budget(ast.NodeTransformer):
    """Count every turn of every loop, and leave docstrings out: with them it would be a copy."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        return without_docstring(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, ast.parse("_turn()").body[0])
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        return self.visit_For(node)


def _changes(function: ast.FunctionDef) -> Iterator[str]:
    """Change the function in place, yield what was changed, and change it back; again and again."""
    for node in _nodes(function):
        for before, apply, undo in _edits(node):
            apply()
            ast.fix_missing_locations(function)
            after = "pass" if isinstance(node, _Block) else ast.unparse(node)
            if after != before:
                yield f"{_short(before)} -> {_short(after)}"
            undo()


def _short(text: str) -> str:
    return " ".join(text.split())


def _nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Walk defaults and body, past docstring, annotations and checks of arguments."""
    for default in [*function.args.defaults, *function.args.kw_defaults]:
        if default is not None:
            yield from ast.walk(default)
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    yield _Block(function, len(function.body) - len(body))
    for statement in body:
        yield from _walk(statement)


class _Block(ast.AST):
    """The list of statements of a compound statement, from ``start`` on."""

    def __init__(self, owner: ast.AST, start: int = 0, field: str = "body") -> None:
        super().__init__()
        self.owner, self.start, self.field = owner, start, field


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    if _checks_arguments(node):
        return
    if isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _walk(node.value)
        return
    yield node
    for field in ("body", "orelse"):
        if isinstance(getattr(node, field, None), list):
            yield _Block(node, 0, field)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _checks_arguments(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return all(isinstance(statement, ast.Raise) for statement in node.body) and not node.orelse
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        name = getattr(function, "id", getattr(function, "attr", ""))
        return name.lstrip("_").startswith("require")
    return isinstance(node, ast.Raise)


EDITED = (
    *(ast.BinOp, ast.AugAssign, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Constant, ast.IfExp),
    *(ast.Attribute, ast.Slice, ast.Call, ast.Tuple, ast.List, ast.comprehension),
)
Edit = tuple[str, Callable[[], None], Callable[[], None]]


def _edits(node: ast.AST) -> Iterator[Edit]:
    """Yield (text before, apply, undo) for every change of one node."""
    if isinstance(node, _Block):
        yield from _removals(node)
        return
    if not isinstance(node, EDITED):
        return
    before = ast.unparse(node)

    def put(field: str, value: Any) -> Edit:
        old = getattr(node, field)
        return (
            before,
            lambda: setattr(node, field, value),
            lambda: setattr(node, field, old),
        )

    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        yield put("op", OPERATORS[type(node.op)]())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv):
        old = node.left, node.right

        def exchange(left: ast.expr, right: ast.expr) -> Callable[[], None]:
            return lambda: (setattr(node, "left", left), setattr(node, "right", right))

        yield before, exchange(old[1], old[0]), exchange(*old)
    if isinstance(node, ast.Compare):
        for other in COMPARISONS[type(node.ops[0])]:
            yield put("ops", [other(), *node.ops[1:]])
    if isinstance(node, ast.BoolOp):
        yield put("op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
        yield put("op", ast.UAdd())  # without the minus, or an error for ~ and `not` of a tensor
    if isinstance(node, ast.Constant):
        for value in _other_constants(node.value):
            yield put("value", value)
    if isinstance(node, ast.IfExp):
        old = node.body, node.orelse

        def swap(body: ast.expr, orelse: ast.expr) -> Callable[[], None]:
            return lambda: (setattr(node, "body", body), setattr(node, "orelse", orelse))

        yield before, swap(old[1], old[0]), swap(*old)
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield put("attr", NAMES[node.attr])
    if isinstance(node, ast.Slice):
        for field in ("lower", "upper", "step"):
            if getattr(node, field) is not None:
                yield put(field, None)
    if isinstance(node, ast.Call):
        yield from _call_edits(node, put)
    if isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load) and node.elts[1:]:
        yield put("elts", [node.elts[1], node.elts[0], *node.elts[2:]])
    if isinstance(node, ast.comprehension) and node.ifs:
        yield put("ifs", [])


def _call_edits(node: ast.Call, put: Callable[[str, Any], Edit]) -> Iterator[Edit]:
    """Remove each argument, exchange neighbours."""
    for i in range(len(node.keywords)):
        yield put("keywords", node.keywords[:i] + node.keywords[i + 1 :])
    for i in range(len(node.args)):
        yield put("args", node.args[:i] + node.args[i + 1 :])
    for i in range(len(node.args) - 1):
        a = node.args
        yield put("args", [*a[:i], a[i + 1], a[i], *a[i + 2 :]])


def _other_constants(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (not value,)
    if value is None:
        return (1,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    if isinstance(value, float):
        return (2 * value + 1,)
    return ()


def _removals(block: _Block) -> Iterator[Edit]:
    """Replace each statement by ``pass``."""
    statements = getattr(block.owner, block.field)
    for i in range(block.start, len(statements)):
        old = statements[i]
        if _checks_arguments(old) or isinstance(old, ast.Pass):
            continue

        def put(statement: ast.stmt, i: int = i) -> Callable[[], None]:
            return lambda: statements.__setitem__(i, statement)

        yield ast.unparse(old), put(ast.Pass()), put(old)
