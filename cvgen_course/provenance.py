"""What a result follows from: a hash of code that only changes where the code's meaning may.

Counted are the syntax trees of the modules that are named and of all modules that these import,
nested imports too, without docstrings, comments and layout; and the versions of the packages
outside. So an executed notebook, a grade, a drawn data set or a trained model is made again after a
change that may have changed it, and after no other.

Of a package counts what is taken from it, not all that it exports: ``from cvgen_course.data import
load``, or ``data.load`` after ``from cvgen_course import data``, follows ``load`` to where it is
written. What is found by name at run time (``importlib.import_module``) is not seen.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    packages_distributions,
    version,
)
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOTS = {PACKAGE.name: PACKAGE}
"""Where modules are looked for: the first part of their names → its folder."""

Import = tuple[str, str, frozenset[str]]
"""A module; the name that is taken from it, empty for the module as a whole; and where nothing else
is done with that name, its attributes that are used."""


def code_hash(
    *modules: str, sources: Iterable[str] = (), roots: Mapping[str, Path] | None = None
) -> str:
    """Return a hash of the code that a result follows from.

    Args:
        *modules: names of modules, e.g. ``"cvgen_course.detection.nms"``; a package's name stands
            for all that its ``__init__`` imports.
        sources: Python code that is in no module, e.g. a notebook's cells; what it imports counts,
            and it itself, too.
        roots: other folders in which modules are looked for, by the first part of their names.

    Returns:
        16 hexadecimal digits.

    Raises:
        ValueError: there is no such module.
        SyntaxError: a source is no Python.
    """
    walk = _Walk({**ROOTS, **(roots or {})})
    for module in modules:
        if walk.path(module) is None:
            raise ValueError(f"modules: expected modules of {', '.join(walk.roots)}, got {module}")
        walk.whole(module)
    for source in sources:
        code = _parsed(source)
        walk.parts[f"source {code.digest}"] = code.digest
        walk.follow(code.imports)
    digest = hashlib.sha256(f"{sys.version_info.major}.{sys.version_info.minor}".encode())
    for name, part in [*sorted(walk.parts.items()), *_versions(walk.outside)]:
        digest.update(f"{name}\x1f{part}\x1e".encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _Code:
    """What counts of one piece of code.

    Attributes:
        digest: of the whole syntax tree.
        own: of what is left without imports and ``__all__``; empty where nothing is.
        imports: everything that is imported, nested too.
        exports: names that the top level takes from other modules → where they come from.
    """

    digest: str
    own: str
    imports: tuple[Import, ...]
    exports: Mapping[str, Import]


@dataclass
class _Walk:
    """The closure of imports, as far as it has been followed."""

    roots: Mapping[str, Path]
    parts: dict[str, str] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    taken: set[Import] = field(default_factory=set)

    def path(self, module: str) -> Path | None:
        """Return a module's file; None where it belongs to no root, or is none."""
        first, _, rest = module.partition(".")
        if first not in self.roots:
            return None
        place = self.roots[first].joinpath(*filter(None, rest.split(".")))
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
        return None

    def code(self, module: str) -> _Code | None:
        path = self.path(module)
        return None if path is None else _read(path, module, path.stat().st_mtime_ns)

    def whole(self, module: str) -> None:
        """Count a module, and all that it imports."""
        if module in self.parts:
            return
        code = self.code(module)
        if code is None:
            self.outside.add(module.partition(".")[0])
            return
        self.parts[module] = code.digest
        self._packages_of(module)
        self.follow(code.imports)

    def follow(self, imports: Iterable[Import]) -> None:
        """Count what is imported."""
        for each in imports:
            if each not in self.taken:
                self.taken.add(each)
                self._name(*each)

    def _name(self, module: str, name: str, attributes: Iterable[str] = ()) -> None:
        """Count what one name of a module needs: where it is defined, and nothing beside it."""
        code = self.code(module)
        path = self.path(f"{module}.{name}") if name else None
        if path is not None and path.name == "__init__.py" and attributes:
            for attribute in attributes:
                self._name(f"{module}.{name}", attribute)
        elif path is not None:
            self.whole(f"{module}.{name}")
        elif code is not None and name in code.exports:
            self._packages_of(f"{module}.{name}")
            self._name(*code.exports[name])
        else:
            self.whole(module)

    def _packages_of(self, module: str) -> None:
        """Count what importing a module runs in the packages around it, beside their imports."""
        package = module.rpartition(".")[0]
        while package:
            code = self.code(package)
            if code is not None and code.own:
                self.parts.setdefault(f"around {package}", code.own)
            package = package.rpartition(".")[0]


@cache
def _read(path: Path, module: str, changed: int) -> _Code:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _parsed(path.read_text(encoding="utf-8"), package)


def _parsed(source: str, package: str = "") -> _Code:
    tree = ast.parse(source)
    _strip(tree)
    nodes = list(ast.walk(tree))
    imports = tuple(dict.fromkeys(_imports(nodes, package, _attributes(nodes))))
    exports = {
        alias.asname or alias.name: found
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias, found in zip(statement.names, _imports([statement], package, {}), strict=True)
    }
    digest = _digest(tree.body)
    own = [statement for statement in tree.body if not _is_list_of_names(statement)]
    return _Code(digest, _digest(own) if own else "", imports, exports)


def _strip(tree: ast.Module) -> None:
    """Take out docstrings, other texts that stand alone, and imports for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_list_of_names(statement: ast.stmt) -> bool:
    """Return whether a statement of a package's ``__init__`` only says what the package holds."""
    if isinstance(statement, ast.Assign):
        return any(getattr(target, "id", "") == "__all__" for target in statement.targets)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _attributes(nodes: Iterable[ast.AST]) -> dict[str, frozenset[str]]:
    """Return, for names of which only attributes are used, which ones."""
    found: dict[str, set[str]] = {}
    owners = set()
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owners.add(node.value)
            found.setdefault(node.value.id, set()).add(node.attr)
    bare = {n.id for n in nodes if isinstance(n, ast.Name) and n not in owners}
    return {name: frozenset(used) for name, used in found.items() if name not in bare}


def _imports(
    nodes: Iterable[ast.AST], package: str, attributes: Mapping[str, frozenset[str]]
) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", frozenset()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [base])])
            for alias in node.names:
                name = "" if alias.name == "*" else alias.name
                yield base, name, attributes.get(alias.asname or alias.name, frozenset())


def _digest(statements: Collection[ast.stmt]) -> str:
    text = "\n".join(ast.dump(statement) for statement in statements)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _versions(packages: set[str]) -> list[tuple[str, str]]:
    """Return the versions of the distributions that packages come from; Python's own have none."""
    found = []
    for package in packages - sys.stdlib_module_names:
        for name in _distributions(package):
            found.append((f"package {name}", version(name)))
    return sorted(set(found))


@cache
def _distributions(package: str) -> list[str]:
    """Return the names under which a package is installed; most have its own name."""
    name = "pillow" if package == "PIL" else package
    try:
        return [distribution(name).name]
    except PackageNotFoundError:  # a look at everything that is installed takes half a second
        return packages_distributions().get(package, [])
