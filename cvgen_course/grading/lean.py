"""Which of a submission's cells have to run: the student's own, what feeds them, what shows them.

Most of a lecture's time goes into figures and networks that say nothing about a student. A cell of
the lecture is left out where no cell that runs can tell whether it ran.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable

from nbformat import NotebookNode

from cvgen_course.grading.lean_cells import EveryCellError, LeanCell, read_cells
from cvgen_course.notebooks.names import Names, is_import, names_in

_SETUP = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SETTING = re.compile(
    "set_|rc|use$|style|register|add_|filterwarnings|simplefilter|seterr|savefig|mkdir|chdir|"
    "append|extend|insert|update|setdefault"
)
_CHANGING = re.compile(r"(\w*_|append|extend|insert|update|add|pop|remove|clear|sort|setdefault)$")
_BLIND = frozenset(("exec", "eval", "compile", "globals", "locals", "vars", "__import__"))
_KNOWN = frozenset((*dir(builtins), "display", "__name__", "__file__", "__doc__"))
_Value = tuple[str, int]


def needed(notebook: NotebookNode, released: NotebookNode) -> set[int]:
    """Return the positions of the code cells that have to run.

    Checks get the same points as if all cells ran, since every cell that runs finds the names that
    it reads as they would be then:

    * What a student wrote or changed runs, and so does every check.
    * With a cell that reads a name, all cells run that bind it, and what those need. A function is
      taken to read what its body reads.
    * Where the name's object can be changed without being bound anew, all cells above run that
      could have got hold of it: those that name it, or anything that some cell names beside it.
    * What changes more than names runs: settings and attributes of libraries.
    * Where a student's code looks names up by other means, or reads one that nobody binds, all
      cells run.

    Besides, a cell of the lecture runs where it shows a student's work: it reads something that a
    student's cell binds or changes, or that was made from it.

    Two things may differ. Numbers from the global random generators: a cell that is left out would
    have moved them on. No check depends on them; it seeds them before every case. And what the
    lecture's other cells print, where a student's cell hands them its work by none of the ways
    above.

    Args:
        notebook: a repaired submission.
        released: the lecture.
    """
    try:
        return _Lean(read_cells(notebook, released)).needed()
    except EveryCellError:
        return {i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"}


class _Lean:
    """What the cells of one notebook need of each other.

    A value is a name with the number of the cell that bound it.

    Attributes:
        kinds: how names are bound, by all cells together.
        bodies: what runs when a function or class is used, by its name.
        fixed: the names that stand for one object which stays as it is made.
        showing: the lecture's cells that show a student's work.
        reads: the values that each cell may read from others.
        touched: the values that each cell gets hold of.
        group: values that may share objects, since some cell got hold of both.
        code: what code reads that the objects of a group may hold, by group.
    """

    def __init__(self, cells: list[LeanCell]) -> None:
        self.cells = cells
        self.kinds: dict[str, set[str]] = {}
        self.bodies: dict[str, set[str]] = {}
        for cell in cells:
            for name, kinds in cell.names.binds.items():
                self.kinds.setdefault(name, set()).update(kinds)
            for name, body in cell.names.bodies.items():
                self.bodies.setdefault(name, set()).update(body)
        self.imported = {name for name, kinds in self.kinds.items() if any(map(is_import, kinds))}
        self.fixed = self._fixed()
        self.showing: set[int] = set()
        self.reads = self._follow()
        self.touched = [
            {
                value
                for value in reads | {(n, i) for n in cell.names.binds}
                if value[0] not in self.fixed
            }
            for i, (cell, reads) in enumerate(zip(cells, self.reads, strict=True))
        ]
        self.group = self._groups()
        self.code = self._code()

    def needed(self) -> set[int]:
        """Return the places of the cells that run."""
        run = {i for i, cell in enumerate(self.cells) if cell.is_own}
        run |= self._settings() | self._setup() | self.showing
        todo = sorted(run)
        while todo:
            new = self._feeding(todo.pop()) - run
            run |= new
            todo += new
        return {self.cells[i].place for i in run}

    def _fixed(self) -> set[str]:
        changed = {name for cell in self.cells for name in cell.names.stores}
        changed |= {name for cell in self.cells for name, _ in cell.names.calls}
        bound = [name for cell in self.cells for name in cell.names.binds]
        once = {name for name in self.kinds if bound.count(name) == 1}
        found = {name for name in self.imported if len(self.kinds[name]) == 1}
        found |= {n for n, kinds in self.kinds.items() if kinds == {"constant"} and n in once}
        return found | {n for n in self.kinds.keys() - changed if self.kinds[n] == {"definition"}}

    def _used(self, names: Iterable[str]) -> set[str]:
        """Return names with all that runs when the functions among them are called."""
        found: set[str] = set()
        left = set(names)
        while left:
            found |= left
            left = {n for name in left for n in self.bodies.get(name, ())} - found
        return found

    def _outer(self, cell: LeanCell) -> set[str]:
        """Return the names that a cell may read as others bound them."""
        found = self._used([cell.asks] if cell.asks else [])
        for name, bound in cell.names.loads.items():
            found |= self._used([name]) - bound
        return found

    def _follow(self) -> list[set[_Value]]:
        """Go from cell to cell with what the names stand for; note who shows a student's work."""
        last: dict[str, set[int]] = {}
        work: set[_Value] = set()
        doubt: set[_Value] = set()  # what a student may have changed, so that a cell fails
        every = []
        for i, cell in enumerate(self.cells):
            names = cell.names
            reads = {(name, j) for name in self._outer(cell) for j in last.get(name, ())}
            every.append(reads)
            if reads & work and not cell.is_own:
                self.showing.add(i)
            if cell.is_own or i in self.showing:
                changed = {name for name, how in names.calls if _CHANGING.match(how)}
                changed = changed - self.imported | names.stores
                work |= {(name, j) for name in changed for j in last.get(name, ())}
                same = self.imported & self.fixed  # a student may import what the lecture does
                work |= {(name, i) for name in names.binds.keys() - same}
            may_fail = cell.is_own or bool(reads & (work | doubt))
            if may_fail:
                doubt |= {value for value in reads if value[0] not in self.fixed}
                doubt |= {(name, i) for name in names.binds.keys() - self.fixed}
            for name in names.binds:
                kept = set() if name in names.surely and not may_fail else last.get(name, set())
                last[name] = kept | {i}
        return every

    def _groups(self) -> dict[_Value, int]:
        group: dict[_Value, int] = {}
        members: dict[int, set[_Value]] = {}
        for number, touched in enumerate(self.touched):
            mine = set(touched)
            for other in {group[value] for value in mine if value in group}:
                mine |= members.pop(other)
            members[number] = mine
            group |= dict.fromkeys(mine, number)
        return group

    def _code(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {group: set() for group in self.group.values()}
        for cell, touched in zip(self.cells, self.touched, strict=True):
            named = {*cell.names.loads, *cell.names.binds} & self.bodies.keys()
            held = cell.names.lambdas | (self._used(named) - named)
            for group in {self.group[value] for value in touched}:
                found[group] |= held
        return found

    def _settings(self) -> set[int]:
        """Return the cells that change more than names, and those that call what does."""
        found, functions = set(), {"get_ipython", "setattr"}
        for i, cell in enumerate(self.cells):
            if self._sets(cell.names):
                found.add(i)
                parts = [names_in(ast.Module([node], [])) for node in cell.tree.body]
                functions.update(name for part in parts if self._sets(part) for name in part.bodies)
        for i, cell in enumerate(self.cells):
            used = self._used(cell.names.loads)
            if used & functions:
                found.add(i)
            if used & _BLIND and not cell.asks:
                raise EveryCellError
        return found

    def _sets(self, names: Names) -> bool:
        changed = {name for name, how in names.calls if _SETTING.match(how)}
        return bool((changed | names.stores) & self.imported) or "*" in names.binds

    def _setup(self) -> set[int]:
        """Return the lecture's cells that get things ready: parameters, imports, definitions."""
        found = set()
        for i, cell in enumerate(self.cells):
            plain = all(isinstance(node, _SETUP) for node in cell.tree.body)
            alone = not self._outer(cell) & (self.kinds.keys() - self.fixed)
            if cell.is_parameters or (plain and alone):
                found.add(i)
        return found

    def _feeding(self, i: int) -> set[int]:
        """Return the cells without which a cell might find other values."""
        cell = self.cells[i]
        found, names = self._behind(self.reads[i], i)
        names |= self._outer(cell)
        if cell.is_own and not cell.asks:
            late = self._late(cell)
            more, behind = self._behind((v for v in self.group if v[0] in late), len(self.cells))
            found |= more
            names |= late | behind
            found |= self._importing(names | set(cell.names.binds))
            if names - self.kinds.keys() - _KNOWN:
                raise EveryCellError  # one of IPython's own, or a magic without its %
        fixed = names & self.fixed
        return found | {j for j, c in enumerate(self.cells) if not fixed.isdisjoint(c.names.binds)}

    def _behind(self, values: Iterable[_Value], end: int) -> tuple[set[int], set[str]]:
        """Return the cells before ``end`` that got hold of what values may hold.

        An object may hold code, such as a method or a lambda, which reads names when it runs: these
        are looked into as well, and returned.
        """
        groups: set[int] = set()
        names: set[str] = set()
        left = {self.group[value] for value in values if value in self.group}
        while left:
            groups |= left
            names |= {name for group in left for name in self.code[group]}
            late = {g for (name, j), g in self.group.items() if name in names and j < end}
            left = late - groups
        cells = {
            j for j in range(end) if not groups.isdisjoint(self.group[v] for v in self.touched[j])
        }
        return cells, names

    def _late(self, cell: LeanCell) -> set[str]:
        """Return what a student's functions read whenever they run, and texts that are names."""
        bodies = {name for body in cell.names.bodies.values() for name in body}
        return self._used(bodies | cell.names.lambdas | (cell.words & self.kinds.keys()))

    def _importing(self, names: Iterable[str]) -> set[int]:
        """Return the cells that import from the same packages: ``a.b`` is then there as well."""
        packages = _packages(self.kinds.get(name, set()) for name in names)
        every = ((j, _packages(cell.names.binds.values())) for j, cell in enumerate(self.cells))
        return {j for j, own in every if packages & own}


def _packages(kinds: Iterable[set[str]]) -> set[str]:
    """Return the packages from which names are imported."""
    return {k.split()[1].partition(".")[0] for some in kinds for k in some if is_import(k)}
