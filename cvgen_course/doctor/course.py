"""Which course this is: the folder that one is in, the package that Python imports, the profile."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import cvgen_course
from cvgen_course import profile
from cvgen_course.doctor.commands import change_folder, checkout, pip_install, unset
from cvgen_course.doctor.finding import Finding

CONFIG = "nbgrader_config.py"
"""A course's folder holds nbgrader's configuration."""


def checkout_of_package() -> Path | None:
    """Return the checkout that the imported ``cvgen_course`` lies in; None where it is a copy."""
    root = Path(cvgen_course.__file__).resolve().parents[1]
    return root if (root / CONFIG).is_file() and (root / "pyproject.toml").is_file() else None


def checkout_of_folder(folder: Path) -> Path | None:
    """Return the checkout that a folder belongs to, itself or one above it."""
    folder = folder.resolve()
    for root in (folder, *folder.parents):
        if (root / CONFIG).is_file() and (root / "cvgen_course").is_dir():
            return root
    return None


def check_checkout() -> list[Finding]:
    """Look whether notebooks of this folder import this folder's library, and at its name."""
    here = checkout_of_folder(Path.cwd())
    return [_library(here), *(_name(here) if here else [])]


def _library(here: Path | None) -> Finding:
    imported = checkout_of_package()
    library = f"cvgen_course {cvgen_course.__version__}"
    where = imported or Path(cvgen_course.__file__).parent
    if here is not None and here == imported:
        return Finding("ok", f"{library}, the library of this folder: {here}")
    if here is not None:
        what = f"{library} comes from {where}, but this folder belongs to {here}"
        return Finding("wrong", what, pip_install("--no-deps", "-e", checkout(here)))
    mend = change_folder(imported) if imported else _clone()
    what = f"{library} from {where}; lectures, release, grade and book need the course's folder"
    return Finding("optional", what, mend)


def _name(here: Path) -> list[Finding]:
    """Look whether nbgrader bears the name of the course's folder; students don't need it."""
    if "?" in str(here):
        what = "release, grade and book need another name: addresses in it would end at the '?'"
    elif set("[*") & set(str(here)):
        what = "Formgrader and nbgrader's own commands find nothing where a name has '[' or '*'"
    else:
        return []
    return [Finding("optional", f"{here}: {what}; rename that folder")]


def check_profile() -> list[Finding]:
    """Look whether CVGEN_PROFILE names a profile."""
    try:
        return [Finding("ok", f"profile {profile.current()}")]
    except ValueError as error:
        return [Finding("wrong", str(error), unset("CVGEN_PROFILE"))]


def _clone() -> str:
    try:
        urls = metadata.metadata("cvgen-course").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        urls = []
    named = dict(url.split(", ", 1) for url in urls)
    return f"git clone {named['Repository']}" if "Repository" in named else ""
