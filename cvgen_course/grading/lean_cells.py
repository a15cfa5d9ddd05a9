"""A submission's code cells as a reader of their names needs them: `cvgen_course.grading.lean`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from cvgen_course.grading.dynamic import is_dynamic
from cvgen_course.grading.match import parsed
from cvgen_course.notebooks.cells import exercise_name, grade_id, is_check, plain, unix_lines
from cvgen_course.notebooks.names import Names, names_in

_FALSE = {("TRAIN", "profile.trains()"), ("USE_MY_CODE", "False")}
"""Names that are false while nbgrader runs a lecture, and what the lecture binds them to."""

_LOOKUP = re.compile(r"(\w+) = globals\(\)\.get\('\w+'\)")


class EveryCellError(Exception):
    """No cell can be left out."""


@dataclass
class LeanCell:
    """A code cell.

    Attributes:
        place: where it stands in the notebook.
        is_own: whether a student wrote or changed it, or it has a name in the gradebook.
        asks: the name that it checks; an empty text in other cells.
        is_parameters: whether it has the tag ``parameters``.
        tree: its code; in a lecture's cell without what never runs while nbgrader runs it.
        names: the names in it.
    """

    place: int
    is_own: bool
    asks: str
    is_parameters: bool
    tree: ast.Module
    names: Names

    @property
    def words(self) -> set[str]:
        """The texts in it, but for docstrings: one may be a name."""
        nodes = list(ast.walk(self.tree))
        alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        texts = [n for n in nodes if isinstance(n, ast.Constant) and id(n) not in alone]
        return {text.value for text in texts if isinstance(text.value, str)}


def read_cells(notebook: NotebookNode, released: NotebookNode) -> list[LeanCell]:
    """Return a notebook's code cells.

    Raises:
        EveryCellError: what a cell does can't be told from its code.
    """
    code = [cell for cell in released.cells if cell.cell_type == "code" and not grade_id(cell)]
    lecture = {plain(cell.source) for cell in code}
    cells = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        is_own = bool(grade_id(cell)) or plain(cell.source) not in lecture
        asks = exercise_name(cell) if is_check(cell) else ""
        tree, names = _read(unix_lines(cell.source), frozenset())
        if tree is None and (not is_own or len(cell.source.strip().splitlines()) == 1):
            raise EveryCellError  # a single line may be a magic without its %
        tree = tree or ast.Module([], [])
        if is_own and not asks and is_dynamic(tree):
            raise EveryCellError
        is_parameters = "parameters" in cell.metadata.get("tags", [])
        cells.append(LeanCell(place, is_own, asks, is_parameters, tree, names))
    false = _false(cells)
    for lean in cells:
        if not lean.is_own:
            tree, lean.names = _read(unix_lines(notebook.cells[lean.place].source), false)
            lean.tree = tree or lean.tree
    return cells


@lru_cache(maxsize=2048)
def _read(source: str, false: frozenset[str]) -> tuple[ast.Module | None, Names]:
    """Return a cell's code as IPython runs it, and its names; None for what is no Python.

    Most cells of a class's submissions are the same ones.
    """
    try:
        tree = parsed(TransformerManager().transform_cell(source))
    except Exception:  # IPython's own, on text that is no code
        tree = None
    if tree is None:
        return None, Names()
    if false:
        tree = ast.fix_missing_locations(_Fold(false).visit(tree))
    try:
        return tree, names_in(tree)
    except (SyntaxError, ValueError, RecursionError):
        return tree, Names()  # such as a return outside a function: Python runs nothing of it


def _false(cells: list[LeanCell]) -> frozenset[str]:
    """Return the names that are false in all cells: the lecture binds them so, and nobody else."""
    own = [cell.names for cell in cells if cell.is_own]
    if any("profile" in names.stores | set(names.binds) for names in own):
        return frozenset()
    bound = [name for cell in cells for name in cell.names.binds]
    found: set[str] = set()
    for cell in cells:
        for node in [] if cell.is_own else cell.tree.body:
            name, _, value = ast.unparse(node).partition(" = ")
            if (name, value) in _FALSE or value in found:
                stores = [n for n in ast.walk(cell.tree) if _stores(n, name)]
                if bound.count(name) == len(stores) == 1:
                    found.add(name)
    return frozenset(found)


def _stores(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)


class _Fold(ast.NodeTransformer):
    """Leaves out what never runs where some names are false."""

    def __init__(self, false: frozenset[str]) -> None:
        self.false = false

    def truth(self, test: ast.expr) -> bool | None:
        """Return what a condition surely is, or None."""
        if isinstance(test, ast.Name) and test.id in self.false:
            return False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.truth(test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            first = self.truth(test.values[0])
            return first if first is isinstance(test.op, ast.Or) else None
        return None

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        truth = self.truth(node.test)
        return node if truth is None else (node.body if truth else node.orelse) or ast.Pass()

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        truth = self.truth(node.test)
        return node if truth is None else node.body if truth else node.orelse

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Leave out what a function looks up for a branch that never runs."""
        self.generic_visit(node)
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        loaded = {n.id for n in names if isinstance(n.ctx, ast.Load)}
        found = [_LOOKUP.fullmatch(ast.unparse(statement)) for statement in node.body]
        kept = [s for s, m in zip(node.body, found, strict=True) if not m or m[1] in loaded]
        node.body = kept or [ast.Pass()]
        return node
