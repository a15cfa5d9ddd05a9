import builtins
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from cvgen_course.doctor import packages
from cvgen_course.doctor.packages import NEEDED_FOR, check_packages, check_python, declared

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def installed(monkeypatch, versions):
    """Pretend that these packages alone are installed."""

    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(packages.metadata, "version", version)


def declares(monkeypatch, groups):
    monkeypatch.setattr(packages, "declared", lambda: groups)
    monkeypatch.setattr(packages, "checkout_of_package", lambda: None)


def test_check_python_accepts_what_pyproject_requires(monkeypatch):
    assert PROJECT["requires-python"] == ">=" + ".".join(map(str, packages.OLDEST_PYTHON))
    (finding,) = check_python()
    assert finding.status == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 10, 14))
    (finding,) = check_python()
    assert finding.status == "wrong"
    assert "3.10.14: the course needs 3.11" in finding.what
    assert finding.mend == "python3.12 -m venv .venv"


def test_needed_for_names_every_extra_of_pyproject():
    assert set(NEEDED_FOR) == {"", *PROJECT["optional-dependencies"]}


def test_declared_is_what_pyproject_says_without_the_course_itself():
    found = declared()
    assert found[""] == PROJECT["dependencies"]
    assert "pytest>=8.3,<9.2" in found["test"]
    assert not any(line.startswith("cvgen-course") for lines in found.values() for line in lines)


def test_declared_falls_back_to_the_installed_metadata(monkeypatch):
    lines = [
        "numpy>=2.0",
        'jinja2>=3.1; extra == "grading"',
        'pytest>=8.3; extra == "test"',
        'cvgen-course[book]; extra == "test"',
    ]
    monkeypatch.setattr(packages, "checkout_of_package", lambda: None)
    monkeypatch.setattr(packages.metadata, "requires", lambda name: lines)
    assert declared() == {
        "": ["numpy>=2.0"],
        "grading": ["jinja2>=3.1"],
        "book": [],
        "train": [],
        "test": ["pytest>=8.3"],
    }


def test_check_packages_is_content_with_what_is_installed_here():
    assert {finding.status for finding in check_packages()} == {"ok"}


@pytest.mark.usefixtures("activated")
@pytest.mark.parametrize(
    ("versions", "status", "what"),
    [
        ({"torch": "2.14.1+cpu"}, "ok", "all 1"),
        ({"torch": "3.0.0rc1"}, "ok", "all 1"),
        ({"torch": "2.5.1"}, "wrong", "torch is 2.5.1, expected >=2.6"),
        ({}, "wrong", "missing torch"),
    ],
)
def test_check_packages_compares_versions(monkeypatch, versions, status, what):
    declares(monkeypatch, {"": ["torch>=2.6"]})
    installed(monkeypatch, versions)
    (finding,) = check_packages()
    assert finding.status == status
    assert what in finding.what
    assert finding.mend == ("" if status == "ok" else 'python -m pip install "torch>=2.6"')


@pytest.mark.usefixtures("activated")
def test_check_packages_calls_a_missing_extra_optional_and_says_what_it_is_for(monkeypatch):
    monkeypatch.chdir(ROOT)
    installed(monkeypatch, {"rich": "12.0"})
    monkeypatch.setattr(packages, "declared", lambda: {"grading": ["jinja2>=3.1", "rich>=13.9"]})
    (finding,) = check_packages()
    assert finding.status == "optional"
    assert "`cvgen grade`: missing jinja2; rich is 12.0, expected >=13.9" in finding.what
    assert finding.mend == 'python -m pip install -c requirements.lock -e ".[grading]"'


@pytest.mark.usefixtures("activated")
def test_check_packages_works_without_packaging(monkeypatch):
    original = builtins.__import__

    def without_packaging(name, *args, **kwargs):
        if name.startswith("packaging"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name, *args, **kwargs)

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(builtins, "__import__", without_packaging)
    (finding,) = check_packages()
    assert finding.status == "wrong"
    assert "packaging is missing" in finding.what
    assert finding.mend == "python -m pip install -c requirements.lock -e ."
