"""One name, one thing; and a helper that only its own module uses begins with ``_``."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest

from cvgen_course import chapters
from cvgen_course.book.page_key import python_of

ROOT = Path(__file__).parent.parent
CHAPTERS = {chapter.name for chapter in chapters.CHAPTERS}
NAMED = {"main", "setup", "cases", "probe", "check"}
"""Functions that are called by name, from outside Python or through an exercise."""
Definition = ast.FunctionDef | ast.ClassDef


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def trees(*patterns):
    paths = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def lectures():
    """Return the code of each solution notebook."""
    paths = sorted(ROOT.glob("solutions/*/*.ipynb"))
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in paths}
    return {name: ast.parse(python_of(made)) for name, made in notebooks.items()}


PACKAGE = trees("cvgen_course/**/*.py")
EVERYTHING = PACKAGE | trees("tests/**/*.py", "benchmarks/**/*.py", "nbgrader_config.py")
EVERYTHING |= lectures()


def room(module):
    return module.split(".")[1] if "." in module else ""


def classes_and_aliases(tree):
    """Yield the names of a module's classes and type aliases, its helpers left out."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            yield from (name for name in names if re.fullmatch(r"([A-Z][a-z0-9]+)+", name))


def uses(module, tree):
    """Yield what a module takes from others: pairs of a module and a name in it."""
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module, alias.name
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"(cvgen_course[\w.]*)(?:\.| import )(\w+)", node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield modules.get(node.value.id, ""), node.attr


USED = {
    use for module, tree in EVERYTHING.items() for use in uses(module, tree) if use[0] != module
}


def mentioned(node):
    """Yield the names in the signature of a function, or in what a class shows of itself."""
    if isinstance(node, ast.ClassDef):
        parts = [*node.bases, *(n.annotation for n in node.body if isinstance(n, ast.AnnAssign))]
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                yield from mentioned(method)
    else:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        parts = [node.returns, *(argument.annotation for argument in arguments)]
    for part in filter(None, parts):
        yield from (name.id for name in ast.walk(part) if isinstance(name, ast.Name))


def is_registered(node, tree):
    """Return whether a decorator of the module's own, such as ``app.command``, takes it."""
    own = {ast.unparse(n.targets[0]) for n in tree.body if isinstance(n, ast.Assign)}
    return any(
        isinstance(name, ast.Name) and name.id in own
        for decorator in node.decorator_list
        for name in ast.walk(decorator)
    )


def only_here(module):
    """Return the module's functions and classes that nothing outside it uses."""
    tree = PACKAGE[module]
    defined = {n.name: n for n in tree.body if isinstance(n, Definition)}
    exported = {
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.literal_eval(node.value)
    }
    public = {
        name
        for name, node in defined.items()
        if (module, name) in USED or name in exported | NAMED or is_registered(node, tree)
    }
    while more := {n for p in public for n in mentioned(defined[p]) if n in defined} - public:
        public |= more
    return {name for name in defined if name not in public}


def test_no_two_classes_have_one_name():
    """Chapters may share the names that their papers give, such as ``Generator``."""
    rooms = defaultdict(list)
    for module, tree in PACKAGE.items():
        for name in classes_and_aliases(tree):
            rooms[name].append(room(module))
    twice = {name: found for name, found in rooms.items() if len(found) > 1}
    assert not {n: found for n, found in twice.items() if not set(found) <= CHAPTERS}
    assert not {n: found for n, found in twice.items() if len(set(found)) < len(found)}


# The demo's answers are read as text.
@pytest.mark.parametrize("module", [m for m in PACKAGE if ".demo.answers." not in m])
def test_helpers_of_one_module_begin_with_an_underscore(module):
    assert {name for name in only_here(module) if not name.startswith("_")} == set()


def test_no_module_uses_the_helpers_of_another():
    taken = {use for module, tree in PACKAGE.items() for use in uses(module, tree)}
    helpers = {use for use in taken if use[0] in PACKAGE and re.match(r"_(?!_)", use[1])}
    assert helpers == set()
