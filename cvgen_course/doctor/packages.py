"""Python itself, and the installed packages against the ranges that the course declares."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import TYPE_CHECKING

from cvgen_course.doctor.commands import install_course
from cvgen_course.doctor.course import checkout_of_package
from cvgen_course.doctor.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OWN_NAME = "cvgen-course"
OLDEST_PYTHON = (3, 11)
NEEDED_FOR = {
    "": "studying",
    "grading": "`cvgen release` and `cvgen grade`",
    "book": "`cvgen book`",
    "train": "`cvgen train` and `cvgen evaluate`",
    "test": "the tests and contributing",
}
"""The extras of pyproject.toml, and what one can't do without them."""


def check_python() -> list[Finding]:
    """Look whether this Python is new enough."""
    found = "Python " + ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return [Finding("ok", found)]
    oldest = ".".join(map(str, OLDEST_PYTHON))
    make = "py -3.12 -m venv .venv" if sys.platform == "win32" else "python3.12 -m venv .venv"
    return [Finding("wrong", f"{found}: the course needs {oldest} or newer", make)]


def check_packages() -> list[Finding]:
    """Compare the installed packages with what the course declares, extra by extra."""
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:
        mend = install_course(checkout_of_package(), "", ["packaging"])
        what = "the package packaging is missing, so that no versions can be compared"
        return [Finding("wrong", what, mend)]
    return [
        _finding(extra, [Requirement(line) for line in lines])
        for extra, lines in declared().items()
    ]


def declared() -> dict[str, list[str]]:
    """Return the requirements by extra, from pyproject.toml, else from the installed metadata.

    The extra ``""`` is what everybody needs; what an extra takes from other extras is left out.
    """
    root = checkout_of_package()
    if root is None:
        return _from_metadata()
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        extra: [line for line in lines if not line.startswith(OWN_NAME)]
        for extra, lines in groups.items()
    }


def _from_metadata() -> dict[str, list[str]]:
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires(OWN_NAME) or []]
    return {
        extra: [
            f"{requirement.name}{requirement.specifier}"
            for requirement in requirements
            if requirement.name != OWN_NAME and _belongs(requirement, extra)
        ]
        for extra in NEEDED_FOR
    }


def _belongs(requirement: Requirement, extra: str) -> bool:
    if requirement.marker is None:
        return extra == ""
    return extra != "" and requirement.marker.evaluate({"extra": extra})


def _finding(extra: str, requirements: list[Requirement]) -> Finding:
    label = f"packages for {NEEDED_FOR.get(extra, extra)}"
    missing, unfit = [], []
    for requirement in requirements:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(requirement)
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                unfit.append((requirement, version))
    if not missing and not unfit:
        return Finding("ok", f"{label}: all {len(requirements)}, in the versions that are expected")
    parts = []
    if missing:
        parts.append(f"missing {', '.join(requirement.name for requirement in missing)}")
    parts += [f"{r.name} is {version}, expected {r.specifier}" for r, version in unfit]
    lacking = [f"{r.name}{r.specifier}" for r in (*missing, *(r for r, _ in unfit))]
    mend = install_course(checkout_of_package(), extra, lacking)
    return Finding("optional" if extra else "wrong", f"{label}: {'; '.join(parts)}", mend)
