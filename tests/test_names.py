"""One name, one thing: no two classes or type aliases of the package have the same name."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from cvgen_course import chapters

PACKAGE = Path(__file__).parent.parent / "cvgen_course"
CHAPTERS = {chapter.name for chapter in chapters.CHAPTERS}
OTHERS = {"experiments"}
TREES = {
    path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def classes_and_aliases(tree):
    """Yield the names of a module's classes and type aliases."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            yield from (name for name in names if re.fullmatch(r"_?([A-Z][a-z0-9]+)+", name))


def test_no_two_classes_have_one_name():
    """Chapters may share the names that their papers give, such as ``Generator``."""
    rooms = defaultdict(list)
    for path, tree in TREES.items():
        if path.parts[0] not in OTHERS:
            for name in classes_and_aliases(tree):
                rooms[name].append(path.parts[0])
    twice = {name: found for name, found in rooms.items() if len(found) > 1}
    assert not {n: found for n, found in twice.items() if not set(found) <= CHAPTERS}
    assert not {n: found for n, found in twice.items() if len(set(found)) < len(found)}
