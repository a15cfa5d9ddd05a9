"""Every notebook installs the course on Colab, and there alone; it runs on what Colab has."""

import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted([*ROOT.glob("solutions/*/*.ipynb"), *ROOT.glob("lectures/*/*.ipynb")])
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
NOT_ON_COLAB = ("nbgrader", "jupytext", "jupyterlab", "nbclient", "sphinx", "rich", "typer")

every_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def first_code_cell(path: Path) -> nbformat.NotebookNode:
    cells = nbformat.read(path, as_version=4).cells
    return next(cell for cell in cells if cell.cell_type == "code")


class Shell(InteractiveShell):
    """IPython without its magics: it only notes which were called."""

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        self.called = [*getattr(self, "called", []), (magic_name, line)]


@every_notebook
@pytest.mark.parametrize("on_colab", [True, False])
def test_first_cell_installs_the_course_on_colab_alone(path, on_colab, monkeypatch):
    if on_colab:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    shell = Shell()
    assert shell.run_cell(first_code_cell(path).source).success
    expected = [("pip", f"install --quiet --no-deps git+{ADDRESS}")] if on_colab else []
    assert getattr(shell, "called", []) == expected


@every_notebook
def test_first_cell_is_not_in_the_book(path):
    assert "remove-cell" in first_code_cell(path).metadata.tags


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("lectures/*/*.ipynb")), ids=lambda path: path.stem
)
def test_imports_need_only_what_colab_has(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    lines = [line for cell in cells for line in cell.source.splitlines()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert any("cvgen_course" in line for line in imports)
    blocked = f"import sys\nfor name in {NOT_ON_COLAB!r}: sys.modules[name] = None\n"
    subprocess.run([sys.executable, "-c", blocked + "\n".join(imports)], check=True, cwd=ROOT)
