"""Commands as one types them on this machine, in this folder."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

MANAGERS = {
    "apt-get": "sudo apt-get install",
    "dnf": "sudo dnf install",
    "pacman": "sudo pacman -S",
    "zypper": "sudo zypper install",
}
"""Linux's package managers, and how each installs a package."""


def quoted(text: str | Path) -> str:
    """Return a word of a command, in quotes where this platform's shell needs them."""
    if sys.platform != "win32":
        return shlex.quote(str(text))
    return f'"{text}"' if re.search(r"[\s&()<>^|]", str(text)) else str(text)


def python() -> str:
    """Return how this very Python is called: ``python`` where that is it, else its path."""
    here = Path(sys.executable)
    found = shutil.which("python")
    if found and Path(found).parent == here.parent:
        return "python"
    if here.is_relative_to(Path.cwd()):
        return quoted(here.relative_to(Path.cwd()))
    return quoted(here)


def pip_install(*words: str) -> str:
    """Return the command that installs something into this Python's environment."""
    return " ".join([python(), "-m pip install", *words])


def checkout(root: Path, extra: str = "") -> str:
    """Return a checkout, with an extra or without, as pip takes it after ``-e``."""
    course = "." if root == Path.cwd() else str(root)
    if not extra:
        # pip would take a name's last brackets for an extra, but not after a slash.
        return quoted(f"{course}/" if course.endswith("]") else course)
    target = f"{course}[{extra}]"
    return quoted(target) if set(target) & set('$`"') else f'"{target}"'


def install_course(root: Path | None, extra: str, requirements: list[str]) -> str:
    """Return the command that installs the course's packages.

    Args:
        root: the course's checkout; None where there is none.
        extra: ``"grading"``, ``"book"``, ``"test"``; an empty text for what everybody needs.
        requirements: what is missing; without a checkout, these are installed one by one.
    """
    if root is None:
        return pip_install(*(f'"{requirement}"' for requirement in requirements))
    here = root == Path.cwd()
    lock = quoted("requirements.lock" if here else root / "requirements.lock")
    return pip_install("-c", lock, "-e", checkout(root, extra))


def install_program(package: str) -> str:
    """Return the command that installs a program of the Linux distribution."""
    for manager, command in MANAGERS.items():
        if shutil.which(manager):
            return f"{command} {package}"
    return ""


def unset(variable: str) -> str:
    """Return the command that removes an environment variable from this shell."""
    if sys.platform == "win32":
        return f'set {variable}=     (in PowerShell: $env:{variable} = "")'
    return f"unset {variable}"


def assign(variable: str, value: str | Path) -> str:
    """Return the command that sets an environment variable in this shell."""
    if sys.platform == "win32":
        return f'set {variable}={value}     (in PowerShell: $env:{variable} = "{value}")'
    return f"export {variable}={quoted(value)}"


def change_folder(folder: Path) -> str:
    """Return the command that goes to a folder."""
    return f"cd {'/d ' if sys.platform == 'win32' else ''}{quoted(folder)}"
