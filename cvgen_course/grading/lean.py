"""Which of a submission's cells have to run: the student's own, what feeds them, what shows them.

Most of a lecture's time goes into figures and networks that say nothing about a student. A cell of
the lecture is left out where no cell that runs can tell whether it ran.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from cvgen_course.grading.dynamic import is_dynamic
from cvgen_course.grading.match import parsed
from cvgen_course.notebooks.cells import exercise_name, grade_id, is_check, plain
from cvgen_course.notebooks.names import Names, names_in

_FALSE = {"TRAIN": "TRAIN = profile.trains()", "USE_MY_CODE": "USE_MY_CODE = False"}
"""Names that are false while nbgrader runs a lecture, and the lines that say so."""

_SETUP = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SETTING = re.compile(r"set_|rc|use$|style|register|add_|filterwarnings|simplefilter|seterr")
_CHANGING = re.compile(r"(\w*_|append|extend|insert|update|add|pop|remove|clear|sort|setdefault)$")
_KNOWN = frozenset((*dir(builtins), "display", "__name__", "__file__", "__doc__"))
_Value = tuple[str, int]


class _EveryCell(Exception):
    """No cell can be left out."""


@dataclass
class _Cell:
    """A code cell.

    Attributes:
        place: where it stands in the notebook.
        is_own: whether a student wrote or changed it, or it has a name in the gradebook.
        asks: the name that it checks.
        tree: its code.
        names: the names in it.
    """

    place: int
    is_own: bool
    asks: str
    is_parameters: bool
    tree: ast.Module
    names: Names = field(default_factory=Names)


def needed(notebook: NotebookNode, released: NotebookNode) -> set[int]:
    """Return the positions of the code cells that have to run.

    Checks get the same points as if all cells ran, since every cell that runs finds the names that
    it reads as they would be then:

    * What a student wrote or changed runs, and so does every check.
    * With a cell that reads a name, all cells run that bind it, and what those need.
    * Where the name's object can be changed without being bound anew, all cells above run that
      could have got hold of it: those that name it, or anything that some cell names beside it.
    * What changes more than names runs: settings and attributes of libraries.
    * Where a student's code looks names up by other means, or reads one that nobody binds, all
      cells run.

    Besides, a cell of the lecture runs where it shows a student's work: it reads something that a
    student's cell binds or changes, or that was made from it.

    Only one thing differs: numbers from the global random generators, which a cell that is left out
    may have moved on. No check depends on them; it seeds them before every case.

    Args:
        notebook: a repaired submission.
        released: the lecture.
    """
    try:
        cells = _cells(notebook, released)
        return _Lean(cells).needed()
    except _EveryCell:
        return {i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"}


def _cells(notebook: NotebookNode, released: NotebookNode) -> list[_Cell]:
    """Return a notebook's code cells."""
    code = [cell for cell in released.cells if cell.cell_type == "code" and not grade_id(cell)]
    lecture = {plain(cell.source) for cell in code}
    cells = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        is_own = bool(grade_id(cell)) or plain(cell.source) not in lecture
        asks = exercise_name(cell) if is_check(cell) else ""
        tree = _tree(cell.source, must_parse=not is_own)
        if is_own and not asks and is_dynamic(tree):
            raise _EveryCell
        is_parameters = "parameters" in cell.metadata.get("tags", [])
        cells.append(_Cell(place, is_own, asks, is_parameters, tree, _names(tree)))
    false = _false(cells)
    for own in cells:
        if not own.is_own:
            own.tree = ast.fix_missing_locations(_Fold(false).visit(own.tree))
            own.names = _names(own.tree)
    return cells


def _tree(source: str, must_parse: bool) -> ast.Module:
    """Return a cell's code as IPython runs it; a syntax error runs as nothing."""
    try:
        tree = parsed(TransformerManager().transform_cell(source))
    except Exception:  # IPython's own, on text that is no code
        tree = None
    if tree is None and (must_parse or len(source.strip().splitlines()) == 1):
        raise _EveryCell  # a single line may be a magic without its %
    return tree or ast.Module([], [])


def _names(tree: ast.Module) -> Names:
    try:
        return names_in(tree)
    except (SyntaxError, ValueError):
        return Names()  # such as a return outside a function: Python runs nothing of it


def _false(cells: list[_Cell]) -> set[str]:
    """Return the names that are false in all cells."""
    found = set()
    for name, line in _FALSE.items():
        binding = [cell for cell in cells if name in cell.names.binds]
        said = [ast.unparse(s) for cell in binding for s in cell.tree.body]
        own = [cell.names for cell in cells if cell.is_own]
        patched = any("profile" in names.stores | set(names.binds) for names in own)
        if len(binding) == 1 and not binding[0].is_own and line in said and not patched:
            found.add(name)
    return found


class _Fold(ast.NodeTransformer):
    """Leaves out what never runs where some names are false."""

    def __init__(self, false: set[str]) -> None:
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


class _Lean:
    """What the cells of one notebook need of each other.

    Attributes:
        reads: the values that each cell may read, as a name and the cell that bound it.
        group: values that may share objects, since one cell got hold of both.
    """

    def __init__(self, cells: list[_Cell]) -> None:
        self.cells = cells
        self.kinds: dict[str, list[set[str]]] = {}
        self.bodies: dict[str, set[str]] = {}
        for cell in cells:
            for name, kinds in cell.names.binds.items():
                self.kinds.setdefault(name, []).append(kinds)
            for name, body in cell.names.bodies.items():
                self.bodies.setdefault(name, set()).update(body)
        changed = {name for cell in cells for name in cell.names.stores}
        changed |= {name for cell in cells for name, _ in cell.names.calls}
        self.fixed = {n for n in self.kinds if self.is_fixed(n, n in changed)}
        self.showing: set[int] = set()
        self.reads = self.follow()
        self.touched = [
            {(n, j) for n, j in reads | {(n, i) for n in cells[i].names.binds} if n not in self.fixed}
            for i, reads in enumerate(self.reads)
        ]
        self.group = self.groups()

    def is_fixed(self, name: str, changed: bool) -> bool:
        """Return whether a name stands for one object that stays as it is made."""
        kinds = set().union(*self.kinds[name])
        if len(kinds) > 1 or kinds == {"value"}:
            return False
        if kinds == {"constant"}:
            return len(self.kinds[name]) == 1
        return kinds != {"definition"} or not changed

    def used(self, names: Iterable[str]) -> set[str]:
        """Return names with all that runs when the functions among them are called."""
        found: set[str] = set()
        left = set(names)
        while left:
            found |= left
            left = {n for name in left for n in self.bodies.get(name, ())} - found
        return found

    def outer(self, cell: _Cell) -> set[str]:
        """Return what a cell reads of what others bind, through the functions that it calls too."""
        found = self.used({cell.asks} - {""})
        for name, bound in cell.names.loads.items():
            found |= self.used([name]) - bound
        return found

    def follow(self) -> list[set[_Value]]:
        """Go from cell to cell with what the names stand for; note who shows a student's work."""
        last: dict[str, set[int]] = {}
        work: set[_Value] = set()
        every = []
        for i, cell in enumerate(self.cells):
            names = cell.names
            reads = {(name, j) for name in self.outer(cell) for j in last.get(name, ())}
            every.append(reads)
            if reads & work:
                self.showing.add(i)
            may_fail = cell.is_own or i in self.showing
            if may_fail:
                changed = names.stores | {n for n, method in names.calls if _CHANGING.match(method)}
                work |= {(name, j) for name in changed for j in last.get(name, ())}
                work |= {(name, i) for name in names.binds if not self.is_import(name)}
            for name in names.binds:
                kept = set() if name in names.surely and not may_fail else last.get(name, set())
                last[name] = kept | {i}
        return every

    def groups(self) -> dict[_Value, int]:
        """Put values together that may share objects."""
        group: dict[_Value, int] = {}
        members: dict[int, set[_Value]] = {}
        for number, touched in enumerate(self.touched):
            mine = set(touched)
            for other in {group[value] for value in mine if value in group}:
                mine |= members.pop(other)
            members[number] = mine
            group |= dict.fromkeys(mine, number)
        return group

    def needed(self) -> set[int]:
        """Return the places of the cells that run."""
        run = {i for i, cell in enumerate(self.cells) if cell.is_own or self.is_setup(cell)}
        run |= self.showing
        todo = sorted(run)
        while todo:
            new = self.feeding(todo.pop()) - run
            run |= new
            todo += new
        return {self.cells[i].place for i in run}

    def feeding(self, i: int) -> set[int]:
        """Return the cells without which a cell might find other values."""
        cell = self.cells[i]
        names, groups = self.outer(cell), {self.group.get(value) for value in self.reads[i]}
        found = {j for j in range(i) if groups & {self.group[v] for v in self.touched[j]}}
        if cell.is_own:  # its functions run when a check calls them, or at any other time
            late = self.used(n for body in cell.names.bodies.values() for n in body)
            late |= {word for word in _words(cell.tree) if word in self.kinds}
            late_groups = {group for value, group in self.group.items() if value[0] in late}
            found |= {j for j, t in enumerate(self.touched) if late_groups & {self.group[v] for v in t}}
            names |= late
            if any(name not in self.kinds and name not in _KNOWN for name in names):
                raise _EveryCell
        fixed = names & self.fixed
        return found | {j for j, c in enumerate(self.cells) if not fixed.isdisjoint(c.names.binds)}

    def is_setup(self, cell: _Cell) -> bool:
        """Return whether a cell only gets things ready, or does more than to bind names."""
        names = cell.names
        imported = {n for n in self.kinds if any(k.startswith("import") for s in self.kinds[n] for k in s)}
        settings = {r for r, method in names.calls if _SETTING.match(method)} | names.stores
        if cell.is_parameters or settings & imported or "*" in names.binds:
            return True
        if {"setattr", "get_ipython", "globals", "exec", "eval"} & self.used(names.loads):
            return True
        simple = all(
            isinstance(node, _SETUP) or names_in(ast.Module([node], [])).binds.values() == [{"constant"}]
            for node in cell.tree.body
        )
        return simple and not (self.outer(cell) - self.fixed) & set(self.kinds)

    def is_import(self, name: str) -> bool:
        kinds = set().union(*self.kinds[name])
        return len(kinds) == 1 and next(iter(kinds)).startswith("import")


def _words(tree: ast.Module) -> set[str]:
    """Return the texts in a student's code, since one may be a name; docstrings left out."""
    said = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    constants = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in said]
    return {n.value for n in constants if isinstance(n.value, str)}
