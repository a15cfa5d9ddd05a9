"""What a statement does that has no place in an answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cvgen_course.grading.bindings import Scope, walk
from cvgen_course.grading.door_names import (
    COURSE_FILES,
    FRAMES,
    HARMLESS_SHELL,
    HIDDEN,
    IN_IPYTHON,
    IN_LIBRARY,
    MAGIC_DOORS,
    READS_FRAMES,
    RUNS_SHELL,
    door_of,
)

Found = tuple[str, ast.AST]
"""What is done, as the end of a sentence, and where."""

COURSE = "cvgen_course"
READERS = ("open", "Path", "read_text", "read_bytes", "listdir", "scandir", "walk", "glob", "rglob")
MAGIC_METHODS = ("run_line_magic", "run_cell_magic", "magic")
SHELL_METHODS = ("system", "getoutput")
CHANGES = "changes a module or a class that is not its own"
ASKS = "asks for the course's own {}"


def asked_for(statement: ast.stmt, module: Scope, exercises: set[str]) -> Iterator[Found]:
    """Yield where a part of an answer names the course's own solution.

    Args:
        statement: the statement.
        module: the notebook's names.
        exercises: of whose answers it is a part.
    """
    for node, scope in walk(statement, module):
        for path in () if isinstance(node, ast.Name) else _paths(node, scope):
            name = path.rpartition(".")[2]
            if path.startswith(f"{COURSE}.") and name in exercises:
                yield ASKS.format(name), node


def in_general(statement: ast.stmt, module: Scope) -> Iterator[Found]:
    """Yield what has no place in any answer.

    Args:
        statement: the statement.
        module: the notebook's names.
    """
    only_asked_whether_there = {
        id(there)
        for node in ast.walk(statement)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn)
        for there in node.comparators
    }
    for node, scope in walk(statement, module):
        found = [door_of(path) for path in _paths(node, scope)]
        if isinstance(node, ast.Attribute | ast.Name):
            if id(node) not in only_asked_whether_there:
                found.append(_named(node, scope))
        elif isinstance(node, ast.Call):
            found.append(_called(node, scope))
        elif isinstance(node, ast.Constant):
            found.append("reads the seed of the questions" if node.value == "CVGEN_SEED" else "")
        elif isinstance(node, ast.ClassDef):
            tensors = any(scope.path(base) == "torch.Tensor" for base in node.bases)
            found.append("makes a tensor of a kind of its own" if tensors else "")
        elif isinstance(node, ast.ImportFrom):
            star = (node.module or "").startswith(COURSE) and node.names[0].name == "*"
            found.append(ASKS.format("functions by the names of the answers") if star else "")
        elif isinstance(node, ast.Assign | ast.NamedExpr):
            found.append(IN_IPYTHON if _is_ipython(node.value) else "")
        yield from ((what, node) for what in found if what)


def _paths(node: ast.AST, scope: Scope) -> list[str]:
    """Return the dotted paths that a node names."""
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module or ''}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Import):  # what is only imported does nothing
        return [alias.name for alias in node.names if alias.name.startswith(COURSE)]
    if isinstance(node, ast.Attribute | ast.Name | ast.Call | ast.Subscript):
        path = scope.path(node)
        return [path] if path else []
    return []


def _named(node: ast.Attribute | ast.Name, scope: Scope) -> str:
    """Return what is wrong with an attribute or a name."""
    if isinstance(node, ast.Name):
        return READS_FRAMES if node.id == "__builtins__" else ""
    if _is_ipython(node.value) and node.attr not in MAGIC_METHODS + SHELL_METHODS:
        return IN_IPYTHON
    path = scope.path(node)
    if FRAMES.fullmatch(node.attr):
        return READS_FRAMES
    if path == "sys.modules" or (path and HIDDEN.fullmatch(node.attr)):
        return IN_LIBRARY
    if not isinstance(node.ctx, ast.Load) and _is_not_theirs(path):
        return CHANGES
    return ""


def _is_not_theirs(path: str) -> bool:
    """Return whether an attribute is another module's or class's and more than a setting."""
    setting = path.startswith("torch.backends.") or path.rpartition(".")[2].isupper()
    return bool(path) and (path.startswith(COURSE) or not setting)


def _called(node: ast.Call, scope: Scope) -> str:
    """Return what is wrong with a call."""
    path = scope.path(node.func)
    first = node.args[0] if node.args else None
    if path in ("builtins.setattr", "builtins.delattr") and first and scope.path(first):
        return CHANGES
    if path in ("builtins.getattr", "builtins.vars") and first:
        if _is_ipython(first):
            return IN_IPYTHON
        asked = scope.path(first)
        known = path == "builtins.getattr" and bool(scope.path(node))
        return IN_LIBRARY if asked.partition(".")[0] in (COURSE, "sys") and not known else ""
    if path in ("importlib.import_module", "builtins.__import__"):
        asked = scope.path(node)
        return IN_LIBRARY if not asked or asked.startswith(COURSE) else ""
    if _is_ipython(getattr(node.func, "value", None)):
        return _told_ipython(node)
    last = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if last in READERS and any(COURSE_FILES.search(text) for text in _texts(node)):
        return "reads files of the course, of Python or of the system"
    return ""


def _texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _is_ipython(node: ast.AST | None) -> bool:
    """Return whether an expression is ``get_ipython()``."""
    if not isinstance(node, ast.Call):
        return False
    return getattr(node.func, "attr", getattr(node.func, "id", "")) == "get_ipython"


def _told_ipython(node: ast.Call) -> str:
    """Return what is wrong with ``get_ipython().…(…)``, which is also what magics become."""
    method = getattr(node.func, "attr", "")
    said = next((a.value for a in node.args if isinstance(a, ast.Constant)), "")
    if method in MAGIC_METHODS:
        return MAGIC_DOORS.get(str(said).split(" ")[0], "")
    harmless = method not in SHELL_METHODS or HARMLESS_SHELL.fullmatch(str(said))
    return "" if harmless else RUNS_SHELL
