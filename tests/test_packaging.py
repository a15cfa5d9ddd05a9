"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
CONDA_NAME = {"torch": "pytorch"}
OWN_NAME = "cvgen-course"


def declared(*extras: str) -> dict[str, Requirement]:
    """Return what the course needs, with these extras; with all of them where none is named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    lists = [project["dependencies"], *(optional[name] for name in extras or optional)]
    requirements = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(r.name): r for r in requirements if r.name != OWN_NAME}


def locked() -> dict[str, list[Requirement]]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins: dict[str, list[Requirement]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return pins


def test_lock_pins_every_declared_package_within_its_range():
    pins = locked()
    for name, requirement in declared().items():
        assert name in pins, f"{name} is declared in pyproject.toml and not pinned: run `make lock`"
        for pin in pins[name]:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert requirement.specifier.contains(exact.version), f"{pin} is outside {requirement}"


def test_lock_holds_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|file:|^-", text, re.MULTILINE)


def test_lock_asks_for_cuda_and_platform_packages_on_their_platform_only():
    for name, pins in locked().items():
        if name.startswith(("nvidia-", "cuda-")) or name in ("triton", "appnope", "pywinpty"):
            assert all(pin.marker is not None for pin in pins), name


def test_environment_yml_has_what_studying_and_grading_need_in_the_same_ranges():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [line for line in environment["dependencies"] if isinstance(line, str)]
    (from_pip,) = [part["pip"] for part in environment["dependencies"] if part not in plain]
    assert from_pip == ["--editable ."]
    (python,) = (line.removeprefix("python=") for line in plain if line.startswith("python="))
    assert SpecifierSet(declared_python()).contains(python)
    packages = [Requirement(line) for line in plain if not line.startswith(("python=", "pip"))]
    conda = {requirement.name: requirement.specifier for requirement in packages}
    expected = {CONDA_NAME.get(n, n): r.specifier for n, r in declared("grading").items()}
    assert conda == expected


def declared_python() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]


def test_import_of_the_package_loads_no_torch():
    code = "import sys, cvgen_course; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
