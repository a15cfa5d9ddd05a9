"""The package's layers point down (design: errors → data, checks → chapters → … → cli)."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from cvgen_course import chapters

PACKAGE = Path(__file__).parent.parent / "cvgen_course"
CHAPTERS = tuple(chapter.name for chapter in chapters.CHAPTERS)
RANK = dict.fromkeys(("errors", "require", "files", "seeding", "profile", "machine"), 0)
RANK |= {"precision": 0, "bits": 0}
RANK |= {"provenance": 0, "chapters": 0, "reports": 0, "data": 1, "checks": 1, "notebooks": 1}
RANK |= dict.fromkeys(CHAPTERS, 2)
RANK |= {"training": 3, "plotting": 3, "exercises": 4, "grading": 5, "book": 5, "experiments": 5}
RANK |= {"demo": 6, "doctor": 6, "cli": 7}
JUPYTER = ("IPython", "ipykernel", "jupyter", "nbgrader", "nbclient", "nbformat", "jupytext")


def room(module: str) -> str:
    """Return the part of the package that a module belongs to, e.g. ``"segmentation"``."""
    parts = module.split(".")[1:]
    if "exercises" in parts[1:2]:
        return "exercises"
    return parts[0] if parts else ""


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("cvgen_course", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module: str, path: Path, known: set[str]) -> set[str]:
    """Return every imported module, nested ones and those for type checking only too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            submodules = {f"{base}.{alias.name}" for alias in node.names} & known
            found |= submodules or {base}
    return found


MODULES = modules()
IMPORTS = {m: imports(m, p, set(MODULES)) for m, p in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_lower_ranks(module):
    here = room(module)
    if not here:
        assert not any(name.startswith("cvgen_course.") for name in IMPORTS[module])
        return
    assert here in RANK, f"{module}: give its room {here!r} a rank in this test"
    for name in IMPORTS[module]:
        there = room(name) if name.startswith("cvgen_course") else ""
        if not there or there == here == "exercises" or there == here:
            continue
        if RANK[here] == RANK[there] == 0:
            continue  # the foundations may stand on one another, in no circle
        if here in CHAPTERS and there in CHAPTERS:
            assert CHAPTERS.index(there) < CHAPTERS.index(here), f"{module} imports later {name}"
        else:
            assert RANK[there] < RANK[here], f"{module} (rank {RANK[here]}) imports {name}"


def test_no_module_imports_itself_in_a_circle():
    graph = {m: {n for n in names if n in MODULES and n != m} for m, names in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circular import: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("module", [m for m in MODULES if room(m) in CHAPTERS])
def test_chapter_imports_nothing_of_jupyter_training_or_plotting(module):
    for name in IMPORTS[module]:
        assert not name.startswith(JUPYTER), name
        assert room(name) not in ("training", "plotting") or not name.startswith("cvgen_course")


@pytest.mark.parametrize("module", [m for m in MODULES if room(m) == "grading"])
def test_grading_names_no_chapter(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert not texts & set(CHAPTERS)


@pytest.mark.parametrize("where", ["def f():", "if TYPE_CHECKING:"])
def test_layers_catch_an_upward_import(tmp_path, where):
    path = tmp_path / "metrics.py"
    path.write_text(f"{where}\n    from ..training.loop import fit\n")
    found = imports("cvgen_course.segmentation.metrics", path, set(MODULES))
    assert "cvgen_course.training.loop" in found
